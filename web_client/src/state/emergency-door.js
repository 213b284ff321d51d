/** Emergency access: what state/types-emergency.js calls Emergency. What it takes is loaded when it is first needed. */
import { acting } from "./failure.js";
import { Soon } from "./lane.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types-emergency.js").Emergency} EmergencyDoorView */
/** @typedef {import("./types-emergency.js").EmergencyView} EmergencyView */
/** @typedef {import("./types-emergency.js").EscrowView} EscrowView */
/** @typedef {import("./world.js").World} World */

const parts = () => import("./emergency.js");

/** @implements {EmergencyDoorView} */
export class EmergencyDoor {
  list = new Signal(/** @type {readonly EmergencyView[]} */ ([]));
  escrows = new Signal(/** @type {ReadonlyMap<string, EscrowView>} */ (new Map()));
  #world;
  #reading;

  /** @param {World} world filled when a session starts */
  constructor(world) {
    this.#world = world;
    this.#reading = new Soon(() => this.#read(), (error) => world.member.alarms.fault(error));
  }

  /** The server told that something changed. */
  changed() {
    this.#reading.ask();
  }

  /** A connection stands: what this device owes as a guardian is done too. */
  async connected() {
    await this.#read();
    if ([...this.escrows.value.values()].some(({ mine }) => mine)) await (await parts()).catchUp(this.#world);
  }

  refresh() {
    return acting(() => this.#read());
  }

  async #read() {
    const { list, escrows } = await (await parts()).read(this.#world);
    this.escrows.value = escrows;
    this.list.value = list;
    await this.#remember();
  }

  /** Who is an escrow shows without a network too. */
  async #remember() {
    const { member, escrows } = this.#world;
    const known = new Set([...escrows.value, ...this.escrows.value.keys()]);
    if (known.size === escrows.value.size) return;
    await member.database.write([{ store: "values", key: "escrows", put: [...known] }]);
    escrows.value = known;
  }

  /** @param {import("./types-emergency.js").Card} card */
  look(card) {
    return acting(async () => (await parts()).look(this.#world.member, card));
  }

  /** @param {import("./types-emergency.js").EmergencyForm} form */
  ask(form) {
    return this.#doing((made) => made.ask(this.#world.member, form));
  }

  /** @param {string} id */
  withdraw(id) {
    return this.#doing(async () => {
      await this.#world.member.transport.call("emergency.withdraw", { id });
    });
  }

  /** @param {string} id @param {boolean} approved */
  answer(id, approved) {
    return this.#doing((made) => made.answer(this.#world.member, id, approved));
  }

  /** @param {string} id */
  finish(id) {
    return this.#doing((made) => made.finish(this.#world.member, id));
  }

  /** @param {import("./types-emergency.js").EscrowForm} form */
  make(form) {
    return this.#doing((made) => made.make(this.#world.member, form));
  }

  /** What came of it shows, though it failed half way. @template T @param {(made: Awaited<ReturnType<typeof parts>>) => Promise<T>} action */
  #doing(action) {
    return acting(async () => {
      try {
        return await action(await parts());
      } finally {
        this.changed();
      }
    });
  }
}
