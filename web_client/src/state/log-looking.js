/** When to compare what is shown with the audit log: a while after something changed, and again while something is missing. */
import { ProtocolError } from "../core/errors.js";

/** @typedef {import("./types.js").LogCheck} LogCheck */
/** @typedef {{ member: import("./member.js").Member, book: import("./circle-book.js").CircleBook }} Shown */

const SOON = 3_000; // an entry has its place in the log within a second
const AGAIN = 30_000;

export class LogLooking {
  #shown;
  #tell;
  #fault;
  #timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #isLooking = false;
  #isOver = false;

  /** @param {Shown} shown @param {{ onChecked: (check: LogCheck) => void, onFault: (error: unknown) => void }} hooks */
  constructor(shown, { onChecked, onFault }) {
    this.#shown = shown;
    this.#tell = onChecked;
    this.#fault = onFault;
  }

  /** Something that is shown has changed. */
  soon() {
    this.#in(SOON);
  }

  close() {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** @param {number} pause milliseconds */
  #in(pause) {
    clearTimeout(this.#timer);
    if (!this.#isOver) this.#timer = setTimeout(() => void this.#look(), pause);
  }

  async #look() {
    if (this.#isLooking) return this.#in(SOON);
    this.#isLooking = true;
    try {
      const { LogWatch } = await import("./log-watch.js");
      if (!(await this.#checked(new LogWatch(this.#shown.member, this.#shown.book)))) this.#in(AGAIN);
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#fault(error); // that is an alarm already
      this.#in(AGAIN);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Is all compared? What is known of it by now is shown, also when the check breaks off. @param {import("./log-watch.js").LogWatch} watch */
  async #checked(watch) {
    try {
      return await watch.check();
    } finally {
      this.#tell(await watch.state());
    }
  }
}
