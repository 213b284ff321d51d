/**
 * What the server said it stores, kept until this device has read it there (docs/protocol.md §14). A server that answers and then
 * drops a note, hides it or gives its number to another is found out when the circle is next read past that number: the text is
 * still here, and can be sent again. The rows are those of the outbox, with the number the server named.
 */
import { digest } from "../core/cose.js";
import { audiencesOf } from "../core/ledger.js";

/** @typedef {import("./outbox.js").Row} Row */
/** @typedef {import("../core/ledger-state.js").Member} Reader */
/** @typedef {{ circle: string, answer: import("../core/wire.d.ts").Notes, first: number, reader: Reader | undefined }} Account what an answer accounts for, from `first` on */

const MOST = 100; // of one circle; an author who writes more and never reads keeps the newest

/** Is it acknowledged, and not found missing? @param {Row} row */
export const isAcknowledged = (row) => row.seq !== undefined && !row.lost;

export class Acknowledged {
  #database;
  /** A version does not stand where the server said. @type {(row: Row) => Promise<void>} */ onLost = async () => {};

  /** @param {import("./database.js").Database} database */
  constructor(database) {
    this.#database = database;
  }

  /** Oldest first. @param {string} circle @returns {Promise<Row[]>} */
  async of(circle) {
    const rows = /** @type {Row[]} */ (await this.#database.all("outbox"));
    return rows.filter((row) => row.circle === circle && isAcknowledged(row)).sort((one, other) => one.order - other.order);
  }

  /** What is kept of one that was just acknowledged; the oldest beyond the bound go. @param {Row} row @param {number} seq @returns {Promise<import("./database.js").Write[]>} */
  async writes(row, seq) {
    const older = (await this.of(row.circle)).filter((one) => one.note !== row.note || one.version !== row.version);
    const gone = older.slice(0, Math.max(0, older.length + 1 - MOST));
    return [...gone.map(removal), { store: "outbox", put: { ...row, seq, lost: false } }];
  }

  /** The lowest number not read yet; Infinity: none. @param {string} circle */
  async first(circle) {
    return Math.min(Infinity, ...(await this.of(circle)).map((row) => row.seq ?? Infinity));
  }

  /** Compare with an answer: what stands where it was said to is let go. @param {Account} told @returns {Promise<Row[]>} what does not, for `lose` */
  async judge(told) {
    const rows = await this.of(told.circle);
    if (rows.length === 0 || !told.reader) return [];
    const numbers = [...told.answer.notes.map((note) => note.seq), ...told.answer.others];
    const stored = new Map(told.answer.notes.map((note) => [note.seq, note.envelope]));
    const missing = [];
    for (const row of rows) {
      const found = await stands(row, { ...told, stored, reached: Math.max(told.first - 1, ...numbers) });
      if (found === false) missing.push(row);
      if (found) await this.#database.write([removal(row)]);
    }
    return missing;
  }

  /** Keep a version as lost. @param {Row} row */
  async lose(row) {
    await this.#database.write([{ store: "outbox", put: { ...row, lost: true } }]);
    await this.onLost({ ...row, lost: true });
  }
}

/**
 * Does the answer show it at its number? Null: it does not say, or it is not for this reader to know.
 * @param {Row} row @param {Account & { stored: ReadonlyMap<number, import("../core/bytes.js").Bytes>, reached: number }} told
 */
async function stands(row, { answer, first, reader, stored, reached }) {
  const seq = /** @type {number} */ (row.seq);
  const shown = stored.get(seq);
  if (shown) return (await digest(shown)) === (await digest(/** @type {import("../core/bytes.js").Bytes} */ (row.envelope)));
  if (!isFor(row, /** @type {Reader} */ (reader))) return seq > reached ? null : true;
  const isPast = first <= seq && seq <= reached;
  return isPast || seq > answer.last_seq ? false : null;
}

/** A lead may write for audiences it is not in, and somebody may have left one since. @param {Row} row @param {Reader} reader */
const isFor = (row, reader) => reader.history <= row.at && row.audiences.some((name) => audiencesOf(reader).includes(name));

/** @param {Row} row @returns {import("./database.js").Write} */
const removal = (row) => ({ store: "outbox", delete: [row.note, row.version] });
