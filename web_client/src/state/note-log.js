/**
 * The notes of one circle as this device has them, in the server's order: verified when they come, kept for 30 days in the
 * database (sealed, as they came), opened when they are shown. A gap in the order is closed by asking.
 */
import { openEnvelope } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { audiencesOf, TEAM } from "../core/ledger.js";
import { KeptNotes } from "./kept-notes.js";
import { each, Lane } from "./lane.js";
import { checkOrder, NoteOrder, numbersIn } from "./note-order.js";
import { NoteVerifier, versionOf } from "./note-verifier.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/envelope.js").Envelope} Envelope */
/** @typedef {import("../core/content.js").Content} Content */
/** @typedef {import("../core/wire.d.ts").StoredNote} StoredNote */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./note-verifier.js").Row} Row */
/** @typedef {import("./note-verifier.js").Version} Version */
/** @typedef {import("./kept-notes.js").Span} Span */
/** @typedef {import("../core/wire.d.ts").Notes} Answer */

const PAGE = 50;
const SYNC_PAGE = 200;
const KEPT_FOR = 30 * 24 * 3_600_000;
const OPENED_AT_ONCE = 32; // most of it is waiting for WebCrypto

export class NoteLog {
  #member;
  #keeper;
  #onArrived;
  #order;
  #verifier;
  #kept;
  #lane = new Lane();
  /** @type {Map<string, Version[]>} */ #versions = new Map();
  /** @type {number | null} lowest seq in memory; null: nothing is shown */ #shownFrom = null;
  /** @type {Set<() => void>} */ #watchers = new Set();
  isComplete = false;
  lastSeq = 0;

  /**
   * @param {Member} member @param {import("./circle-keeper.js").CircleKeeper} keeper
   * @param {{ acknowledged: import("./acknowledged.js").Acknowledged, onArrived?: (versions: readonly Version[]) => void }} parts `onArrived`: verified versions this device did not have
   */
  constructor(member, keeper, { acknowledged, onArrived = () => {} }) {
    this.#member = member;
    this.#keeper = keeper;
    this.#onArrived = onArrived;
    this.#kept = new KeptNotes(member.database, keeper.circle);
    this.#order = new NoteOrder(member, keeper, acknowledged);
    this.#verifier = new NoteVerifier(member, keeper, { knownOf: (note) => this.#versions.get(note) ?? [], order: this.#order });
    keeper.watch(() => void this.#openLocked());
  }

  get circle() {
    return this.#keeper.circle;
  }

  /** The versions in memory by note, each note's in order. @returns {ReadonlyMap<string, readonly Version[]>} */
  get versions() {
    return this.#versions;
  }

  /** @param {() => void} watcher @returns {() => void} stops watching */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /** Bring the newest page into memory: from the database, which needs no network. */
  async show() {
    await this.#lane.run(async () => {
      if (this.#shownFrom !== null) return;
      const [span, rows] = [await this.#kept.span(), await this.#kept.newest(PAGE)];
      const from = rows.length < PAGE && span.to > 0 ? Math.min(span.from, rows[0]?.seq ?? Infinity) : (rows[0]?.seq ?? Infinity);
      this.#shownFrom = from;
      this.isComplete = from <= 1;
      await this.#remember(await Promise.all(rows.map(versionOf)));
    });
    this.#tell();
  }

  /** Nobody looks at it any more: what is in memory goes. */
  hide() {
    this.#shownFrom = null;
    this.#versions = new Map();
    this.isComplete = false;
  }

  /** The newest version this device has, opened if it can be. @returns {Promise<Version | null>} */
  async newest() {
    const [row] = await this.#kept.newest(1);
    return row ? this.#opened(await versionOf(row)) : null;
  }

  /** Fetch what is new. @param {number} [lastSeq] the circle's newest, where it is known: nothing is asked for if it is here */
  async sync(lastSeq) {
    await this.#order.watch(this.#lane.run(async () => {
      await this.#followAudiences();
      const span = await this.#kept.span();
      const to = await this.#order.readTo(span);
      if (lastSeq !== undefined && to === span.to && to >= lastSeq) return;
      if (span.to === 0) await this.#fetchNewest();
      else await this.#fetchAfter(to);
    }));
    this.#tell();
  }

  /** Somebody looked into why the order changed: it is taken as the server has it now. */
  async anew() {
    await this.#lane.run(() => this.#startOver([this.#order.forget()]));
    await this.sync();
  }

  /** What the server told; `isOwn`: of what this device wrote, or that it stored it. @param {StoredNote} stored @param {{ isOwn?: boolean }} [how] */
  async hear(stored, { isOwn = false } = {}) {
    const { seq } = stored;
    const isNext = await this.#order.watch(this.#lane.run(async () => {
      const { to } = await this.#kept.span();
      this.lastSeq = Math.max(this.lastSeq, seq);
      if (seq !== to + 1 || to === 0) return seq <= to && to > 0;
      await this.#take([stored], { from: null, to: seq, read: isOwn ? null : { others: [], lastSeq: seq } });
      return true;
    }));
    if (isNext) this.#tell();
    else await this.sync();
  }

  /** Put one page of earlier versions before those in memory. */
  async earlier() {
    await this.#order.watch(this.#lane.run(async () => {
      const [span, before] = [await this.#kept.span(), this.#shownFrom];
      if (before === null || this.isComplete) return;
      if (before === Infinity || span.to === 0 || before <= span.from) return this.#fetchBefore(before === Infinity ? 0 : before, span);
      const rows = await this.#kept.before(before, PAGE);
      await this.#prepend(await Promise.all(rows.map(versionOf)), rows.length < PAGE ? span.from : /** @type {Row} */ (rows[0]).seq);
    }));
    this.#tell();
  }

  /** All versions of one note, asked for where the earlier ones are not in memory. @param {string} note @returns {Promise<readonly Version[]>} */
  async history(note) {
    const known = this.#versions.get(note) ?? [];
    if (known[0]?.version === 1) return known;
    return each(await this.#order.watch(this.#lane.run(() => this.#verifier.history(note))), OPENED_AT_ONCE, (version) => this.#opened(version));
  }

  /** Fetch backwards until 30 days are on this device. */
  async fill() {
    for (let isMore = true; isMore;) isMore = await this.#order.watch(this.#lane.run(async () => this.#fillPage()));
  }

  async #fillPage() {
    const span = await this.#kept.span();
    if (span.to === 0 || span.from <= 1) return false;
    if (((await this.#kept.oldestAt(SYNC_PAGE)) ?? Infinity) < this.#cutoff()) return false;
    const answer = await this.#member.transport.call("circle.page", { circle: this.circle, before: span.from, limit: SYNC_PAGE });
    const told = await this.#numbers(answer);
    if (told.length === 0) return false;
    checkOrder(told, span.from - told.length);
    const versions = await this.#verifier.all(answer.notes);
    await this.#keep(versions, { from: told[0], others: answer.others }, await this.#met(versions, answer));
    return true;
  }

  /** Whoever is in other audiences than before is given other notes: all are asked for again. */
  async #followAudiences() {
    const [span, mine] = [await this.#kept.span(), this.#audiences];
    if (span.to === 0 || mine === null || mine === (span.audiences ?? TEAM)) return;
    await this.#startOver([]);
  }

  /** @param {readonly import("./database.js").Write[]} more */
  async #startOver(more) {
    await this.#kept.clear(more);
    this.#versions = new Map();
    this.isComplete = false;
    if (this.#shownFrom !== null) this.#shownFrom = Infinity;
  }

  /** Those one is in, as one word; null before the ledger is known. */
  get #audiences() {
    const { self } = this.#keeper;
    return self ? [...audiencesOf(self)].sort().join(" ") : null;
  }

  /** Every number an answer accounts for. Whoever is in every audience, with the whole history, is kept from none. @param {Answer} answer */
  async #numbers(answer) {
    if (answer.others.length > 0 && this.#isForAll) {
      await this.#keeper.refresh({ isForced: true }); // an audience may be new
      if (this.#isForAll) throw new ProtocolError("wrong-order");
    }
    return numbersIn(answer);
  }

  get #isForAll() {
    const { self, known } = this.#keeper;
    return self !== undefined && self.history === 0 && [...known.audiences.keys()].every((name) => audiencesOf(self).includes(name));
  }

  async #fetchNewest() {
    const answer = await this.#member.transport.call("circle.page", { circle: this.circle, before: 0, limit: PAGE });
    const [told, lastSeq] = [await this.#numbers(answer), answer.last_seq];
    await this.#judge(answer, told[0] ?? lastSeq + 1);
    this.lastSeq = lastSeq;
    const [from] = told;
    if (from === undefined) return this.#reachBeginning(lastSeq + 1);
    checkOrder(told, from);
    await this.#take(answer.notes, { from, to: from + told.length - 1, read: { others: answer.others, lastSeq } });
    if (from <= 1) this.isComplete = true; // a short page says nothing: long notes fill it sooner
    return undefined;
  }

  /** @param {number} to what is before was read */
  async #fetchAfter(to) {
    for (;;) {
      const answer = await this.#member.transport.call("circle.sync", { circle: this.circle, after: to, limit: SYNC_PAGE });
      await this.#judge(answer, to + 1);
      const [told, lastSeq] = [await this.#numbers(answer), answer.last_seq];
      const [first] = told;
      if (lastSeq < to || (first === undefined && lastSeq > to && !(await this.#beginsAgain(undefined, to)))) throw new ProtocolError("wrong-order");
      this.lastSeq = lastSeq;
      if (first === undefined) return void (await this.#met([], answer));
      const from = (await this.#beginsAgain(answer.notes[0], to)) ? first : to + 1;
      checkOrder(told, from);
      await this.#take(answer.notes, { from: from === to + 1 ? null : from, to: from + told.length - 1, read: { others: answer.others, lastSeq } });
      to = from + told.length - 1;
      if (to >= lastSeq) return undefined;
    }
  }

  /** Somebody who came back without the history may read nothing of what was written meanwhile. @param {StoredNote | undefined} first @param {number} to */
  async #beginsAgain(first, to) {
    const history = this.#keeper.self?.history ?? 0;
    const [last] = await this.#member.database.last("notes", IDBKeyRange.bound([this.circle, 0], [this.circle, to]), 1);
    return last !== undefined && last.at < history && (first === undefined || first.at >= history);
  }

  /** @param {number} before 0: from the newest @param {Span} span */
  async #fetchBefore(before, span) {
    const answer = await this.#member.transport.call("circle.page", { circle: this.circle, before, limit: PAGE });
    const [told, lastSeq] = [await this.#numbers(answer), answer.last_seq];
    this.lastSeq = Math.max(this.lastSeq, lastSeq);
    if (told.length === 0) return this.#reachBeginning(before || lastSeq + 1);
    const from = before === 0 ? /** @type {number} */ (told[0]) : before - told.length;
    checkOrder(told, from);
    const versions = await this.#verifier.all(answer.notes);
    const recent = versions.filter((version) => version.at >= this.#cutoff());
    const places = await this.#met(versions, answer);
    const first = recent.length === versions.length ? from : recent[0]?.seq;
    if (span.to > 0 && span.from === before) await this.#keep(recent, { from: first, others: answer.others }, places);
    else await this.#member.database.write(places);
    return this.#prepend(versions, from);
  }

  /** There is nothing before this one: for who may read everything, it is the first. @param {number} before */
  #reachBeginning(before) {
    if (before > 1 && this.#keeper.self?.history === 0) throw new ProtocolError("wrong-order");
    this.isComplete = true;
    if (this.#shownFrom === Infinity) this.#shownFrom = 1;
  }

  /** @param {Version[]} versions @param {number} from */
  async #prepend(versions, from) {
    this.#shownFrom = from;
    if (from <= 1) this.isComplete = true;
    await this.#remember(versions);
  }

  /**
   * New versions, in order. `read`: as the server shows them; null: only said to be stored.
   * @param {readonly StoredNote[]} notes @param {{ from: number | null, to: number, read: { others: readonly number[], lastSeq: number } | null }} moved
   */
  async #take(notes, { from, to, read }) {
    const versions = await this.#verifier.all(notes);
    const before = await this.#kept.span();
    const span = { from: from ?? before.from, to: Math.max(to, before.to), audiences: this.#audiences ?? TEAM, others: read?.others ?? [] };
    await this.#kept.write(versions, span, read ? await this.#order.met(versions, read) : []);
    if (this.#shownFrom !== null && before.to === 0) [this.#shownFrom, this.#versions] = [span.from, new Map()]; // what is shown besides may have holes
    const shownFrom = this.#shownFrom ?? Infinity;
    await this.#remember(versions.filter(({ seq }) => seq >= shownFrom));
    this.#onArrived(versions.filter((version) => version.damaged === null && version.seq > before.to));
  }

  /** Earlier versions, down to this number. @param {Version[]} versions @param {{ from: number | undefined, others: readonly number[] }} down @param {readonly import("./database.js").Write[]} places */
  async #keep(versions, { from, others }, places) {
    if (from === undefined) await this.#member.database.write(places);
    else await this.#kept.write(versions, { ...(await this.#kept.span()), from, others }, places);
  }

  /** @param {readonly Version[]} versions @param {Answer} answer */
  #met(versions, { others, last_seq: lastSeq }) {
    return this.#order.met(versions, { others, lastSeq });
  }

  /** What the server said it stored and does not show is nothing this device read. @param {Answer} answer @param {number} first */
  async #judge(answer, first) {
    const lost = Math.min(...(await this.#order.judge(answer, first)));
    if (lost === Infinity) return;
    await this.#kept.cut(lost);
    this.#versions = new Map([...this.#versions].flatMap(([note, versions]) => {
      const read = versions.filter((version) => version.seq < lost);
      return read.length > 0 ? [[note, read]] : [];
    }));
  }

  /** @param {readonly Version[]} versions */
  async #remember(versions) {
    const opened = await each(versions, OPENED_AT_ONCE, (version) => this.#opened(version));
    const grown = new Map(this.#versions);
    for (const version of opened) {
      const known = grown.get(version.note) ?? [];
      const others = known.filter((one) => one.version !== version.version);
      const hasGood = known.some((one) => one.version === version.version && one.damaged === null);
      const all = [...others, version].sort((one, other) => one.version - other.version);
      if (version.damaged === null || !hasGood) grown.set(version.note, all); // what was refused hides nothing
    }
    this.#versions = grown;
  }

  /** @param {Version} version @returns {Promise<Version>} */
  async #opened(version) {
    if (version.content || version.damaged !== null || !version.envelope) return version;
    await this.#keeper.settle(version.envelope);
    try {
      return { ...version, content: await openEnvelope(version.envelope, this.#keeper.keys), isLocked: false };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return error.reason === "key-missing" ? { ...version, isLocked: true } : { ...version, damaged: error.reason };
    }
  }

  /** Keys came: what was locked may open. */
  async #openLocked() {
    const locked = [...this.#versions.values()].flat().filter((version) => version.isLocked);
    if (locked.length === 0) return;
    try {
      await this.#remember(locked);
      this.#tell();
    } catch (error) {
      this.#member.alarms.fault(error, this.circle);
    }
  }

  #cutoff() {
    return this.#member.clock.now() - KEPT_FOR;
  }

  /** Forget what is older than 30 days. */
  async prune() {
    await this.#lane.run(() => this.#kept.prune(this.#cutoff()));
  }

  #tell() {
    for (const watcher of this.#watchers) watcher();
  }
}
