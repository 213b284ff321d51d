/** Who has seen which note of one circle, person by person, for those somebody asked about. */
import { Signal } from "./signal.js";
import { newestGood, receiptRows } from "./timeline-view.js";

/** @typedef {import("./note-log.js").Version} Version */
/** @typedef {import("./timeline-view.js").Scene} Scene */
/** @typedef {import("./types.js").ReceiptMatrix} ReceiptMatrix */

export class ReceiptMatrices {
  #scene;
  #log;
  #book;
  /** @type {Map<string, Signal<ReceiptMatrix>>} by note */ #matrices = new Map();
  /** @type {Map<string, readonly Version[]>} all versions of these notes */ #recalled = new Map();

  /** @param {() => Scene} scene @param {{ log: import("./note-log.js").NoteLog, book: import("./receipts.js").ReceiptBook }} parts */
  constructor(scene, { log, book }) {
    this.#scene = scene;
    this.#log = log;
    this.#book = book;
  }

  /** What this device knows first; then all there is. @param {string} note @param {(error: unknown) => void} onFault @returns {Signal<ReceiptMatrix>} */
  of(note, onFault) {
    const known = this.#matrices.get(note);
    if (known) return known;
    const matrix = new Signal(this.#valueOf(note, false));
    this.#matrices.set(note, matrix);
    const finish = () => (matrix.value = this.#valueOf(note, true));
    Promise.all([this.#book.fetch(note), this.#recall(note)]).then(finish, (error) => {
      finish(); // what this device has
      onFault(error);
    });
    return matrix;
  }

  /** Something changed. */
  renew() {
    for (const [note, matrix] of this.#matrices) matrix.value = this.#valueOf(note, matrix.value.loaded);
  }

  /** Earlier versions that are not in memory: a receipt counts for the envelope it names. @param {string} note */
  async #recall(note) {
    if (this.#log.versions.has(note)) this.#recalled.set(note, await this.#log.history(note));
  }

  /** @param {string} note @param {boolean} loaded @returns {ReceiptMatrix} */
  #valueOf(note, loaded) {
    const scene = this.#scene();
    const shown = scene.versions.get(note) ?? [];
    const [first, version] = [shown[0]?.version ?? 1, newestGood(shown)];
    const versions = [...(this.#recalled.get(note) ?? []).filter((older) => older.version < first), ...shown];
    const author = version?.envelope?.header.account ?? scene.me;
    const audiences = scene.waiting.find(({ row }) => row.note === note)?.row.audiences;
    return { loaded, version: version?.version ?? 1, rows: receiptRows(scene, { note, versions, author, audiences }) };
  }
}
