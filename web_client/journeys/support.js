// People who live by a real server: each with an application of their own, on a database in memory.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { createServer, connect } from "node:net";
import { IDBFactory } from "fake-indexeddb";
import { prepareAttachment } from "../src/state/prepare-image.js";
import { openApp } from "../src/state/app.js";

const WAIT = 20_000;

/** Where the server of these journeys is. */
export const ORIGIN = required("RELAIS_TEST_ORIGIN");

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: tests/journeys/test_web_state.py starts a server and sets it`);
  return value;
}

const createCanvas = () => assert.fail("pictures need a browser: these journeys attach documents");

/** One person's browser. `reload` is what a reload of the page does. */
export class Browser {
  faults = [];
  #factory = new IDBFactory();
  #origin;
  #wake = () => {};

  constructor(origin = ORIGIN) {
    this.#origin = origin;
  }

  async open() {
    this.app = await openApp({
      origin: this.#origin, indexedDB: this.#factory, hesitation: 20, persist: async () => {},
      prepare: (file) => prepareAttachment(file, { createCanvas }), report: (error) => this.faults.push(error),
      onWake: (wake) => (this.#wake = wake),
    });
    await until(this.app.session, ({ phase }) => phase !== "starting");
    return this;
  }

  /** The network is said to be back. */
  wake() {
    this.#wake();
  }

  async reload() {
    this.app.close();
    return this.open();
  }

  /** Every table of its database, as text: what a thief of the disk reads. */
  async dump() {
    const opened = await new Promise((resolve, reject) => {
      const request = this.#factory.open("relais");
      request.addEventListener("success", () => resolve(request.result));
      request.addEventListener("error", () => reject(new Error("the database did not open", { cause: request.error })));
    });
    const names = [...opened.objectStoreNames];
    const transaction = opened.transaction(names);
    const tables = await Promise.all(names.map((name) => new Promise((resolve) => {
      const request = transaction.objectStore(name).getAll();
      request.addEventListener("success", () => resolve(request.result));
    })));
    opened.close();
    const rows = Object.fromEntries(names.map((name, index) => [name, tables[index]]));
    return { rows, text: JSON.stringify(tables, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value)) };
  }

  /** An open circle whose timeline is loaded. */
  async circle(id) {
    const open = this.app.circles.open(id);
    await until(open.timeline, ({ loaded }) => loaded);
    return open;
  }
}

/** @type {Promise<Browser>[]} */
const administrators = [];

/** Somebody new, enrolled by an invitation. */
export async function person(name, { roles = ["professional"], origin = ORIGIN } = {}) {
  const { url } = await (await administrator()).app.admin.invite({ roles, organisation: "Territoire", days: 1 });
  return enrolled(name, url, origin);
}

/** Whoever invites the others. */
export async function administrator() {
  if (administrators.length === 0) administrators.push(enrolled("Ada Régnier", required("RELAIS_TEST_INVITATION"), ORIGIN));
  return administrators[0];
}

/** Somebody who followed an invitation. */
export async function enrolled(name, url, origin) {
  const browser = await new Browser(origin).open();
  const token = url.split("#")[1];
  const { entry, session, connectivity } = browser.app;
  await entry.lookInvitation(token);
  await entry.enrol({ token, name, profession: "Infirmière", organisation: "Cabinet des Tilleuls", label: `Téléphone de ${name}` });
  assert.equal(session.value.phase, "ready");
  await until(connectivity, ({ state }) => state === "online");
  browsers.push(browser);
  return browser;
}

const browsers = [];

/** Close everything; nobody's application may have met a fault it did not expect. */
export async function closeAll({ expected = [] } = {}) {
  for (const { app } of browsers) app.close();
  const faults = browsers.flatMap((browser) => browser.faults).filter((fault) => !expected.includes(fault.reason));
  assert.deepEqual(faults.map((fault) => fault.stack), []);
}

export const PATIENT = Object.freeze({ name: "Odette Marchand", sex: "F", born: "1938-04-12", place: "Auxerre" });

/** Settle when a signal's value passes; fail with its last value otherwise. */
export function until(signal, passes, what = passes.toString()) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`still waiting for ${what}: ${JSON.stringify(signal.value, null, 1)}`));
    }, WAIT);
    const look = (value) => {
      if (!passes(value)) return;
      clearTimeout(timer);
      stop();
      resolve(value);
    };
    const stop = signal.watch(look);
    if (passes(signal.value)) look(signal.value);
  });
}

/** Entries enter the log's tree within a second, and nobody is told: ask until it is so. */
export async function eventually(isSo) {
  for (const end = Date.now() + WAIT; !(await isSo()); ) {
    assert.ok(Date.now() < end, `still not so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The one note of a timeline that says this. */
export const noteSaying = async (open, text) =>
  (await until(open.timeline, ({ notes }) => notes.some((note) => note.text === text && note.sending === null), `a note saying ${text}`)).notes.find((note) => note.text === text);

export const DRAFT = Object.freeze({ type: "OBS", text: "", urgent: false, acknowledge: false, replyTo: null, replaces: null, kept: [], files: [] });

/** A failure of an action, by its code and reason. */
export const fails = (promise, expected) => assert.rejects(promise, (error) => {
  const { code, reason } = error;
  assert.deepEqual({ code, reason }, { reason: null, ...expected }, error.cause?.stack ?? error.stack);
  return true;
});

/** A network that can be cut: what it forwards to is the server. */
export class Network {
  #sockets = new Set();
  #server = createServer((near) => this.#forward(near));
  #isUp = true;

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  cut() {
    this.#isUp = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#isUp = true;
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(near) {
    if (!this.#isUp) return near.destroy();
    const { hostname, port } = new URL(ORIGIN);
    const far = connect({ host: hostname, port: Number(port) });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // a cut cable: both ends hear of it by `close`
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    return near.pipe(far).pipe(near);
  }
}
