/**
 * The notes of one circle as this device has them, in the server's order: verified when they come, kept for 30 days in the
 * database (sealed, as they came), opened when they are shown. A gap in the order is closed by asking.
 */
import { checkFollows, openEnvelope, peek, verify } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { checkCouldPost } from "../core/posting.js";
import { beginningWith } from "./database.js";
import { each, Lane } from "./lane.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/envelope.js").Envelope} Envelope */
/** @typedef {import("../core/content.js").Content} Content */
/** @typedef {import("../core/wire.d.ts").StoredNote} StoredNote */
/** @typedef {import("./member.js").Member} Member */
/**
 * One version. `content` is null until it is opened, and while its key is on its way (`isLocked`); `damaged` is the reason
 * it was refused for. Of what cannot even be read, `envelope` is null.
 * @typedef {{ note: string, version: number, seq: number, at: number, raw: Bytes, envelope: Envelope | null,
 *   content: Content | null, isLocked: boolean, damaged: string | null }} Version
 */
/** @typedef {{ circle: string, seq: number, at: number, raw: Bytes, damaged: string | null }} Row */
/** The seqs the database holds without a gap; `to` 0: nothing was asked for yet. @typedef {{ from: number, to: number }} Span */

const PAGE = 50;
const SYNC_PAGE = 200;
const KEPT_FOR = 30 * 24 * 3_600_000;
const OPENED_AT_ONCE = 4;

export class NoteLog {
  #member;
  #keeper;
  #onArrived;
  #lane = new Lane();
  /** @type {Span | null} */ #span = null;
  /** @type {Map<string, Version[]>} */ #versions = new Map();
  /** @type {number | null} lowest seq in memory; null: nothing is shown */ #shownFrom = null;
  /** @type {Set<() => void>} */ #watchers = new Set();
  isComplete = false;
  lastSeq = 0;

  /**
   * @param {Member} member @param {import("./circle-keeper.js").CircleKeeper} keeper
   * @param {(versions: readonly Version[]) => void} onArrived verified versions this device did not have
   */
  constructor(member, keeper, onArrived) {
    this.#member = member;
    this.#keeper = keeper;
    this.#onArrived = onArrived;
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
      await this.#ready();
      const rows = await this.#member.database.last("notes", beginningWith(this.circle), PAGE);
      const from = rows[0]?.seq ?? Infinity;
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
    const [row] = await this.#member.database.last("notes", beginningWith(this.circle), 1);
    return row ? this.#opened(await versionOf(row)) : null;
  }

  /** Fetch what is new. @param {number} [lastSeq] the circle's newest, where it is known: nothing is asked for if it is here */
  async sync(lastSeq) {
    await this.#lane.run(async () => {
      const span = await this.#ready();
      if (lastSeq !== undefined && span.to >= lastSeq) return;
      if (span.to === 0) await this.#fetchNewest();
      else await this.#fetchAfter();
    });
    this.#tell();
  }

  /** What the server told. @param {StoredNote} stored */
  async hear(stored) {
    const isNext = await this.#lane.run(async () => {
      const { to } = await this.#ready();
      this.lastSeq = Math.max(this.lastSeq, stored.seq);
      if (stored.seq !== to + 1 || to === 0) return stored.seq <= to && to > 0;
      await this.#take([stored], { from: null, to: stored.seq });
      return true;
    });
    if (isNext) this.#tell();
    else await this.sync();
  }

  /** Put one page of earlier versions before those in memory. */
  async earlier() {
    await this.#lane.run(async () => {
      const [span, before] = [await this.#ready(), this.#shownFrom];
      if (before === null || this.isComplete) return;
      const range = IDBKeyRange.bound([this.circle, 0], [this.circle, before], false, true);
      const rows = before === Infinity ? [] : await this.#member.database.last("notes", range, PAGE);
      const isHere = rows.length > 0 && rows.at(-1).seq === before - 1;
      if (isHere) await this.#prepend(await Promise.all(rows.map(versionOf)), rows[0].seq);
      else await this.#fetchBefore(before === Infinity ? 0 : before, span);
    });
    this.#tell();
  }

  /** All versions of one note, asked for where the earlier ones are not in memory. @param {string} note @returns {Promise<readonly Version[]>} */
  async history(note) {
    const known = this.#versions.get(note) ?? [];
    if (known[0]?.version === 1) return known;
    const { notes } = await this.#member.transport.call("note.get", { circle: this.circle, note });
    /** @type {Version[]} */
    const versions = [];
    for (const stored of inOrder(notes)) versions.push(await this.#opened(await this.#verified(stored, async () => versions)));
    return versions;
  }

  /** Fetch backwards until 30 days are on this device. */
  async fill() {
    for (let isMore = true; isMore;) isMore = await this.#lane.run(async () => this.#fillPage());
  }

  async #fillPage() {
    const span = await this.#ready();
    const [oldest] = span.to === 0 ? [] : await this.#member.database.all("notes", IDBKeyRange.only([this.circle, span.from]));
    if (!oldest || span.from <= 1 || oldest.at < this.#cutoff()) return false;
    const { notes } = await this.#member.transport.call("circle.page", { circle: this.circle, before: span.from, limit: SYNC_PAGE });
    if (notes.length === 0) return false;
    checkOrder(notes, span.from - notes.length);
    await this.#keep(await this.#verifiedAll(notes));
    return true;
  }

  /** @returns {Promise<Span>} */
  async #ready() {
    this.#span ??= (await this.#member.database.get("values", `span ${this.circle}`)) ?? { from: 1, to: 0 };
    return /** @type {Span} */ (this.#span);
  }

  async #fetchNewest() {
    const { notes, last_seq: lastSeq } = await this.#member.transport.call("circle.page", { circle: this.circle, before: 0, limit: PAGE });
    this.lastSeq = lastSeq;
    if (notes.length === 0) return this.#reachBeginning(lastSeq + 1);
    const from = /** @type {StoredNote} */ (notes[0]).seq;
    checkOrder(notes, from);
    if (this.#shownFrom === Infinity) this.#shownFrom = from;
    await this.#take(notes, { from, to: from + notes.length - 1 });
    if (from <= 1) this.isComplete = true; // a short page says nothing: long notes fill it sooner
    return undefined;
  }

  async #fetchAfter() {
    for (let { to } = await this.#ready(); ;) {
      const { notes, last_seq: lastSeq } = await this.#member.transport.call("circle.sync", { circle: this.circle, after: to, limit: SYNC_PAGE });
      if (lastSeq < to) await this.#keeper.contradict("rollback");
      this.lastSeq = lastSeq;
      if (notes.length === 0) return;
      const from = (await this.#beginsAgain(notes[0], to)) ? /** @type {StoredNote} */ (notes[0]).seq : to + 1;
      checkOrder(notes, from);
      await this.#take(notes, { from: from === to + 1 ? null : from, to: from + notes.length - 1 });
      to = from + notes.length - 1;
      if (to >= lastSeq) return;
    }
  }

  /** Somebody who came back without the history may read nothing of what was written meanwhile. @param {StoredNote | undefined} first @param {number} to */
  async #beginsAgain(first, to) {
    const history = this.#keeper.self?.history ?? 0;
    const [last] = await this.#member.database.all("notes", IDBKeyRange.only([this.circle, to]));
    return first !== undefined && last !== undefined && last.at < history && first.at >= history;
  }

  /** @param {number} before 0: from the newest @param {Span} span */
  async #fetchBefore(before, span) {
    const { notes, last_seq: lastSeq } = await this.#member.transport.call("circle.page", { circle: this.circle, before, limit: PAGE });
    this.lastSeq = Math.max(this.lastSeq, lastSeq);
    if (notes.length === 0) return this.#reachBeginning(before || lastSeq + 1);
    const from = before === 0 ? /** @type {StoredNote} */ (notes[0]).seq : before - notes.length;
    checkOrder(notes, from);
    const versions = await this.#verifiedAll(notes);
    if (span.to > 0 && span.from === before) await this.#keep(versions.filter((version) => version.at >= this.#cutoff()));
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

  /** New versions, in order. @param {readonly StoredNote[]} notes @param {{ from: number | null, to: number }} moved */
  async #take(notes, { from, to }) {
    const versions = await this.#verifiedAll(notes);
    const span = { from: from ?? /** @type {Span} */ (this.#span).from, to };
    await this.#write(versions, span);
    if (this.#shownFrom !== null) await this.#remember(versions);
    this.#onArrived(versions.filter((version) => version.damaged === null));
  }

  /** Earlier versions, down to the lowest of these. @param {Version[]} versions */
  async #keep(versions) {
    const from = versions[0]?.seq;
    if (from !== undefined) await this.#write(versions, { .../** @type {Span} */ (this.#span), from });
  }

  /** @param {readonly Version[]} versions @param {Span} span */
  async #write(versions, span) {
    const rows = versions.map(({ seq, at, raw, damaged }) => ({ store: /** @type {const} */ ("notes"), put: { circle: this.circle, seq, at, raw, damaged } }));
    await this.#member.database.write([...rows, { store: "values", key: `span ${this.circle}`, put: span }]);
    this.#span = span;
  }

  /** @param {readonly StoredNote[]} notes @returns {Promise<Version[]>} */
  async #verifiedAll(notes) {
    /** @type {Version[]} */
    const verified = [];
    for (const stored of notes) verified.push(await this.#verified(stored, (envelope) => this.#previous(envelope, verified)));
    return verified;
  }

  /**
   * Check a version as any reader must. What does not hold is kept and shown as damaged.
   * @param {StoredNote} stored @param {(envelope: Envelope) => Promise<readonly Version[]>} previousOf
   * @returns {Promise<Version>}
   */
  async #verified({ seq, at, envelope: raw }, previousOf) {
    /** @type {Envelope | null} */
    let envelope = null;
    try {
      envelope = await peek(raw);
      await this.#check(envelope);
      const previous = envelope.header.version > 1 ? await previousOf(envelope) : [];
      checkFollows(envelope, previous.flatMap((version) => version.envelope ?? []));
      return { ...placeOf(envelope, seq), seq, at, raw, envelope, content: null, isLocked: false, damaged: null };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { ...placeOf(envelope, seq), seq, at, raw, envelope, content: null, isLocked: false, damaged: error.reason };
    }
  }

  /** @param {Envelope} envelope */
  async #check(envelope) {
    const { header } = envelope;
    if (header.circle !== this.circle || header.kind === "profile") throw new ProtocolError("wrong-circle");
    if (header.ledger_seq > (this.#keeper.state?.seq ?? -1)) await this.#keeper.refresh({ isForced: true });
    await this.#checkAuthor(envelope);
    try {
      checkCouldPost(this.#keeper.known, header);
    } catch (error) {
      if (error instanceof ProtocolError && (error.reason === "fork" || error.reason === "rollback")) await this.#keeper.contradict(error.reason);
      throw error;
    }
  }

  /** @param {Envelope} envelope */
  async #checkAuthor(envelope) {
    const { account } = envelope.header;
    const { accounts } = this.#member;
    try {
      await verify(envelope, /** @type {import("../core/account.js").AccountState} */ ((await accounts.get([account])).get(account)));
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.reason !== "not-a-device") throw error;
      await verify(envelope, /** @type {import("../core/account.js").AccountState} */ ((await accounts.get([account], { isFresh: true })).get(account)));
    }
  }

  /** @param {Envelope} envelope @param {readonly Version[]} besides verified with it @returns {Promise<readonly Version[]>} */
  async #previous({ header }, besides) {
    const known = [...(this.#versions.get(header.note) ?? []), ...besides.filter((version) => version.note === header.note)]
      .filter((version) => version.version < header.version && version.damaged === null);
    if (known.length === header.version - 1) return known;
    const { notes } = await this.#member.transport.call("note.get", { circle: this.circle, note: header.note });
    /** @type {Version[]} */
    const earlier = [];
    for (const stored of inOrder(notes)) {
      const version = await this.#verified(stored, async () => earlier);
      if (version.version < header.version && version.damaged === null) earlier.push(version);
    }
    return earlier;
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
    await this.#keeper.load();
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
    await this.#lane.run(async () => {
      const span = await this.#ready();
      const rows = await this.#member.database.all("notes", beginningWith(this.circle));
      const first = rows.find((row) => row.at >= this.#cutoff())?.seq ?? span.to + 1;
      if (span.to === 0 || first <= span.from) return;
      const gone = IDBKeyRange.bound([this.circle, 0], [this.circle, first], false, true);
      const moved = first > span.to ? { from: 1, to: 0 } : { from: first, to: span.to };
      await this.#member.database.write([{ store: "notes", delete: gone }, { store: "values", key: `span ${this.circle}`, put: moved }]);
      this.#span = moved;
    });
  }

  #tell() {
    for (const watcher of this.#watchers) watcher();
  }
}

/** @param {Row} row checked when it came @returns {Promise<Version>} */
async function versionOf({ seq, at, raw, damaged }) {
  try {
    const envelope = await peek(raw);
    return { ...placeOf(envelope, seq), seq, at, raw, envelope, content: null, isLocked: false, damaged };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { ...placeOf(null, seq), seq, at, raw, envelope: null, content: null, isLocked: false, damaged: error.reason };
  }
}

/** @param {Envelope | null} envelope @param {number} seq */
const placeOf = (envelope, seq) => ({ note: envelope?.header.note ?? `unreadable ${seq}`, version: envelope?.header.version ?? 1 });

/** @param {readonly StoredNote[]} notes */
const inOrder = (notes) => [...notes].sort((one, other) => one.seq - other.seq);

/** Throws ProtocolError `wrong-order` unless the seqs follow each other from `first`. @param {readonly StoredNote[]} notes @param {number} first */
function checkOrder(notes, first) {
  if (notes.some((note, index) => note.seq !== first + index)) throw new ProtocolError("wrong-order");
}
