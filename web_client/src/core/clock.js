/** The server's clock, as far as this device knows it: times are signed by it (docs/protocol.md §3, Login). */
export class Clock {
  #offset = 0;
  #now;

  /** @param {() => number} [now] this device's own clock, milliseconds since 1970 */
  constructor(now = Date.now) {
    this.#now = now;
  }

  /** @param {number} serverNow what the server's clock showed a moment ago */
  set(serverNow) {
    this.#offset = serverNow - this.#now();
  }

  /** How far this device's own clock is behind, in milliseconds. */
  get offset() {
    return this.#offset;
  }

  now() {
    return Math.round(this.#now() + this.#offset);
  }
}
