/** Receipts: those this device owes, sent until they are kept; and those of everybody in one circle (docs/protocol.md §8). */
import { peek, verify, write } from "../core/receipt.js";
import { ProtocolError } from "../core/errors.js";
import { Refusal } from "../core/refusal.js";
import { beginningWith } from "./database.js";
import { Lane, Soon } from "./lane.js";

/** @typedef {import("../core/receipt.js").ReceiptKind} ReceiptKind */
/** @typedef {import("../core/wire.d.ts").StoredReceipt} StoredReceipt */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {{ circle: string, note: string, version: number, envelope: string, kind: ReceiptKind, at: number, isSent: boolean }} Promised */
/** @typedef {{ circle: string, number: number, note: string, version: number, envelope: string, kind: ReceiptKind, account: string, at: number }} Row */
/** A version, and the hash of the envelope this device has for it; null: it has none. @typedef {{ note: string, version: number, envelope: string | null }} Shown */
/** @typedef {Readonly<Record<ReceiptKind, number | null>>} Seen earliest times over an account's devices */

const SENT_AT_ONCE = 100;
const PAGE = 1_000;
const CAUGHT_UP_MOST = 3_000;
const NOTHING = Object.freeze({ stored: null, read: null, acknowledged: null });
/** @type {ReadonlyMap<string, Seen>} */
const NOBODY = new Map();
/** What this device owes. */
export class ReceiptSender {
  #member;
  #soon;
  /** @type {Set<(circle: string) => void>} */ #watchers = new Set();

  /** @param {Member} member */
  constructor(member) {
    this.#member = member;
    this.#soon = new Soon(() => this.#send(), (error) => member.alarms.fault(error));
  }

  /** Told when receipts of a circle were accepted. @param {(circle: string) => void} watcher */
  watch(watcher) {
    this.#watchers.add(watcher);
  }

  /** Send what waits. */
  flush() {
    this.#soon.ask();
  }

  /** Stored before it is sent, once for each version and kind. @param {readonly Omit<Promised, "isSent" | "at">[]} receipts */
  async promise(receipts) {
    const at = this.#member.clock.now();
    for (const one of receipts) {
      await this.#member.database.update("promises", keyOf(one), (before) => before ?? { ...one, at, isSent: false });
    }
    this.flush();
  }

  /** What this device said of a circle's notes, sent or not. @param {string} circle @returns {Promise<Promised[]>} */
  async promised(circle) {
    return this.#member.database.all("promises", beginningWith(circle));
  }

  async #send() {
    if (this.#member.transport.state !== "online") return;
    const all = /** @type {Promised[]} */ (await this.#member.database.all("promises"));
    const waiting = all.filter((one) => !one.isSent);
    for (const circle of new Set(waiting.map((one) => one.circle))) await this.#sendFor(circle, waiting.filter((one) => one.circle === circle));
  }

  /** @param {string} circle @param {readonly Promised[]} waiting */
  async #sendFor(circle, waiting) {
    for (let start = 0; start < waiting.length; start += SENT_AT_ONCE) await this.#sendSome(circle, waiting.slice(start, start + SENT_AT_ONCE));
    for (const watcher of this.#watchers) watcher(circle);
  }

  /** One that is refused refuses all that are sent with it: then each goes by itself, and what is refused for good is dropped. @param {string} circle @param {readonly Promised[]} some */
  async #sendSome(circle, some) {
    const { account, keys, transport } = this.#member;
    const receipts = await Promise.all(some.map(({ note, version, envelope, kind, at }) => write(keys, { circle, note, version, envelope, kind, account, at })));
    try {
      await transport.call("receipt.post", { circle, receipts });
      await this.#member.database.write(some.map((one) => ({ store: "promises", put: { ...one, isSent: true } })));
    } catch (error) {
      if (!(error instanceof Refusal) || error.passes) throw error; // the same receipts are sent again
      if (some.length > 1) for (const one of some) await this.#sendSome(circle, [one]);
      else await this.#member.database.write(some.map((one) => ({ store: "promises", delete: keyOf(one) })));
    }
  }
}

/** @param {{ circle: string, note: string, version: number, kind: string }} one */
const keyOf = ({ circle, note, version, kind }) => [circle, note, version, kind];

/** @param {Shown} shown */
const nameOf = ({ note, version, envelope }) => `${note} ${version} ${envelope}`;

/** What everybody said of one circle's notes. */
export class ReceiptBook {
  #member;
  #keeper;
  #circle;
  #lane = new Lane();
  /** @type {Map<string, Map<string, Seen>>} by note, version and envelope, then account */ #seen = new Map();
  /** @type {{ from: number, to: number } | null} receipt numbers the database holds */ #span = null;
  /** @type {Set<() => void>} */ #watchers = new Set();
  /** Receipts on notes stored before this time are not all here. */
  coversSince = Infinity;

  /** @param {Member} member @param {import("./circle-keeper.js").CircleKeeper} keeper */
  constructor(member, keeper) {
    this.#member = member;
    this.#keeper = keeper;
    this.#circle = keeper.circle;
  }

  /** @param {() => void} watcher @returns {() => void} stops watching */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /**
   * What each account said of a version: the same map for as long as nothing comes. A receipt for another envelope than
   * this device has says nothing of what is shown here.
   * @param {Shown} shown @returns {ReadonlyMap<string, Seen>}
   */
  of(shown) {
    return this.#seen.get(nameOf(shown)) ?? NOBODY;
  }

  /** Were they ever fetched? Until then nobody can say what is unread. */
  get isKnown() {
    return this.#span !== null;
  }

  /** Read what the device has. @param {readonly Promised[]} promised by this device */
  async load(promised) {
    const span = await this.#member.database.get("values", `receipts ${this.#circle}`);
    const rows = /** @type {Row[]} */ (await this.#member.database.all("receipts", beginningWith(this.#circle)));
    this.#span = span && (rows.length > 0 || span.from === span.to) ? span : null; // what the browser threw away is fetched again
    this.#cover(rows);
    for (const row of rows) this.#add(row);
    for (const one of promised) this.#add({ ...one, account: this.#member.account });
    this.#tell();
  }

  /** What one does oneself shows at once. @param {readonly Omit<Promised, "isSent" | "at">[]} receipts */
  own(receipts) {
    const [at, { account }] = [this.#member.clock.now(), this.#member];
    for (const one of receipts) this.#add({ ...one, account, at });
    this.#tell();
  }

  /** Fetch what is new; on a device that has none, the newest few thousand. */
  async sync() {
    await this.#lane.run(async () => {
      if (!this.#span) {
        const { last } = await this.#ask("receipt.sync", { after: 0, limit: 1 });
        const start = Math.max(0, last - CAUGHT_UP_MOST);
        this.#span = { from: start, to: start };
      }
      for (let isMore = true; isMore;) isMore = await this.#syncPage(this.#span);
    });
    this.#tell();
  }

  /** @param {{ from: number, to: number }} span */
  async #syncPage({ from, to }) {
    const { receipts, last } = await this.#ask("receipt.sync", { after: to, limit: PAGE });
    const reached = Math.min(last, to + PAGE);
    await this.#take(receipts, { from, to: Math.max(to, reached) });
    return reached < last;
  }

  /** What the server told. @param {readonly StoredReceipt[]} receipts */
  async hear(receipts) {
    const isNext = await this.#lane.run(async () => {
      const span = this.#span;
      if (!span || receipts.some((one, index) => one.number !== span.to + 1 + index)) return false;
      await this.#take(receipts, { ...span, to: span.to + receipts.length });
      return true;
    });
    if (isNext) this.#tell();
    else await this.sync();
  }

  /** All there are on one note. @param {string} note */
  async fetch(note) {
    await this.#lane.run(async () => {
      const { receipts } = await this.#ask("receipt.get", { note });
      await this.#take(receipts, null);
    });
    this.#tell();
  }

  /**
   * @template {"receipt.sync" | "receipt.get"} E
   * @param {E} event @param {Omit<import("../core/wire.d.ts").Requests[E]["request"], "circle">} request
   */
  async #ask(event, request) {
    const whole = /** @type {import("../core/wire.d.ts").Requests[E]["request"]} */ (/** @type {unknown} */ ({ circle: this.#circle, ...request }));
    return this.#member.transport.call(event, whole);
  }

  /** @param {readonly StoredReceipt[]} receipts @param {{ from: number, to: number } | null} span null: it stays */
  async #take(receipts, span) {
    const rows = (await Promise.all(receipts.map((stored) => this.#verified(stored)))).flatMap((row) => row ?? []);
    const writes = rows.map((put) => ({ store: /** @type {const} */ ("receipts"), put }));
    if (span) await this.#member.database.write([...writes, { store: "values", key: `receipts ${this.#circle}`, put: span }]);
    if (span) this.#span = span;
    this.#cover(span ? rows : []);
    for (const row of rows) this.#add(row);
  }

  /** A receipt that does not hold counts for nothing, and is reported. @param {StoredReceipt} stored @returns {Promise<Row | null>} */
  async #verified({ number, receipt: data }) {
    try {
      const { circle, note, version, envelope, kind, account, at, ...receipt } = peek(data);
      if (circle !== this.#circle) throw new ProtocolError("wrong-circle");
      await this.#requireReader(account);
      const readers = await this.#member.accounts.get([account]);
      const reader = /** @type {import("../core/account.js").AccountState} */ (readers.get(account));
      await verify({ circle, note, version, envelope, kind, account, at, ...receipt }, reader);
      return { circle, number, note, version, envelope, kind, account, at };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#member.alarms.fault(error, this.#circle);
      return null;
    }
  }

  /** Anybody can sign a receipt: those of the circle's readers count. Throws ProtocolError `not-a-member`. @param {string} account */
  async #requireReader(account) {
    if (!this.#keeper.state?.members.has(account)) await this.#keeper.refresh({ isForced: true }); // it may have come since
    const member = this.#keeper.state?.members.get(account);
    if (!member?.periods.some((period) => period.role !== "bot")) throw new ProtocolError("not-a-member");
  }

  /** @param {readonly Row[]} rows */
  #cover(rows) {
    const since = this.#span?.from === 0 ? 0 : (rows[0]?.at ?? Infinity);
    this.coversSince = Math.min(this.coversSince, since);
  }

  /** @param {Pick<Row, "note" | "version" | "envelope" | "kind" | "account" | "at">} row */
  #add({ kind, account, at, ...version }) {
    const name = nameOf(version);
    const accounts = new Map(this.#seen.get(name));
    const before = accounts.get(account) ?? NOTHING;
    accounts.set(account, { ...before, [kind]: Math.min(before[kind] ?? Infinity, at) });
    this.#seen.set(name, accounts);
  }

  #tell() {
    for (const watcher of this.#watchers) watcher();
  }
}
