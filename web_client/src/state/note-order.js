/** The order of one circle's notes: that of the numbers, as it was read before, with what the server said it stored in its place. */
import { digest } from "../core/cose.js";
import { ProtocolError } from "../core/errors.js";
import { audiencesOf } from "../core/ledger.js";
import { Places } from "./places.js";

/** @typedef {import("../core/wire.d.ts").Notes} Answer */
/** @typedef {import("./note-verifier.js").Version} Version */

export class NoteOrder {
  #member;
  #keeper;
  #acknowledged;
  #places;

  /** @param {import("./member.js").Member} member @param {import("./circle-keeper.js").CircleKeeper} keeper @param {import("./acknowledged.js").Acknowledged} acknowledged */
  constructor(member, keeper, acknowledged) {
    this.#member = member;
    this.#keeper = keeper;
    this.#acknowledged = acknowledged;
    this.#places = new Places(member.database, keeper.circle);
  }

  /** As whom one reads: what decides which versions one is given. */
  get #rights() {
    const { self } = this.#keeper;
    return self ? [self.history, ...[...audiencesOf(self)].sort()].join(" ") : "";
  }

  /**
   * Versions as they were read before, whenever that was. Throws ProtocolError `wrong-order`.
   * @param {readonly Version[]} versions @param {{ others?: readonly number[], lastSeq: number }} more
   * @returns {Promise<import("./database.js").Write[]>} what remembers them in later runs
   */
  async met(versions, { others = [], lastSeq }) {
    /** @type {Map<number, string | null>} */
    const told = new Map(others.map((seq) => [seq, null]));
    const good = versions.filter(({ envelope, damaged }) => envelope && damaged === null);
    for (const { seq, envelope } of good) told.set(seq, /** @type {import("../core/envelope.js").Envelope} */ (envelope).digest);
    const rights = this.#rights;
    try {
      return await this.#places.meet(told, { rights, lastSeq });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      await this.#keeper.refresh({ isForced: true });
      if (this.#rights === rights) throw error;
      return this.#places.meet(told, { rights: this.#rights, lastSeq }); // one reads otherwise by now
    }
  }

  /** The numbers, from `first` on, at which the answer does not show what the server said it stored there. @param {Answer} answer @param {number} first @returns {Promise<number[]>} */
  async judge(answer, first) {
    const { circle, self: reader } = this.#keeper;
    const missing = await this.#acknowledged.judge({ circle, answer, first, reader });
    for (const row of missing) {
      const { envelope, seq = null } = row;
      this.#member.alarms.raise("lost-note", circle, null, { of: envelope && (await digest(envelope)), seq });
      await this.#acknowledged.lose(row); // after that nobody asks again: an alarm that was not kept would never come
    }
    return missing.map((row) => /** @type {number} */ (row.seq));
  }

  /** Up to where it need not be read again, of what was read up to `to`. @param {{ from: number, to: number }} span */
  async readTo({ from, to }) {
    const first = await this.#acknowledged.first(this.#keeper.circle);
    return first >= from ? Math.min(to, first - 1) : to;
  }

  /** Run what reads; whoever reads is told of an order that does not hold. @template T @param {Promise<T>} reading @returns {Promise<T>} */
  async watch(reading) {
    try {
      return await reading;
    } catch (error) {
      if (error instanceof ProtocolError && error.reason === "wrong-order") this.#member.alarms.raise("wrong-order", this.#keeper.circle);
      throw error;
    }
  }

  /** Somebody looked into it. */
  forget() {
    return this.#places.forget();
  }
}

/** Every number an answer accounts for. Throws ProtocolError `wrong-order`. @param {Answer} answer */
export function numbersIn({ notes, others }) {
  const seqs = notes.map((note) => note.seq);
  if (!isAscending(seqs) || !isAscending(others)) throw new ProtocolError("wrong-order");
  return [...seqs, ...others].sort((one, other) => one - other);
}

/** Throws ProtocolError `wrong-order` where one stands before the version it replaces. @param {readonly Version[]} versions of any notes, from any answers */
export function checkReplaced(versions) {
  const good = versions.flatMap(({ seq, envelope, damaged }) => (envelope && damaged === null ? [{ seq, envelope }] : []));
  const seqs = new Map(good.map(({ seq, envelope }) => [envelope.digest, seq]));
  if (good.some(({ seq, envelope }) => (seqs.get(envelope.header.replaces ?? "") ?? 0) > seq)) throw new ProtocolError("wrong-order");
}

/** @param {readonly number[]} seqs */
const isAscending = (seqs) => seqs.every((seq, index) => index === 0 || seq > /** @type {number} */ (seqs[index - 1]));

/** Throws ProtocolError `wrong-order` unless the seqs follow each other from `first`. @param {readonly number[]} told @param {number} first */
export function checkOrder(told, first) {
  if (told.some((seq, index) => seq !== first + index)) throw new ProtocolError("wrong-order");
}
