/** Every circle this device knows: its ledger, its notes, its receipts; made once, when first asked for. */
import { CircleKeeper } from "./circle-keeper.js";
import { NoteLog } from "./note-log.js";
import { ReceiptBook } from "./receipts.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./note-log.js").Version} Version */
/** @typedef {{ keeper: CircleKeeper, log: NoteLog }} Parts */

export class CircleBook {
  #member;
  #sender;
  #acknowledged;
  /** @type {Map<string, Parts>} */ #circles = new Map();
  /** @type {Map<string, { book: ReceiptBook, ready: Promise<void> }>} those that are open */ #receipts = new Map();

  /** @param {Member} member @param {{ sender: import("./receipts.js").ReceiptSender, acknowledged: import("./acknowledged.js").Acknowledged }} parts */
  constructor(member, { sender, acknowledged }) {
    this.#member = member;
    this.#sender = sender;
    this.#acknowledged = acknowledged;
  }

  /** @returns {readonly string[]} */
  get known() {
    return [...this.#circles.keys()];
  }

  /** @param {string} circle */
  keeper(circle) {
    return this.#parts(circle).keeper;
  }

  /** @param {string} circle */
  log(circle) {
    return this.#parts(circle).log;
  }

  /** @param {string} circle */
  receipts(circle) {
    let known = this.#receipts.get(circle);
    if (!known) {
      const book = new ReceiptBook(this.#member, this.keeper(circle));
      known = { book, ready: this.#sender.promised(circle).then((promised) => book.load(promised)) };
      this.#receipts.set(circle, known);
    }
    return known;
  }

  /** The receipts of a circle, if they are in memory. @param {string} circle */
  openReceipts(circle) {
    return this.#receipts.get(circle)?.book ?? null;
  }

  /** Nothing was told for a while: everything may have changed. */
  expire() {
    for (const { keeper } of this.#circles.values()) keeper.expire();
  }

  /** @param {string} circle @returns {Parts} */
  #parts(circle) {
    let parts = this.#circles.get(circle);
    if (!parts) {
      const keeper = new CircleKeeper(this.#member, circle);
      parts = { keeper, log: new NoteLog(this.#member, keeper, { acknowledged: this.#acknowledged, onArrived: (versions) => void this.#arrived(circle, versions) }) };
      this.#circles.set(circle, parts);
    }
    return parts;
  }

  /**
   * This device stored them: it says so of what others wrote since it came into the account (of what is older, the
   * account's other devices have).
   * @param {string} circle @param {readonly Version[]} versions
   */
  async #arrived(circle, versions) {
    const { account, joinedAt } = this.#member;
    const fresh = versions.filter((version) => version.envelope?.header.account !== account && version.at >= joinedAt);
    try {
      await this.#sender.promise(fresh.map(({ note, version, envelope }) =>
        ({ circle, note, version, envelope: envelope?.digest ?? "", kind: /** @type {const} */ ("stored") })));
    } catch (error) {
      this.#member.alarms.fault(error, circle);
    }
  }
}
