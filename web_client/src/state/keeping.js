/** Whether the browser promised to keep what this device needs (Storage Standard §5, "persistent"). */
import { acting } from "./failure.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types-keys.js").Keeping} KeepingView */

/** @implements {KeepingView} */
export class Keeping {
  state = /** @type {Signal<"kept" | "not-kept" | "unknown">} */ (new Signal("unknown"));
  #ground;

  /** @param {Pick<import("./browser.js").Ground, "persist" | "persisted">} ground */
  constructor(ground) {
    this.#ground = ground;
    void ground.persisted().then((is) => this.#show(is));
  }

  ask() {
    return acting(async () => this.#show(await this.#ground.persist()));
  }

  /** @param {boolean | undefined} is */
  #show(is) {
    this.state.value = is === undefined ? "unknown" : is ? "kept" : "not-kept";
  }
}
