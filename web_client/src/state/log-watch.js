/**
 * Is everybody shown the same? The heads of the ledgers this device is shown, checked against the audit log; what
 * client/log_watch.py does. The key of the log is the one it had when this browser first met it, its tree heads extend each
 * other; both are shared with the auditor's page. What does not hold is an alarm, and kept with what the server said.
 */
import { toHex } from "../core/bytes.js";
import { ProtocolError } from "../core/errors.js";
import { checkHeads, verifyGrowth, verifyHead } from "../core/ledger-heads.js";
import { emptyRoot } from "../core/merkle.js";
import { Refusal } from "../core/refusal.js";
import { knownLogKey } from "./log-key.js";
import { trustedPolicy } from "./log-policy.js";
import { isBot } from "./member.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./circle-keeper.js").CircleKeeper} CircleKeeper */
/** @typedef {import("../core/ledger-heads.js").ProvenHead} ProvenHead */
/** @typedef {import("../core/wire.d.ts").HeadsProven} HeadsProven */
/** @typedef {{ size: number, root: Uint8Array<ArrayBuffer> }} SeenHead */
/**
 * @typedef {object} Checked  One ledger against the log.
 * @property {number} next where to go on from
 * @property {number} seq the highest proven, -1: none
 * @property {number} at when that was
 * @property {number} since when its newest head was first missing, 0: it is there
 * @property {number} told the highest seq the log told of, which may be beyond the ledger shown
 * @property {number} toldAt
 */
/** @typedef {{ heads: readonly string[], keeper: CircleKeeper | null, fetchedAt: number }} Shown a ledger as it is shown here */

const NOWHERE = Object.freeze({ circle: null, account: null });
const AT_ONCE = 50;
const EVIDENCE_MOST = 5;
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** @type {Checked} */
const UNCHECKED = { next: 0, seq: -1, at: 0, since: 0, told: -1, toldAt: 0 };

export class LogWatch {
  #member;
  #book;
  #patience;

  /** @param {Member} member @param {import("./circle-book.js").CircleBook} book @param {{ missing: number, withheld: number }} [patience] milliseconds a head may be missing from the log, and an entry the log told of from the ledger */
  constructor(member, book, patience = { missing: HOUR, withheld: MINUTE }) {
    this.#member = member;
    this.#book = book;
    this.#patience = patience;
  }

  /**
   * Ask for proof of what is not proven yet. Returns whether all of it is. Throws Refusal, Unreachable; ProtocolError for what
   * does not hold, which is an alarm already.
   */
  async check() {
    const shown = this.#shown();
    await this.#lookForWithheld(shown);
    const due = await this.#due(shown);
    try {
      for (let start = 0; start < due.length; start += AT_ONCE) await this.#ask(shown, due.slice(start, start + AT_ONCE));
    } finally {
      if (this.#member.transport.state === "online") await this.#countMissing(shown);
    }
    return (await this.#due(shown)).length === 0;
  }

  /** What this browser knows: when the log was last found to tell what is shown here, and how many ledgers it lacks. */
  async state() {
    const kept = Object.values(await this.#ledgers());
    const seen = await this.#seen();
    return { at: Math.max(0, ...kept.map((one) => one.at)) || null, size: seen.size, ledgers: kept.filter((one) => one.at > 0).length, missing: kept.filter((one) => one.since > 0).length };
  }

  /** @returns {Map<string, Shown>} */
  #shown() {
    /** @type {Map<string, Shown>} */
    const shown = new Map();
    for (const [account, { heads }] of this.#member.accounts.known) shown.set(account, { heads, keeper: null, fetchedAt: 0 });
    if (isBot(this.#member)) return shown;
    for (const circle of this.#book.known) {
      const keeper = this.#book.keeper(circle);
      if (keeper.state) shown.set(circle, { heads: keeper.state.heads, keeper, fetchedAt: keeper.fetchedAt });
    }
    return shown;
  }

  /** @param {Map<string, Shown>} shown */
  async #due(shown) {
    const kept = await this.#ledgers();
    return [...shown].filter(([ledger, { heads }]) => (kept[ledger] ?? UNCHECKED).seq < heads.length - 1).map(([ledger]) => ledger);
  }

  /** Those whose circle this account may not read any more are left out. @param {Map<string, Shown>} shown @param {readonly string[]} ledgers @returns {Promise<void>} */
  async #ask(shown, ledgers) {
    try {
      while (await this.#askOnce(shown, ledgers));
    } catch (error) {
      const isClosed = error instanceof Refusal && (error.code === "forbidden" || error.code === "not_found") && error.facts["size"] === undefined;
      if (!isClosed) throw error;
      if (ledgers.length > 1) for (const ledger of ledgers) await this.#ask(shown, [ledger]);
      else shown.delete(/** @type {string} */ (ledgers[0]));
    }
  }

  /** @param {Map<string, Shown>} shown @param {readonly string[]} ledgers @returns {Promise<boolean>} has the log more to say about them? */
  async #askOnce(shown, ledgers) {
    const [kept, seen, key] = await Promise.all([this.#ledgers(), this.#seen(), knownLogKey(this.#member)]);
    const asked = ledgers.map((ledger) => ({ ledger, index: (kept[ledger] ?? UNCHECKED).next }));
    const answer = await this.#asked({ ledgers: asked, size: seen.size });
    /** @type {ProvenHead[]} */
    const told = [];
    try {
      const { checkpoint: head } = await verifyGrowth(answer.checkpoint, await trustedPolicy(this.#member, key), { seen, proof: answer.consistency });
      for (const one of answer.entries) told.push(await verifyHead(one, head));
      await this.#grown(seen, head);
    } catch (error) {
      if (error instanceof ProtocolError) await this.#alarm(error.reason, NOWHERE, answer);
      throw error;
    }
    const judged = await this.#judge(shown, { ledgers, told, answer });
    return judged && answer.more;
  }

  /** @param {{ ledgers: { ledger: string, index: number }[], size: number }} request @returns {Promise<HeadsProven>} */
  async #asked(request) {
    try {
      return await this.#member.transport.call("audit.heads", request);
    } catch (error) {
      if (error instanceof Refusal && error.code === "not_found" && error.facts["size"] !== undefined) await this.#alarm("rolled-back", NOWHERE, null);
      throw error;
    }
  }

  /** @param {Map<string, Shown>} shown @param {{ ledgers: readonly string[], told: readonly ProvenHead[], answer: HeadsProven }} heard @returns {Promise<boolean>} was anything judged? */
  async #judge(shown, { ledgers, told, answer }) {
    const kept = await this.#ledgers();
    /** @type {Record<string, Checked>} */
    const found = {};
    let isAny = false;
    for (const ledger of ledgers) {
      const { heads } = /** @type {Shown} */ (shown.get(ledger));
      const about = told.filter((one) => one.ledger === ledger);
      const count = await this.#compared(shown, { ledger, about, answer });
      isAny ||= count > 0;
      found[ledger] = moved(kept[ledger] ?? UNCHECKED, { judged: about.slice(0, count), about, newest: heads.length - 1 });
    }
    await this.#keep(found);
    return isAny;
  }

  /** @param {Map<string, Shown>} shown @param {{ ledger: string, about: readonly ProvenHead[], answer: HeadsProven }} heard */
  async #compared(shown, { ledger, about, answer }) {
    const { heads, keeper } = /** @type {Shown} */ (shown.get(ledger));
    try {
      return checkHeads(about, ledger, heads);
    } catch (error) {
      if (error instanceof ProtocolError) {
        await this.#alarm(error.reason, placeOf(ledger, keeper), answer);
        await keeper?.contradict("fork", { isKnown: true });
      }
      throw error;
    }
  }

  /** Whatever the log has told of was stored with it: a ledger fetched well after that has it. @param {Map<string, Shown>} shown */
  async #lookForWithheld(shown) {
    const kept = await this.#ledgers();
    for (const [ledger, { heads, keeper, fetchedAt }] of shown) {
      const { told, toldAt } = kept[ledger] ?? UNCHECKED;
      if (told >= heads.length && fetchedAt - toldAt > this.#patience.withheld) await this.#alarm("withheld-ledger", placeOf(ledger, keeper), null);
    }
  }

  /** Note since when a head is missing; beyond patience it is an alarm. @param {Map<string, Shown>} shown */
  async #countMissing(shown) {
    const [kept, due, now] = [await this.#ledgers(), await this.#due(shown), Date.now()];
    const fresh = due.filter((ledger) => !kept[ledger]?.since);
    if (fresh.length > 0) await this.#keep(Object.fromEntries(fresh.map((ledger) => [ledger, { ...UNCHECKED, ...kept[ledger], since: now }])));
    const late = due.filter((ledger) => now - (kept[ledger]?.since || now) >= this.#patience.missing);
    const [ledger] = late.sort();
    if (ledger) await this.#alarm("unlogged-ledger", { ...placeOf(ledger, shown.get(ledger)?.keeper ?? null), isUnnamed: true }, null);
  }

  /** `isUnnamed`: there may be several. @param {string} reason @param {{ circle: string | null, account: string | null, isUnnamed?: boolean }} place @param {HeadsProven | null} answer */
  async #alarm(reason, { circle: where, account, isUnnamed = false }, answer) {
    const seen = await this.#seen();
    const circle = isUnnamed ? null : where;
    const evidence = { reason, at: Date.now(), circle, size: seen.size, root: seen.root, answer };
    await this.#member.database.update("values", "log evidence", (before) => [...(before ?? []), evidence].slice(0, EVIDENCE_MOST));
    const isLog = where === null && account === null;
    this.#member.alarms.raise(kindOf(reason), circle, null, { kind: reason, circle: where, account, ...(isLog ? { of: toHex(seen.root), seq: seen.size } : {}) });
  }

  /** @param {SeenHead} seen @param {import("../core/merkle.js").TreeHead} head */
  async #grown(seen, head) {
    if (head.size === seen.size) return;
    const next = { size: head.size, root: new Uint8Array(head.root) };
    await this.#member.database.update("values", "log head", (before) => (before && before.size > next.size ? before : next));
  }

  /** @returns {Promise<SeenHead>} */
  async #seen() {
    return (await this.#member.database.get("values", "log head")) ?? { size: 0, root: new Uint8Array(await emptyRoot()) };
  }

  /** @returns {Promise<Record<string, Checked>>} */
  async #ledgers() {
    return (await this.#member.database.get("values", "log ledgers")) ?? {};
  }

  /** @param {Record<string, Checked>} found */
  async #keep(found) {
    await this.#member.database.update("values", "log ledgers", (before) => ({ ...before, ...found }));
  }
}

/** @param {Checked} before @param {{ judged: readonly ProvenHead[], about: readonly ProvenHead[], newest: number }} found @returns {Checked} */
function moved(before, { judged, about, newest }) {
  const last = judged.at(-1);
  const seq = Math.max(before.seq, ...judged.map((one) => one.seq));
  const told = Math.max(-1, ...about.map((one) => one.seq));
  const is = { ...before, seq, next: last ? last.index + 1 : before.next, ...(told > before.told ? { told, toldAt: Date.now() } : {}) };
  return last && seq >= newest ? { ...is, at: Date.now(), since: 0 } : is;
}

/** A ledger is a circle's where this device keeps it, else an account's. @param {string} ledger @param {CircleKeeper | null} keeper */
const placeOf = (ledger, keeper) => (keeper ? { circle: ledger, account: null } : { circle: null, account: ledger });

/** @param {string} reason @returns {import("./types.js").Alarm["kind"]} */
function kindOf(reason) {
  if (reason === "forked-ledger") return "log-ledger";
  if (reason === "unlogged-ledger" || reason === "withheld-ledger") return "log-silent";
  return reason === "rolled-back" ? "log-rollback" : "log-fork";
}
