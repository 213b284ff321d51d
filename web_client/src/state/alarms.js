/** What must not happen and did, for somebody to see (state/types.js, Alarm). Kept until it is dismissed. */
import { ProtocolError } from "../core/errors.js";
import { Refusal, Unreachable } from "../core/refusal.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types.js").Alarm} Alarm */

/** Reasons that people are told of as such. */
const TOLD = /** @type {const} */ (["fork", "rollback", "wrong-order"]);

/** What is wrong with this device and concerns nobody else; and keys, of which the server hears by the grant itself. */
const UNTOLD = new Set(["storage", "bug", "wrong-key"]);
/** Reasons that say what this device lacks, and not that something it was shown does not hold. */
const OWN = new Set(["key-missing", "cannot-open", "circle-closed"]);

export class Alarms {
  /** @type {Signal<readonly Alarm[]>} */
  list = new Signal(/** @type {readonly Alarm[]} */ ([]));
  #database;
  #now;
  #nameOf;
  #report;
  /** @type {Promise<import("./alarm-reports.js").AlarmReports> | null} */ #reports = null;
  /** @type {WeakSet<ProtocolError>} */ #heard = new WeakSet();

  /** @param {{ database: import("./database.js").Database, now: () => number, nameOf: (circle: string) => string | null, report: (error: unknown) => void }} parts `report`: for developers */
  constructor({ database, now, nameOf, report }) {
    this.#database = database;
    this.#now = now;
    this.#nameOf = nameOf;
    this.#report = report;
  }

  /** What was raised without a connection is reported now. @param {Pick<import("../core/transport.js").Transport, "call">} transport */
  connected(transport) {
    return this.#reported((reports) => reports.connected(transport));
  }

  /** Whatever becomes of a report, the alarm is shown. @param {(reports: import("./alarm-reports.js").AlarmReports) => Promise<void>} task */
  async #reported(task) {
    try {
      this.#reports ??= import("./alarm-reports.js").then(({ AlarmReports }) => new AlarmReports({ database: this.#database, report: this.#report }));
      await task(await this.#reports);
    } catch (error) {
      this.#reports = null;
      this.#report(error);
    }
  }

  /** Circles have no names yet: `name` gives them, once they are open. */
  async load() {
    this.list.value = (await this.#database.get("values", "alarms")) ?? [];
  }

  name() {
    this.list.value = this.list.value.map((alarm) => ({ ...alarm, circleName: alarm.circle === null ? null : this.#nameOf(alarm.circle) }));
  }

  /**
   * Shown here, and reported to the server, whose auditors hear of it.
   * @param {Alarm["kind"]} kind @param {string | null} [circle] @param {string | null} [person] the name of whose doing it is
   * @param {Partial<import("../core/wire.d.ts").ReportAlarm> | null} [report] what it is about; null: that was reported already
   */
  raise(kind, circle = null, person = null, report = {}) {
    if (report && !UNTOLD.has(kind)) void this.#reported((reports) => reports.add({ kind, circle, account: null, of: null, seq: null, ...report }));
    const id = `${kind} ${circle ?? ""}${person === null ? "" : ` ${person}`}`;
    if (this.list.value.some((alarm) => alarm.id === id)) return;
    const circleName = circle === null ? null : this.#nameOf(circle);
    void this.#keep([...this.list.value, { id, kind, circle, circleName, person, at: this.#now() }]);
  }

  /**
   * An error nobody waits for. Being offline is no fault, nor is a refusal that answers a fair question (one has left, the
   * server is busy: it is asked again when the connection is next opened); what broke the protocol and mistakes, ours or
   * the server's, are shown.
   * @param {unknown} error @param {string | null} [circle]
   */
  fault(error, circle = null) {
    const isFair = error instanceof Refusal && error.code !== "malformed" && error.code !== "internal";
    const isOver = error instanceof DOMException && error.name === "AbortError"; // the session ended meanwhile
    if (error instanceof Unreachable || isFair || isOver || this.#isHeard(error)) return;
    this.#report(error);
    if (error instanceof ProtocolError && !error.about.isOwn && !OWN.has(error.reason)) return this.#broken(error, circle);
    const isStorage = error instanceof DOMException && error.name === "QuotaExceededError";
    this.raise(isStorage ? "storage" : "bug", circle);
  }

  /** Whoever finds something out tells of it, and so may all whom it keeps from their work. @param {unknown} error */
  #isHeard(error) {
    const isHeard = error instanceof ProtocolError && this.#heard.has(error);
    if (error instanceof ProtocolError) this.#heard.add(error);
    return isHeard;
  }

  /** What the server showed does not hold. @param {ProtocolError} error @param {string | null} circle */
  #broken({ reason, about: { account, name = "", of = null, seq = null, isKnown = false } }, circle) {
    if (account !== undefined) return this.raise("account", null, name || account.slice(0, 8), { kind: reason, account, of, seq });
    this.raise(TOLD.find((kind) => kind === reason) ?? "refused", circle, null, isKnown ? null : { kind: reason, of, seq });
  }

  /** Somebody handed this device a key that opens nothing. @param {import("../core/errors.js").ProtocolError} error @param {string} circle @param {string} person */
  wrongKey(error, circle, person) {
    this.#report(error);
    this.raise("wrong-key", circle, person);
  }

  /** @param {string} id */
  async dismiss(id) {
    await this.#keep(this.list.value.filter((alarm) => alarm.id !== id));
  }

  /** @param {readonly Alarm[]} alarms */
  async #keep(alarms) {
    this.list.value = alarms;
    const nameless = alarms.map((alarm) => ({ ...alarm, circleName: null })); // a patient's name is not kept in clear
    try {
      await this.#database.write([{ store: "values", key: "alarms", put: nameless }]);
    } catch (error) {
      this.#report(error); // shown all the same, for as long as the page is open
    }
  }
}
