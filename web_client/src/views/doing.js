/** @import { ReactiveControllerHost } from "lit" */
/** @import { Failure } from "../state/types.js" */

/**
 * One action at a time for an element: whether it runs, and how it failed. The element is rendered again at each change.
 */
export class Doing {
  #host;
  busy = false;
  /** @type {Failure | null} */ failure = null;

  /** @param {ReactiveControllerHost} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * @param {() => Promise<unknown>} action
   * @returns {Promise<boolean>} did it succeed? False too while another runs.
   */
  async run(action) {
    if (this.busy) return false;
    this.#is(true, null);
    try {
      await action();
      this.#is(false, null);
      return true;
    } catch (error) {
      this.#is(false, asFailure(error));
      return false;
    }
  }

  clear() {
    this.#is(this.busy, null);
  }

  /** @param {boolean} busy @param {Failure | null} failure */
  #is(busy, failure) {
    this.busy = busy;
    this.failure = failure?.code === "aborted" ? null : failure;
    this.#host.requestUpdate();
  }
}

/**
 * What an action rejected with. Anything but a failure is our own mistake: it is reported, and shown as one.
 * @param {unknown} error
 * @returns {Failure}
 */
export function asFailure(error) {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return /** @type {Failure} */ (error);
  if (error instanceof Error && error.name === "AbortError") return made(error, "aborted");
  reportError(error);
  return made(error, "internal");
}

/** @param {unknown} cause @param {"aborted" | "internal"} code @returns {Failure} */
const made = (cause, code) => Object.assign(new Error(code, { cause }), { code, reason: null, facts: {} });
