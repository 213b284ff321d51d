/** @import { ReactiveController, ReactiveControllerHost } from "lit" */

/**
 * Render an element again as time passes, for as long as it is in the page.
 * @implements {ReactiveController}
 */
export class Ticking {
  #host;
  #every;
  #timer = 0;

  /** @param {ReactiveControllerHost} host @param {number} every milliseconds */
  constructor(host, every) {
    this.#host = host;
    this.#every = every;
    host.addController(this);
  }

  /** @param {ReactiveControllerHost} host @param {number} every milliseconds */
  static on(host, every) {
    return new Ticking(host, every);
  }

  hostConnected() {
    this.#timer = globalThis.setInterval(() => this.#host.requestUpdate(), this.#every);
  }

  hostDisconnected() {
    clearInterval(this.#timer);
  }
}
