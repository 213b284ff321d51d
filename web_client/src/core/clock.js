/**
 * The server's clock, as far as this device believes it: times are signed by it (docs/protocol.md §3, Login; §14). It is followed, but
 * never back by more than two minutes, in this run or since an earlier one; nor ahead where this device itself saw that less time
 * had passed. Where the two clocks are more than ten minutes apart, somebody is told.
 */

/** @typedef {{ server: number, wall: number, steady: number }} Moment the same moment by three clocks */

export const SKEW = 2 * 60_000;
export const TOLERANCE = 10 * 60_000;

export class Clock {
  #offset = 0;
  #wall;
  #steady;
  /** @type {Moment} */ #floor;
  /** @type {Moment | null} */ #heard = null;
  /** Whose clock was off when the server's was last heard. @type {"clock" | "server-clock" | null} */ fault = null;

  /**
   * @param {() => number} [wall] this device's own clock, milliseconds since 1970
   * @param {() => number} [steady] milliseconds since whenever; runs on, whatever the clock on the wall is set to
   */
  constructor(wall = Date.now, steady = () => performance.now()) {
    this.#wall = wall;
    this.#steady = steady;
    this.#floor = this.#moment(0);
  }

  /** Go by this from here on, whatever was before. @param {number} serverNow */
  set(serverNow) {
    this.#floor = this.#moment(serverNow);
    this.#offset = serverNow - this.#floor.wall;
    this.#heard = null;
  }

  /** What the server's clock showed in an earlier run. @param {number} before */
  reached(before) {
    if (before > this.floor) this.#floor = this.#moment(before);
  }

  /** What the server's clock shows; sets `fault`. @param {number} serverNow */
  heard(serverNow) {
    const told = this.#moment(serverNow);
    const right = this.#insteadOf(told);
    const taken = right ?? told.server;
    this.#offset = taken - told.wall;
    if (right === null) this.#heard = told;
    // no further than this device's clock bears out: a leap must not hold for good
    this.#floor = { ...told, server: Math.max(this.floor, Math.min(taken, told.wall + SKEW)) };
    const areApart = Math.abs(taken - told.wall) > TOLERANCE;
    this.fault = right === null ? (areApart ? "clock" : null) : "server-clock";
  }

  /** What it must be instead, where the server's clock went back or leapt; null: it is right. @param {Moment} told */
  #insteadOf(told) {
    const { floor } = this;
    if (told.server < floor - SKEW) return floor;
    const before = this.#heard;
    if (before === null) return null;
    const [walked, passed] = [told.wall - before.wall, told.steady - before.steady];
    const expected = before.server + Math.max(walked, passed);
    return walked >= passed - SKEW && told.server > expected + TOLERANCE ? expected : null;
  }

  /** @param {number} server @returns {Moment} */
  #moment(server) {
    return { server, wall: this.#wall(), steady: this.#steady() };
  }

  /** What the server's clock must have reached by now. */
  get floor() {
    return Math.round(this.#floor.server + this.#steady() - this.#floor.steady);
  }

  /** How far this device's own clock is behind, in milliseconds. */
  get offset() {
    return this.#offset;
  }

  now() {
    return Math.round(Math.max(this.#wall() + this.#offset, this.floor - SKEW));
  }
}
