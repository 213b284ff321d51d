import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { randomBytes, toBase64url } from "../../src/core/bytes.js";
import { keysFromRandom } from "../../src/core/device.js";
import * as login from "../../src/core/login.js";
import { Refusal, Unreachable } from "../../src/core/refusal.js";
import { Transport } from "../../src/core/transport.js";
import { refuses } from "../support/vectors.js";

const ORIGIN = "https://relais.example";
const keys = await keysFromRandom(randomBytes(64));
const MINUTE = 60_000;

/** A socket nobody is at the other end of: the test says what happens. */
class Socket {
  connected = false;
  sent = [];
  answers = {};
  #listeners = new Map();

  constructor(options) {
    this.options = options;
  }

  on(event, listener) {
    this.#listeners.set(event, listener);
  }

  tell(event, ...facts) {
    this.#listeners.get(event)?.(...facts);
  }

  stand() {
    this.connected = true;
    this.tell("connect");
  }

  timeout() {
    return {
      emitWithAck: async (event, request) => {
        this.sent.push([event, request]);
        return this.answers[event] ? this.answers[event](request) : Promise.reject(new Error("operation has timed out"));
      },
    };
  }

  disconnect() {
    const was = this.connected;
    this.connected = false;
    if (was) this.tell("disconnect");
  }
}

/** A transport, its sockets, and a server that logs it in. */
function scene() {
  const told = { states: [], events: [], tokens: [], denied: [], faults: [] };
  const server = { now: Date.now(), life: 10 * MINUTE, refusal: null, isDown: false, logins: [] };
  const token = () => ({ token: `T${server.logins.length}`, account: "ab".repeat(32), roles: ["professional"], expires_at: server.now + server.life, now: server.now });
  const fetch = async (url, { body }) => {
    if (server.isDown) throw new TypeError("fetch failed");
    const asked = JSON.parse(body);
    if (url.endsWith("/auth/challenge")) return Response.json({ challenge: toBase64url(randomBytes(32)), expires_at: server.now + MINUTE });
    if (server.refusal) return Response.json({ error: server.refusal }, { status: 401 });
    server.logins.push(asked.login);
    return Response.json(token());
  };
  const sockets = [];
  const connect = (_origin, options) => {
    sockets.push(new Socket(options));
    return sockets.at(-1);
  };
  const hearing = {
    onState: (state) => told.states.push(state), onEvent: (...heard) => told.events.push(heard), onToken: (one) => told.tokens.push(one.token),
    onDenied: (refusal) => told.denied.push(refusal.reason), onFault: (error) => told.faults.push(error.reason ?? error.message),
  };
  return { transport: new Transport({ origin: ORIGIN, keys, hearing, fetch, connect }), told, server, token, sockets };
}

const realTimeout = setTimeout;
const turn = () => new Promise((resolve) => realTimeout(resolve, 1));

/** Let what is under way go on, without the mocked time passing, until it is so. */
async function until(isSo) {
  for (let i = 0; i < 5_000 && !isSo(); i++) await turn();
  assert.ok(isSo(), isSo.toString());
}

/** Let what is under way go as far as it can: signing and hashing happen on other threads. */
async function settle() {
  let turns = 0;
  await until(() => ++turns > 25);
}

async function opened(parts) {
  void parts.transport.keepOpen();
  await until(() => parts.sockets.length === 1);
  parts.sockets.at(-1).stand();
  return parts.sockets.at(-1);
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("it logs in with its key, for this origin, and opens the socket with the token", async () => {
  const parts = scene();
  const socket = await opened(parts);
  assert.deepEqual([parts.told.states, parts.told.tokens], [["connecting", "online"], ["T1"]]);
  const { auth, transports, reconnection } = socket.options;
  assert.deepEqual([auth, transports, reconnection], [{ token: "T1" }, ["websocket"], false]);
  const answered = login.peek(Buffer.from(parts.server.logins[0], "base64url"));
  await login.verify(answered, keys.signPublic);
  assert.deepEqual([answered.origin, answered.device], [ORIGIN, keys.id]);
  parts.transport.close();
});

test("a request is answered, refused by name, or unreachable; an answer that is none is refused", async () => {
  const parts = scene();
  await assert.rejects(parts.transport.call("circle.list", { closed: false }), Unreachable);
  const socket = await opened(parts);
  const blob = randomBytes(5);
  socket.answers["note.post"] = ({ envelope }) => (Buffer.isBuffer(envelope) && blob.equals?.(envelope) !== false ? { ok: { seq: 3, at: 5 } } : { ok: {} });
  assert.deepEqual(await parts.transport.call("note.post", { envelope: blob }), { seq: 3, at: 5 });
  assert.deepEqual(new Uint8Array(socket.sent[0][1].envelope), blob);
  socket.answers["note.post"] = () => ({ error: { code: "stale_epoch", audience: "team", epoch: 4, rotate: true } });
  await assert.rejects(parts.transport.call("note.post", { envelope: blob }), (error) => error instanceof Refusal && error.code === "stale_epoch" && error.facts.epoch === 4);
  for (const bad of [{}, { ok: { seq: 3 } }, { ok: { seq: "3", at: 5 } }, null]) {
    socket.answers["note.post"] = () => bad;
    await refuses("wrong-type", () => parts.transport.call("note.post", { envelope: blob }));
  }
  await assert.rejects(parts.transport.call("circle.list", { closed: false }), Unreachable, "no answer in time");
  parts.transport.close();
});

test("what the server tells is checked; what is not of the protocol is a fault", async () => {
  const parts = scene();
  const socket = await opened(parts);
  socket.tell("circle.granted", { circle: "cd".repeat(32) });
  socket.tell("circle.granted", { circle: "nowhere" });
  assert.deepEqual([parts.told.events, parts.told.faults], [[["circle.granted", { circle: "cd".repeat(32) }]], ["wrong-type"]]);
  parts.transport.close();
});

test("the token is renewed on the open socket before it ends", async () => {
  const parts = scene();
  const socket = await opened(parts);
  const challenge = randomBytes(32);
  socket.answers["auth.challenge"] = () => ({ ok: { challenge, expires_at: parts.server.now + MINUTE } });
  socket.answers["auth.renew"] = () => ({ ok: { ...parts.token(), token: "renewed" } });
  mock.timers.tick(9 * MINUTE - 1_000);
  await settle();
  assert.deepEqual(socket.sent, []);
  mock.timers.tick(2_000);
  await until(() => parts.told.tokens.length === 2);
  assert.deepEqual([socket.sent.map(([event]) => event), parts.told.tokens, parts.sockets.length], [["auth.challenge", "auth.renew"], ["T1", "renewed"], 1]);
  const answered = login.peek(socket.sent[1][1].login);
  await login.verify(answered, keys.signPublic);
  parts.transport.close();
});

test("a lost connection is opened again, later and later, and at once when the network is back", async () => {
  const parts = scene();
  const socket = await opened(parts);
  parts.server.isDown = true;
  parts.server.now += 10 * MINUTE;
  parts.transport.clock.set(parts.server.now);
  socket.disconnect();
  await settle();
  assert.equal(parts.transport.state, "offline");
  for (const wait of [500, 1_000, 2_000]) {
    mock.timers.tick(wait);
    await settle();
  }
  assert.equal(parts.sockets.length, 1, "no login, no socket");
  parts.server.isDown = false;
  parts.transport.retryNow();
  await until(() => parts.sockets.length === 2);
  parts.sockets[1].stand();
  assert.equal(parts.told.states.at(-1), "online");
  parts.transport.close();
  await settle();
  assert.equal(parts.transport.state, "offline");
  mock.timers.tick(10 * MINUTE);
  await settle();
  assert.equal(parts.sockets.length, 2, "who closed it does not want it again");
});

test("a device the server no longer knows stops trying and says why", async () => {
  const parts = scene();
  parts.server.refusal = { code: "unauthenticated", reason: "revoked-device" };
  void parts.transport.keepOpen();
  await until(() => parts.told.denied.length === 1);
  mock.timers.tick(10 * MINUTE);
  await settle();
  assert.deepEqual([parts.told.denied, parts.sockets.length, parts.told.faults], [["revoked-device"], 0, []]);
});

test("a token the server does not take any more is replaced by a new login", async () => {
  const parts = scene();
  void parts.transport.keepOpen();
  await until(() => parts.sockets.length === 1);
  parts.sockets[0].tell("connect_error", Object.assign(new Error("unauthenticated"), { data: { code: "unauthenticated", reason: "bad-token" } }));
  await settle();
  mock.timers.tick(MINUTE);
  await until(() => parts.sockets.length === 2);
  assert.deepEqual([parts.sockets.map((socket) => socket.options.auth.token), parts.told.denied], [["T1", "T2"], []]);
  parts.transport.close();
});

test("times are by the server's clock", async () => {
  const parts = scene();
  parts.server.now += 3 * 3_600_000;
  await opened(parts);
  assert.ok(Math.abs(parts.transport.clock.now() - parts.server.now) < 5_000);
  parts.transport.close();
});
