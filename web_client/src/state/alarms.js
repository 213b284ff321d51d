/** What must not happen and did, for somebody to see (state/types.js, Alarm). Kept until it is dismissed. */
import { ProtocolError } from "../core/errors.js";
import { Refusal, Unreachable } from "../core/refusal.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types.js").Alarm} Alarm */

/** Reasons that people are told of as such. */
const TOLD = /** @type {const} */ (["fork", "rollback", "wrong-order"]);

export class Alarms {
  /** @type {Signal<readonly Alarm[]>} */
  list = new Signal(/** @type {readonly Alarm[]} */ ([]));
  #database;
  #now;
  #nameOf;
  #report;

  /** @param {{ database: import("./database.js").Database, now: () => number, nameOf: (circle: string) => string | null, report: (error: unknown) => void }} parts `report`: for developers */
  constructor({ database, now, nameOf, report }) {
    this.#database = database;
    this.#now = now;
    this.#nameOf = nameOf;
    this.#report = report;
  }

  /** Circles have no names yet: `name` gives them, once they are open. */
  async load() {
    this.list.value = (await this.#database.get("values", "alarms")) ?? [];
  }

  name() {
    this.list.value = this.list.value.map((alarm) => ({ ...alarm, circleName: alarm.circle === null ? null : this.#nameOf(alarm.circle) }));
  }

  /** @param {Alarm["kind"]} kind @param {string | null} [circle] @param {string | null} [person] the name of whose doing it is */
  raise(kind, circle = null, person = null) {
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
    if (error instanceof Unreachable || isFair || isOver) return;
    this.#report(error);
    const told = error instanceof ProtocolError ? TOLD.find((kind) => kind === error.reason) : undefined;
    if (told) return this.raise(told, circle);
    const isStorage = error instanceof DOMException && error.name === "QuotaExceededError";
    this.raise(isStorage ? "storage" : "bug", circle);
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
