/** @import { ReactiveController, ReactiveControllerHost } from "lit" */

const GRACE = 8_000; // milliseconds to think again

/**
 * Notes whose author said "withdraw" a moment ago. It happens when the grace is over, or at once when the page is
 * left: it was confirmed.
 * @implements {ReactiveController}
 */
export class Withdrawing {
  #host;
  #withdraw;
  /** @type {Map<string, { reason: string, timer: number }>} */ #waiting = new Map();
  /** @type {ReadonlyMap<string, number>} When each will be withdrawn. */ notes = new Map();

  /**
   * @param {ReactiveControllerHost} host
   * @param {(note: string, reason: string) => void} withdraw
   */
  constructor(host, withdraw) {
    this.#host = host;
    this.#withdraw = withdraw;
    host.addController(this);
  }

  hostConnected() {
    addEventListener("pagehide", this.#now);
  }

  hostDisconnected() {
    removeEventListener("pagehide", this.#now);
    this.#now();
  }

  /** @param {string} note @param {string} reason */
  start(note, reason) {
    this.#waiting.set(note, { reason, timer: globalThis.setTimeout(() => this.#finish(note), GRACE) });
    this.notes = new Map(this.notes).set(note, Date.now() + GRACE);
    this.#host.requestUpdate();
  }

  /** Not after all. @param {string} note */
  keep(note) {
    clearTimeout(this.#waiting.get(note)?.timer);
    this.#waiting.delete(note);
    this.notes = new Map([...this.notes].filter(([other]) => other !== note));
    this.#host.requestUpdate();
  }

  /** @param {string} note */
  #finish(note) {
    const waiting = this.#waiting.get(note);
    this.keep(note);
    if (waiting) this.#withdraw(note, waiting.reason);
  }

  #now = () => {
    for (const note of Array.from(this.#waiting.keys())) this.#finish(note);
  };
}
