/** Alarms on their way to the server, which notes each in the audit log; kept until it has (docs/protocol.md §12). */
import { Refusal, Unreachable } from "../core/refusal.js";
import { Lane } from "./lane.js";

/** @typedef {import("../core/wire.d.ts").ReportAlarm} ReportAlarm */
/** @typedef {ReportAlarm & { told: boolean }} Row */

const KEY = "alarm reports";
const MOST = 200;

export class AlarmReports {
  #database;
  #report;
  #lane = new Lane();
  /** @type {Pick<import("../core/transport.js").Transport, "call"> | null} */ #transport = null;

  /** @param {{ database: import("./database.js").Database, report: (error: unknown) => void }} parts `report`: for developers */
  constructor({ database, report }) {
    this.#database = database;
    this.#report = report;
  }

  /** From now on reports go this way; at once those that wait. @param {Pick<import("../core/transport.js").Transport, "call">} transport */
  async connected(transport) {
    this.#transport = transport;
    await this.#flush();
  }

  /** Each once, over restarts. @param {ReportAlarm} alarm */
  async add(alarm) {
    await this.#safely(() => this.#database.update("values", KEY, (/** @type {readonly Row[]} */ before = []) =>
      before.some((row) => isSame(row, alarm)) ? undefined : [...before, { ...alarm, told: false }].slice(-MOST)));
    await this.#flush();
  }

  async #flush() {
    await this.#lane.run(() => this.#safely(async () => {
      /** @type {readonly Row[]} */
      const rows = (await this.#database.get("values", KEY)) ?? [];
      for (const { told, ...alarm } of rows) if (!told && (await this.#isHeard(alarm))) await this.#mark(alarm);
    }));
  }

  /** A report that is refused for good is an entry of the log itself. @param {ReportAlarm} alarm */
  async #isHeard(alarm) {
    if (!this.#transport) return false;
    try {
      await this.#transport.call("alarm.report", alarm);
    } catch (error) {
      if (error instanceof Unreachable) return false;
      if (!(error instanceof Refusal)) throw error;
      return !error.passes;
    }
    return true;
  }

  /** @param {ReportAlarm} alarm */
  async #mark(alarm) {
    await this.#database.update("values", KEY, (/** @type {readonly Row[]} */ rows) => rows.map((row) => (isSame(row, alarm) ? { ...row, told: true } : row)));
  }

  /** The alarm is shown whatever becomes of its report. @param {() => Promise<void>} task */
  async #safely(task) {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) this.#report(error); // else the session is over
    }
  }
}

/** @param {ReportAlarm} one @param {ReportAlarm} other */
const isSame = (one, other) =>
  one.kind === other.kind && one.circle === other.circle && one.account === other.account && one.of === other.of && one.seq === other.seq;
