/**
 * What was written and is not acknowledged yet. Stored before anything is sent, so that a reload or an empty battery loses
 * nothing; sent in order, circle by circle, until the server has it. What was sealed last is kept, so that sending again
 * sends the same; it is sealed anew only when the epoch moved on.
 */
import { randomBytes } from "../core/bytes.js";
import { decode, encode } from "../core/content.js";
import { ENTROPY_SIZE, peek, seal } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { requireMember } from "../core/ledger.js";
import { checkMayPost } from "../core/posting.js";
import { Refusal, Unreachable } from "../core/refusal.js";
import { isAcknowledged } from "./acknowledged.js";
import { asFailure, Failure } from "./failure.js";
import { rotateIfDue } from "./healing.js";
import { Lane } from "./lane.js";
import { isBot } from "./member.js";
import { recipient } from "./membership.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/content.js").Content} Content */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types.js").Sending} Sending */
/**
 * `seq` of the outbox gives the order in which things were written. `content` is protected under this device's key.
 * `seq`: the number the server acknowledged it with; it stays until it was read there. `lost`: it was not found there.
 * @typedef {{ note: string, version: number, circle: string, replaces: string | null, kind: "post" | "correction" | "withdrawal",
 *   at: number, audiences: string[], urgent: boolean, acknowledge: boolean, mentions: string[], blobs: string[],
 *   content: import("./key-store.js").Protected, envelope: Bytes | null, order: number, seq?: number, lost?: boolean }} Row
 */
/** @typedef {Omit<Row, "content" | "envelope" | "order" | "blobs" | "seq" | "lost"> & { content: Content }} Writing */
/** @typedef {{ row: Row, content: Content, sending: Sending }} Waiting */
/** @typedef {{ circle: string, seq: number, at: number, envelope: Bytes }} Posted */
/** @typedef {<T>(name: string, task: () => Promise<T>) => Promise<T>} Exclusively runs a task in one tab at a time */

const CIRCLES_AT_ONCE = 2;
const STALE_TRIES = 5;
const RETRY_AFTER = [2_000, 5_000, 15_000, 60_000];
/** For the server, or for somebody who opens the next epoch: the version stays. @param {Refusal} refusal */
const mayWait = (refusal) => refusal.passes || refusal.code === "stale_epoch";
/** @type {Sending} */
const QUEUED = Object.freeze({ state: "queued", progress: 0, code: null, reason: null });
/** @type {Sending} */
const LOST = Object.freeze({ state: "failed", progress: 0, code: null, reason: "lost-note" });

export class Outbox {
  #member;
  #keeperOf;
  #onPosted;
  #acknowledged;
  #exclusively;
  #gate = new Lane(CIRCLES_AT_ONCE);
  /** @type {Map<string, Waiting>} in the order they were written */ #waiting = new Map();
  /** @type {Set<string>} circles whose turn it is */ #busy = new Set();
  /** @type {Set<string>} circles to look at once more */ #again = new Set();
  /** @type {Set<(circle: string) => void>} */ #watchers = new Set();
  /** @type {Set<string>} blobs of which the server may have a part */ #begun = new Set();
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | null} */ #timer = null;

  /**
   * @param {Member} member
   * @param {{ keeperOf: (circle: string) => import("./circle-keeper.js").CircleKeeper, onPosted: (posted: Posted) => Promise<void>, acknowledged: import("./acknowledged.js").Acknowledged, exclusively: Exclusively }} parts
   */
  constructor(member, { keeperOf, onPosted, acknowledged, exclusively }) {
    this.#member = member;
    this.#keeperOf = keeperOf;
    this.#onPosted = onPosted;
    this.#acknowledged = acknowledged;
    acknowledged.onLost = (row) => this.#takeBack(row);
    this.#exclusively = exclusively;
  }

  /** In the order they were written. @returns {Waiting[]} */
  get waiting() {
    return [...this.#waiting.values()];
  }

  /** @param {string} circle @returns {Waiting[]} */
  of(circle) {
    return this.waiting.filter(({ row }) => row.circle === circle);
  }

  /** @param {(circle: string) => void} watcher @returns {() => void} stops watching */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  async load() {
    const rows = /** @type {Row[]} */ (await this.#member.database.all("outbox"));
    rows.sort((one, other) => one.order - other.order);
    for (const row of rows.filter((one) => !isAcknowledged(one))) {
      await this.#hold(row);
      for (const id of row.blobs) this.#begun.add(id);
    }
  }

  /** @param {Row} row */
  async #hold(row) {
    const content = decode(await this.#member.keyStore.unprotect(row.content, purposeOf(row)));
    this.#waiting.set(nameOf(row), { row, content, sending: row.lost ? LOST : QUEUED });
  }

  /** The server had it, and does not show it: its author is told, and sends it again or lets it go. @param {Row} row */
  async #takeBack(row) {
    await this.#hold(row);
    this.#tell(row.circle);
  }

  /**
   * Store versions with their blobs, and whatever is to be written with them, in one step; then they are on their way.
   * @param {readonly Writing[]} writings
   * @param {{ blobs: readonly { id: string, blob: Blob }[], besides?: readonly import("./database.js").Write[] }} more
   */
  async put(writings, { blobs, besides = [] }) {
    const start = Math.max(Date.now(), ...this.waiting.map(({ row }) => row.order + 1));
    const waiting = await Promise.all(writings.map(async ({ content, ...fields }, index) => {
      const kept = await this.#member.keyStore.protect(encode(content), purposeOf(fields));
      const row = { ...fields, blobs: content.attachments.map((attachment) => attachment.blob), content: kept, envelope: null, order: start + index };
      return { row, content, sending: QUEUED };
    }));
    await this.#member.database.write([
      ...blobs.map((put) => ({ store: /** @type {const} */ ("blobs"), put })),
      ...waiting.map(({ row }) => ({ store: /** @type {const} */ ("outbox"), put: row })),
      ...besides,
    ]);
    for (const one of waiting) this.#waiting.set(nameOf(one.row), one);
    for (const circle of new Set(writings.map((writing) => writing.circle))) {
      this.#tell(circle);
      this.#start(circle);
    }
  }

  /** Try what failed once more. @param {string} note */
  retry(note) {
    for (const one of this.waiting.filter(({ row }) => row.note === note)) this.#show(one.row, QUEUED);
    this.flush();
  }

  /** Take what was never accepted out again. @param {string} note */
  async discard(note) {
    for (const { row } of this.waiting.filter((one) => one.row.note === note)) await this.#remove(row);
  }

  /** Send what waits. */
  flush() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const circle of new Set(this.waiting.map(({ row }) => row.circle))) this.#start(circle);
  }

  close() {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** @param {string} circle */
  #start(circle) {
    if (this.#busy.has(circle)) this.#again.add(circle);
    else void this.#run(circle);
  }

  /** @param {string} circle */
  async #run(circle) {
    this.#busy.add(circle);
    try {
      do {
        this.#again.delete(circle);
        await this.#gate.run(() => this.#exclusively(`relais outbox ${circle}`, () => this.#deliverAll(circle)));
      } while (this.#again.has(circle));
    } catch (error) {
      this.#member.alarms.fault(error, circle);
    } finally {
      this.#busy.delete(circle);
    }
  }

  /** One after the other; what failed for good does not hold up what follows. @param {string} circle */
  async #deliverAll(circle) {
    for (const { row, sending } of this.of(circle)) {
      if (sending.state === "failed" || this.#member.transport.state !== "online") continue;
      const isLate = !(await this.#attempt(row));
      if (isLate) return;
    }
  }

  /** @param {Row} row @returns {Promise<boolean>} false: it waits, and so does what comes after it */
  async #attempt(row) {
    try {
      const kept = /** @type {Row | undefined} */ (await this.#member.database.get("outbox", [row.note, row.version]));
      if (kept && !isAcknowledged(kept)) await this.#deliver(kept);
      else this.#forget(row); // another tab was quicker
      this.#failures = 0;
      return true;
    } catch (error) {
      return this.#failed(row, error);
    }
  }

  /** @param {Row} row @param {unknown} error @returns {boolean} */
  #failed(row, error) {
    const failure = asFailure(error);
    const isPassing = error instanceof Unreachable || failure.reason === "locked" || (error instanceof Refusal && mayWait(error));
    if (isPassing) {
      this.#show(row, { ...QUEUED, code: error instanceof Refusal ? error.code : null, reason: failure.reason });
      this.#retryLater();
      return false;
    }
    if (failure.code === "internal") this.#member.alarms.fault(error, row.circle);
    this.#show(row, { state: "failed", progress: 0, code: failure.code, reason: failure.reason });
    return true;
  }

  #retryLater() {
    if (this.#timer !== null || this.#member.transport.state !== "online") return; // else it is tried when the network is back
    const delay = /** @type {number} */ (RETRY_AFTER[Math.min(this.#failures++, RETRY_AFTER.length - 1)]);
    this.#timer = setTimeout(() => this.flush(), delay);
  }

  /** @param {Row} row */
  async #deliver(row) {
    const keeper = this.#keeperOf(row.circle);
    await keeper.load();
    keeper.requireSound();
    await this.#upload(row);
    this.#show(row, { ...QUEUED, state: "sending", progress: 1 });
    const { envelope, seq, at } = await this.#post(row.envelope ? row : await this.#seal(keeper, row));
    await this.#settle({ ...row, envelope }, seq);
    await this.#onPosted({ circle: row.circle, seq, at, envelope });
    if (!this.#waiting.get(nameOf(row))?.row.lost) this.#forget(row); // it may have been found missing already
  }

  /** The server has it, it says: the text stays until it was read there. A bot reads nothing. @param {Row} row @param {number} seq */
  async #settle(row, seq) {
    const kept = isBot(this.#member) ? [{ store: /** @type {const} */ ("outbox"), delete: [row.note, row.version] }] : await this.#acknowledged.writes(row, seq);
    await this.#member.database.write([...this.#unneeded(row), ...kept]);
    const waiting = this.#waiting.get(nameOf(row));
    if (waiting) this.#waiting.set(nameOf(row), { ...waiting, row: { ...row, seq, lost: false } });
  }

  /** @param {Row} row */
  async #upload(row) {
    const blobs = await Promise.all(row.blobs.map((id) => this.#member.database.get("blobs", id)));
    const mine = blobs.filter((blob) => blob !== undefined);
    const total = mine.reduce((sum, { blob }) => sum + blob.size, 0);
    let before = 0;
    for (const { id, blob } of mine) {
      const start = before;
      const onProgress = (/** @type {number} */ done) => this.#show(row, { ...QUEUED, state: "uploading", progress: (start + done) / total });
      await this.#exclusively(`relais blob ${id}`, () => this.#uploadOne(id, blob, onProgress));
      before += blob.size;
    }
  }

  /** One at a time: a broadcast has the same file in several circles. @param {string} id @param {Blob} blob @param {(done: number) => void} onProgress */
  async #uploadOne(id, blob, onProgress) {
    const isBegun = this.#begun.has(id);
    this.#begun.add(id);
    await this.#member.transport.http.upload(id, blob, { onProgress, isBegun });
  }

  /** @param {Row} row @returns {Promise<{ envelope: Bytes, seq: number, at: number }>} */
  async #post(row) {
    for (let attempt = 1; ; attempt++) {
      const envelope = /** @type {Bytes} */ (row.envelope);
      try {
        return { envelope, ...(await this.#member.transport.call("note.post", { envelope })) };
      } catch (error) {
        const isStale = error instanceof Refusal && error.code === "stale_epoch";
        if (!isStale || attempt === STALE_TRIES) throw error;
      }
      const keeper = this.#keeperOf(row.circle);
      await keeper.refresh({ isForced: true });
      await this.#member.accounts.get(keeper.known.members.keys(), { isFresh: true });
      row = await this.#seal(keeper, row);
    }
  }

  /** Seal under the epochs the circle is at, which are opened anew first where that is due. @param {import("./circle-keeper.js").CircleKeeper} keeper @param {Row} row @returns {Promise<Row>} */
  async #seal(keeper, row) {
    const waiting = this.#waiting.get(nameOf(row));
    if (!waiting) throw new Failure("aborted");
    await this.#renew(keeper);
    const { account, keys } = this.#member;
    const { circle, note, version, replaces, kind, at, urgent, acknowledge, mentions } = row;
    const state = keeper.known;
    if (state.closed) throw new ProtocolError("circle-closed");
    requireMember(state, account, keeper.now);
    const draft = { circle, note, version, replaces, kind, account, at, ledger_seq: state.seq, ledger_head: state.head, urgent, acknowledge, mentions };
    const to = row.audiences.map((audience) => recipient(this.#member, state, { audience, keys: keeper.keys }));
    const envelope = await seal(keys, draft, waiting.content, { to, entropy: randomBytes(ENTROPY_SIZE) });
    checkMayPost(state, (await peek(envelope)).header, keeper.now);
    const sealed = { ...row, envelope };
    await this.#member.database.write([{ store: "outbox", put: sealed }]);
    this.#waiting.set(nameOf(row), { ...waiting, row: sealed });
    return sealed;
  }

  /** Where it is the new epoch that is refused, nothing is said of the note, which waits. @param {import("./circle-keeper.js").CircleKeeper} keeper */
  async #renew(keeper) {
    try {
      await rotateIfDue(this.#member, keeper);
    } catch (error) {
      if (!(error instanceof Refusal) || mayWait(error)) throw error;
      throw new Refusal("stale_epoch", { reason: error.reason });
    }
  }

  /** It is the server's now, or nobody's: with the blobs no other version waits for. @param {Row} row */
  async #remove(row) {
    await this.#member.database.write([...this.#unneeded(row), { store: "outbox", delete: [row.note, row.version] }]);
    this.#forget(row);
  }

  /** Its blobs that no other version waits for. @param {Row} row */
  #unneeded(row) {
    const others = new Set(this.waiting.filter((one) => nameOf(one.row) !== nameOf(row)).flatMap((one) => one.row.blobs));
    return row.blobs.filter((id) => !others.has(id)).map((id) => ({ store: /** @type {const} */ ("blobs"), delete: id }));
  }

  /** @param {Row} row */
  #forget(row) {
    this.#waiting.delete(nameOf(row));
    this.#tell(row.circle);
  }

  /** @param {Row} row @param {Sending} sending */
  #show(row, sending) {
    const waiting = this.#waiting.get(nameOf(row));
    if (!waiting) return;
    this.#waiting.set(nameOf(row), { ...waiting, sending });
    this.#tell(row.circle);
  }

  /** @param {string} circle */
  #tell(circle) {
    for (const watcher of this.#watchers) watcher(circle);
  }
}

/** @param {{ note: string, version: number }} one */
const nameOf = ({ note, version }) => `${note} ${version}`;

/** @param {{ circle: string, note: string, version: number }} one */
const purposeOf = ({ circle, note, version }) => `outbox ${circle} ${note} ${version}`;
