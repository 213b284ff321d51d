// A small relay in memory, and members of it, so that a test can make it lie.
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import * as account from "../../src/core/account.js";
import { randomBytes, uuid7 } from "../../src/core/bytes.js";
import { Clock } from "../../src/core/clock.js";
import { digest } from "../../src/core/cose.js";
import { deviceOf, keysFromRandom } from "../../src/core/device.js";
import * as envelope from "../../src/core/envelope.js";
import { keyName, openOperation } from "../../src/core/epoch.js";
import * as grant from "../../src/core/grant.js";
import * as ledger from "../../src/core/ledger.js";
import { Refusal } from "../../src/core/refusal.js";
import { AccountBook } from "../../src/state/account-book.js";
import { Alarms } from "../../src/state/alarms.js";
import { Database } from "../../src/state/database.js";
import { KeyStore } from "../../src/state/key-store.js";

export const START = 1_790_000_000_000;
const KEY = randomBytes(32);

/** Somebody with an account and keys, on no server yet. */
export async function somebody(name) {
  const keys = await keysFromRandom(randomBytes(64));
  const statements = [await account.create(keys, { device: deviceOf(keys, "interactive", name), profile: { name, profession: "", organisation: "" }, at: START })];
  return { keys, statements, state: await account.replay(statements) };
}

const adds = (who, role) => ({
  op: "member.add", account: who.state.account, account_head: who.state.head, role, audiences: ["team"], since: START + 10, until: null, history: 0,
});

/** A circle of these people, the first its lead; `relay.circle` is what the relay serves. */
export class Relay {
  chains = new Map();
  entries = [];
  grants = [];
  unopenable = new Set();
  reported = [];
  notes = [];
  calls = [];
  now = START + 1_000;

  /** @param {Awaited<ReturnType<typeof somebody>>[]} people */
  static async of(...people) {
    const relay = new this();
    for (const { state, statements } of people) relay.chains.set(state.account, [...statements]);
    const [lead, ...others] = people;
    relay.lead = lead;
    await relay.append(lead, [{ op: "create", nonce: randomBytes(16) }, adds(lead, "lead"), await openOperation("team", 1, KEY)]);
    if (others.length > 0) await relay.append(lead, others.map((one) => adds(one, "professional")));
    return relay;
  }

  get circle() {
    return this.state.circle;
  }

  async append(by, operations) {
    const act = { account: by.state.account, accountHead: by.state.head, at: START + 10, operations };
    this.entries.push(await ledger.writeEntry(this.state ?? null, by.keys, act));
    this.state = await ledger.apply(this.state ?? null, this.entries.at(-1), by.state);
    return this.entries.at(-1);
  }

  async grant(to, { by = this.lead, key = KEY, epoch = 1, notes = null } = {}) {
    const held = notes ? { notes } : { epochs: [{ audience: "team", epoch, key }] };
    const what = { circle: this.circle, account: to.state.account, granter: by.state.account, ...held, at: START + 20 };
    this.grants.push(await grant.seal(by.keys, to.state.devices.get(to.keys.id).device, what));
  }

  /** Seal a note without storing it. */
  async sealed(by, text, more = {}) {
    const draft = {
      circle: this.circle, note: uuid7(START), version: 1, replaces: null, kind: "post", account: by.state.account, at: START + 30,
      ledger_seq: this.state.seq, ledger_head: this.state.head, urgent: false, acknowledge: false, mentions: [], ...more,
    };
    const said = { type: more.kind === "profile" ? "PROFILE" : "GEN", text, form: null, attachments: [], reply_to: null, broadcast: null };
    return envelope.seal(by.keys, draft, said, { to: [{ audience: "team", epoch: 1, key: KEY }], entropy: randomBytes(envelope.ENTROPY_SIZE) });
  }

  async post(by, text, more = {}) {
    const stored = { seq: this.notes.length + 1, at: START + 31, envelope: await this.sealed(by, text, more) };
    this.notes.push(stored);
    return stored;
  }

  /** The alarms that were reported, once there are so many: a report is made in the background. */
  async told(count) {
    while (this.reported.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
    return this.reported.map(({ kind, circle, account: whose, of, seq }) => Object.fromEntries(Object.entries({ kind, circle, account: whose, of, seq }).filter(([, value]) => value !== null)));
  }

  /** What `Transport.call` does. */
  async call(event, request) {
    this.calls.push(event);
    const answer = this.answers[event];
    if (!answer) throw new Refusal("not_found");
    return structuredClone(await answer(request));
  }

  answers = {
    "account.get": ({ accounts }) => ({ chains: accounts.filter((id) => this.chains.has(id)).map((id) => ({ account: id, statements: this.chains.get(id) })) }),
    "circle.ledger": ({ from_seq: from }) => ({ entries: this.entries.slice(from), profile: null, more: false }),
    "circle.grants": ({ after }) => ({ grants: this.grants.slice(after).filter((data) => !this.unopenable.has(data)), last: this.grants.length }),
    "alarm.report": (alarm) => {
      this.reported.push(alarm);
      return {};
    },
    "circle.unopenable": async ({ grants }) => {
      const hashes = await Promise.all(this.grants.map(digest));
      const found = this.grants.filter((_, index) => grants.includes(hashes[index]));
      for (const data of found) this.unopenable.add(data);
      return { noted: found.length };
    },
    "circle.sync": ({ after, limit }) => ({ notes: this.notes.filter((note) => note.seq > after).slice(0, limit), last_seq: this.notes.length, others: [] }),
    "circle.page": ({ before, limit }) => ({ notes: this.notes.filter((note) => before === 0 || note.seq < before).slice(-limit), last_seq: this.notes.length, others: [] }),
    "note.get": async ({ note }) => {
      const peeked = await Promise.all(this.notes.map(async (stored) => ({ stored, id: (await envelope.peek(stored.envelope)).header.note })));
      return { notes: peeked.filter(({ id }) => id === note).map(({ stored }) => stored), last_seq: this.notes.length, others: [] };
    },
  };
}

/** This person at a device of that relay; `disk`: what the browser has kept, of a client that ran before. */
export async function memberAt(relay, person, { disk = new IDBFactory() } = {}) {
  const database = await Database.open(disk, "test");
  const keyStore = new KeyStore(database);
  if (!(await keyStore.load())) {
    const { stored } = await keyStore.make();
    await keyStore.keep(stored, { account: person.state.account, device: person.keys.id, origin: "https://relais.example", joinedAt: START });
  }
  const clock = new Clock(() => relay.now);
  const transport = { call: (event, request) => relay.call(event, request, person), state: "online", clock };
  const faults = [];
  const alarms = new Alarms({ database, now: () => clock.now(), nameOf: () => null, report: (error) => faults.push(error) });
  const accounts = new AccountBook({ database, transport, alarms });
  await accounts.load();
  await alarms.connected(transport);
  return {
    keys: person.keys, account: person.state.account, origin: "https://relais.example", joinedAt: START, transport, clock, database, keyStore, accounts, alarms,
    roles: () => ["professional"], faults,
  };
}

export const TEAM_KEY = [keyName("team", 1), KEY];
