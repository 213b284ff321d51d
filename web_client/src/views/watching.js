/** @import { ReactiveController, ReactiveControllerHost } from "lit" */
/** @import { Readable } from "../state/types.js" */

/**
 * Re-render an element whenever a signal changes, for as long as it is in the page.
 * @implements {ReactiveController}
 */
export class Watching {
  #host;
  #signals;
  /** @type {(() => void)[]} */ #stops = [];

  /**
   * @param {ReactiveControllerHost} host
   * @param {() => readonly Readable<any>[]} signals  asked when the element enters the page: its properties are set by then
   */
  constructor(host, signals) {
    this.#host = host;
    this.#signals = signals;
    host.addController(this);
  }

  /** @param {ReactiveControllerHost} host @param {() => readonly Readable<any>[]} signals */
  static on(host, signals) {
    return new Watching(host, signals);
  }

  hostConnected() {
    this.renew();
  }

  hostDisconnected() {
    this.#stop();
  }

  /** The signals are others now. */
  renew() {
    this.#stop();
    this.#stops = this.#signals().map((signal) => signal.watch(() => this.#host.requestUpdate()));
  }

  #stop() {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }
}
