/** Coming in: by invitation, by a code shown on another device, by a recovery kit (docs/protocol.md §3). */
import * as accounts from "../core/account.js";
import { Clock } from "../core/clock.js";
import { deviceOf } from "../core/device.js";
import { ProtocolError } from "../core/errors.js";
import { Http } from "../core/http.js";
import { answerMac, checkMac, readCode, requestMac, ticket as ticketOf } from "../core/join.js";
import { answer as answerChallenge } from "../core/login.js";
import { Refusal } from "../core/refusal.js";
import { acting, declined } from "./failure.js";

/** @typedef {import("./types.js").Entry} EntryView */
/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/account.js").AccountState} AccountState */
/** @typedef {import("../core/device.js").DeviceKeys} DeviceKeys */
/** @typedef {import("./key-store.js").KeyStore} KeyStore */
/**
 * @typedef {object} EntryParts
 * @property {string} origin
 * @property {typeof globalThis.fetch} fetch
 * @property {import("./database.js").Database} database
 * @property {KeyStore} keyStore
 * @property {() => Promise<unknown>} persist asks the browser not to throw the database away
 * @property {(error: unknown) => void} report for developers
 * @property {() => Promise<void>} onEntered the keys are kept: open the session
 */
/** What is remembered of an enrolment whose answer did not come. @typedef {{ token: string, statement: Bytes, stored: import("./key-store.js").StoredKeys }} Pending */

const PENDING = "pending enrolment";

/** @implements {EntryView} */
export class Entry {
  #parts;
  #http;
  #clock = new Clock();

  /** @param {EntryParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#http = new Http({ origin: parts.origin, fetch: parts.fetch, token: () => Promise.reject(new Error("nobody is logged in yet")) });
  }

  /** @param {string} token */
  lookInvitation(token) {
    return acting(async () => {
      const { roles, organisation, expires_at: expiresAt, resets } = await this.#look(token);
      return { roles, organisation, expiresAt, resets };
    });
  }

  /** @param {string} token */
  async #look(token) {
    const looked = await this.#http.exchange("/auth/invitation", { invitation: token });
    this.#clock.set(looked.now);
    return looked;
  }

  /** @param {import("./types.js").EnrolForm} form */
  enrol({ token, name, profession, organisation, label }) {
    return acting(async () => {
      const { database, keyStore } = this.#parts;
      database.renew();
      const before = /** @type {Pending | undefined} */ (await database.get("values", PENDING));
      if (before?.token === token && (await this.#isKnown(before))) return this.#finish(before);
      const { resets } = await this.#look(token);
      const { keys, stored } = await keyStore.make();
      const profile = { name, profession, organisation };
      const first = { device: deviceOf(keys, "interactive", label), profile, at: this.#clock.now(), replaces: resets?.account ?? null };
      const statement = await accounts.create(keys, first);
      const pending = { token, statement, stored };
      await database.write([{ store: "values", key: PENDING, put: pending }]); // a lost answer must not cost the account
      await this.#http.exchange("/auth/enrol", { invitation: token, statement });
      return this.#finish(pending);
    });
  }

  /** @param {Pending} pending */
  async #finish({ statement, stored }) {
    const state = await accounts.replay([statement]);
    const { id } = await this.#parts.keyStore.keysOf(stored);
    await this.#parts.keyStore.keep(stored, { account: state.account, device: id, origin: this.#parts.origin, joinedAt: state.at });
    await this.#enter(state);
  }

  /** Did an earlier try succeed, though its answer was lost? @param {Pending} pending */
  async #isKnown({ stored }) {
    try {
      await this.#login(await this.#parts.keyStore.keysOf(stored));
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }

  /** @param {DeviceKeys} keys */
  async #login(keys) {
    const { challenge } = await this.#http.exchange("/auth/challenge", { device: keys.id });
    const login = await answerChallenge(keys, challenge, { origin: this.#parts.origin, at: this.#clock.now() });
    return this.#http.exchange("/auth/token", { login });
  }

  /** The account is this device's. @param {AccountState} state */
  async #enter(state) {
    const { database, persist, onEntered } = this.#parts;
    await database.write([{ store: "accounts", put: { account: state.account, state } }, { store: "values", delete: PENDING }]);
    await persist();
    await onEntered();
  }

  /** @param {{ code: string, label: string }} form @param {AbortSignal} signal */
  join({ code, label }, signal) {
    return acting(async () => {
      this.#parts.database.renew();
      const secret = readCode(code);
      const ticket = await ticketOf(secret);
      const { account, now } = await whileOffered(() => this.#http.exchange("/auth/join/look", { ticket }, { signal }));
      this.#clock.set(now);
      const { keys, stored } = await this.#parts.keyStore.make();
      const possession = await accounts.possess(keys, deviceOf(keys, "interactive", label), account);
      const mac = await requestMac(secret, possession);
      await whileOffered(() => this.#http.exchange("/auth/join/request", { ticket, possession, mac }, { signal }));
      const answered = await this.#approved(ticket, signal);
      const state = await checkApproval(answered, { secret, keys, account });
      const joinedAt = state.devices.get(keys.id)?.addedAt ?? now;
      await this.#parts.keyStore.keep(stored, { account, device: keys.id, origin: this.#parts.origin, joinedAt });
      await this.#enter(state);
    });
  }

  /** @param {string} ticket @param {AbortSignal} signal */
  async #approved(ticket, signal) {
    for (;;) {
      const answered = await whileOffered(() => this.#http.exchange("/auth/join/wait", { ticket }, { signal }));
      if (!answered.pending) return answered;
    }
  }

  /** @param {{ kit: string, label: string }} form */
  restore(form) {
    return acting(async () => {
      this.#parts.database.renew();
      const { restore } = await import("./restore.js");
      const state = await restore(this.#parts, form);
      await this.#enter(state);
    });
  }

  /** @param {string} words */
  async isKit(words) {
    const { readKit } = await import("./restore.js");
    return readKit(words).then(() => true, (error) => {
      if (error instanceof ProtocolError) return false;
      throw error;
    });
  }
}

/** What the server answers once an offer is over, or somebody else took it up. */
const OVER = new Set(["not_found", "forbidden", "conflict"]);

/** Throws Failure `refused-here` `join-expired` once the offer is no more. @template T @param {() => Promise<T>} ask @returns {Promise<T>} */
async function whileOffered(ask) {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof Refusal && OVER.has(error.code) ? declined("join-expired") : error;
  }
}

/**
 * What the other device answered: its word on the statement that adds this device, in a chain that is whole.
 * Throws Failure `refused-here` `join-mismatch`.
 * @param {import("../core/wire.d.ts").JoinAnswered} answered @param {{ secret: Bytes, keys: DeviceKeys, account: string }} mine
 * @returns {Promise<AccountState>}
 */
async function checkApproval({ statements, mac }, { secret, keys, account }) {
  const added = statements.find((statement) => {
    const { operation } = accounts.peekStatement(statement);
    return operation.op === "device.add" && operation.device.sign.every((byte, index) => byte === keys.signPublic[index]);
  });
  if (!added || !mac) throw declined("join-mismatch");
  checkMac(mac, await answerMac(secret, added));
  const state = await accounts.replay(statements);
  if (state.account !== account) throw declined("join-mismatch");
  accounts.requireInForce(state, keys.id);
  return state;
}
