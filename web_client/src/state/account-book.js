/** The accounts one meets, each chain checked from statement 0 and against what this device saw of it before. */
import { apply } from "../core/account.js";
import { digest } from "../core/cose.js";
import { ProtocolError } from "../core/errors.js";

/** @typedef {import("../core/account.js").AccountState} AccountState */
/** @typedef {import("../core/bytes.js").Bytes} Bytes */

/** What is known of a reset: who took the account's place; and, of who took one, statement 0, which proves it. @typedef {{ replacedBy: string | null, opening: Bytes | null }} Link */

const ASKED_MOST = 200;
const NO_LINK = Object.freeze({ replacedBy: null, opening: null });

export class AccountBook {
  #database;
  #transport;
  #alarms;
  /** @type {Map<string, AccountState>} */ #known = new Map();
  /** @type {Map<string, Link>} */ #links = new Map();
  /** @type {Set<string>} what changed since it was fetched */ #stale = new Set();
  /** @type {Map<string, Promise<void>>} */ #fetching = new Map();

  /** @param {{ database: import("./database.js").Database, transport: import("../core/transport.js").Transport, alarms?: import("./alarms.js").Alarms | null }} parts `alarms`: who hears of a chain that does not hold */
  constructor({ database, transport, alarms = null }) {
    this.#database = database;
    this.#transport = transport;
    this.#alarms = alarms;
  }

  /** Every account this device has met. @returns {ReadonlyMap<string, AccountState>} */
  get known() {
    return this.#known;
  }

  async load() {
    for (const { account, state, link } of await this.#database.all("accounts")) {
      this.#known.set(account, state);
      this.#links.set(account, link ?? NO_LINK);
    }
  }

  /** @param {string} account */
  nameOf(account) {
    return this.#known.get(account)?.profile.name ?? "";
  }

  /** Something was appended to it: fetch it when it is next needed. @param {string} account */
  changed(account) {
    this.#stale.add(account);
  }

  /** After a gap in what the server told. */
  allChanged() {
    for (const account of this.#known.keys()) this.#stale.add(account);
  }

  /**
   * The states of these accounts. Throws ProtocolError for a chain that does not hold (`fork` and `rollback` included),
   * and what the transport throws.
   * @param {Iterable<string>} accounts @param {{ isFresh?: boolean }} [options] `isFresh`: as the server has them now
   * @returns {Promise<ReadonlyMap<string, AccountState>>}
   */
  async get(accounts, { isFresh = false } = {}) {
    const wanted = [...new Set(accounts)];
    const lacking = wanted.filter((account) => isFresh || this.#stale.has(account) || !this.#known.has(account));
    const fresh = lacking.filter((account) => !this.#fetching.has(account));
    for (let start = 0; start < fresh.length; start += ASKED_MOST) this.#startFetching(fresh.slice(start, start + ASKED_MOST));
    await Promise.all(lacking.flatMap((account) => this.#fetching.get(account) ?? []));
    return new Map(wanted.map((account) => [account, this.require(account)]));
  }

  /** Those that are known, without asking. @param {Iterable<string>} accounts */
  having(accounts) {
    const found = [...new Set(accounts)].map((account) => this.#known.get(account));
    return new Map(found.flatMap((state) => (state ? [[state.account, state]] : [])));
  }

  /** Throws ProtocolError `wrong-account` for one the server does not give. @param {string} account @returns {AccountState} */
  require(account) {
    const state = this.#known.get(account);
    if (!state) throw new ProtocolError("wrong-account");
    return state;
  }

  /** Whoever took the place of an account that was reset, as its own chain says; null for one that was not. @param {string} account @returns {AccountState | null} */
  successor(account) {
    const newest = this.#newer(account).at(-1);
    return newest ? this.require(newest) : null;
  }

  /** The statements 0 of the accounts that took its place since, oldest first. @param {string} account @returns {Bytes[]} */
  resetsOf(account) {
    return this.#newer(account).flatMap((newer) => this.#links.get(newer)?.opening ?? []);
  }

  /** @param {string} account @returns {string[]} */
  #newer(account) {
    /** @type {string[]} */
    const found = [];
    for (let next = this.#links.get(account)?.replacedBy; next; next = this.#links.get(next)?.replacedBy) found.push(next);
    return found;
  }

  /** A statement one has just had accepted. @param {AccountState} state */
  async put(state) {
    await this.#keep(state, this.#links.get(state.account) ?? NO_LINK);
  }

  /** @param {AccountState} state @param {Link} link */
  async #keep(state, link) {
    this.#known.set(state.account, state);
    this.#links.set(state.account, link);
    await this.#database.write([{ store: "accounts", put: { account: state.account, state, link } }]);
  }

  /** @param {readonly string[]} accounts */
  #startFetching(accounts) {
    const fetching = this.#fetch(accounts).finally(() => accounts.forEach((account) => this.#fetching.delete(account)));
    for (const account of accounts) this.#fetching.set(account, fetching);
  }

  /** @param {readonly string[]} accounts */
  async #fetch(accounts) {
    for (const account of accounts) this.#stale.delete(account);
    try {
      const { chains } = await this.#transport.call("account.get", { accounts: [...accounts] });
      for (const chain of chains) await this.#take(chain);
      for (const chain of chains) await this.#link(chain); // once all are known: one may have taken another's place
    } catch (error) {
      for (const account of accounts) this.#stale.add(account);
      throw error;
    }
  }

  /** Throws ProtocolError `wrong-account` for another account's chain. @param {import("../core/wire.d.ts").Chain} chain */
  async #take({ account, statements }) {
    const before = this.#known.get(account) ?? null;
    const after = await this.#followed(account, before, statements);
    if (after.seq !== before?.seq) await this.#keep(after, this.#links.get(account) ?? NO_LINK);
  }

  /** @param {string} account @param {AccountState | null} before @param {readonly Bytes[]} statements */
  async #followed(account, before, statements) {
    try {
      const after = await followChain(before, statements);
      if (after.account !== account) throw new ProtocolError("wrong-account");
      return after;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const broken = error.concerning({ account, name: this.nameOf(account) });
      this.#alarms?.fault(broken);
      throw broken;
    }
  }

  /** Throws ProtocolError `wrong-account` for a successor that does not name this account itself. @param {import("../core/wire.d.ts").Chain} chain */
  async #link({ account, statements, replaced_by: replacedBy }) {
    const [state, link] = [this.require(account), this.#links.get(account) ?? NO_LINK];
    if (replacedBy) {
      const newer = await this.get([replacedBy]);
      if (newer.get(replacedBy)?.replaces !== account) throw new ProtocolError("wrong-account");
    }
    const opening = state.replaces ? (statements[0] ?? null) : null;
    const isNew = replacedBy !== link.replacedBy || (opening === null) !== (link.opening === null);
    if (isNew) await this.#keep(state, { replacedBy, opening });
  }
}

/**
 * A chain that begins with what one has seen of it, and the state after it. Statements seen before are compared by their
 * hash. Throws ProtocolError `fork`, `rollback`, and what `apply` throws.
 * @param {AccountState | null} before @param {readonly Bytes[]} statements @returns {Promise<AccountState>}
 */
export async function followChain(before, statements) {
  const seen = before?.heads ?? [];
  if (statements.length < seen.length) throw new ProtocolError("rollback", { about: { seq: statements.length - 1 } });
  let state = before;
  for (const [seq, statement] of statements.entries()) {
    if (seq >= seen.length) state = await apply(state, statement);
    else await checkSeen(statement, { seq, hash: /** @type {string} */ (seen[seq]) });
  }
  if (state === null) throw new ProtocolError("broken-chain");
  return state;
}

/** Throws ProtocolError `fork`. @param {Bytes} statement @param {{ seq: number, hash: string }} seen */
async function checkSeen(statement, { seq, hash }) {
  const of = await digest(statement);
  if (of !== hash) throw new ProtocolError("fork", { about: { of, seq } });
}
