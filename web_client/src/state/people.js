/** The people whose safety number was compared on this device (docs/protocol.md §10). */
import { grouped, half, isSameNumber, number, qrText, read } from "../core/safety.js";
import { Unreachable } from "../core/refusal.js";
import { acting } from "./failure.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types-keys.js").People} PeopleView */
/** @typedef {import("./types-keys.js").Mark} Mark */
/** @typedef {import("../core/account.js").AccountState} AccountState */
/** @typedef {import("./world.js").World} World */
/** What was compared: the other's half, the head of their chain. @typedef {{ half: string, head: string, at: number }} Compared */

const COMPARED = "compared";

/** @implements {PeopleView} */
export class People {
  marks = new Signal(/** @type {ReadonlyMap<string, { mark: Mark, at: number }>} */ (new Map()));
  #world;

  /** @param {World} world filled when a session starts */
  constructor(world) {
    this.#world = world;
  }

  /** What was compared, held against the chains as they are now, or as this device last saw them. */
  refresh() {
    return acting(async () => {
      const compared = await this.#compared();
      const states = await this.#newest([...compared.keys()]);
      const marks = await Promise.all([...states].map(async ([account, state]) => {
        const { half: before, at } = /** @type {Compared} */ (compared.get(account));
        const isSame = (await half(state)) === before;
        return /** @type {const} */ ([account, { mark: isSame ? /** @type {const} */ ("verified") : /** @type {const} */ ("changed"), at }]);
      }));
      this.marks.value = new Map(marks);
    });
  }

  /** Somebody's devices may have changed. @param {string} account */
  async changed(account) {
    if (this.marks.value.has(account)) await this.refresh();
  }

  /** @param {string} account */
  safety(account) {
    return acting(async () => {
      const { mine, other } = await this.#both(account);
      const digits = await number(mine, other);
      return Object.freeze({ ...other.profile, groups: grouped(digits), qr: qrText(digits) });
    });
  }

  /** @param {string} account @param {string} text */
  compare(account, text) {
    return acting(async () => {
      const { mine, other } = await this.#both(account);
      const isSame = isSameNumber(read(text), await number(mine, other));
      if (isSame) await this.#keep(other);
      return isSame;
    });
  }

  /** @param {string} account */
  confirm(account) {
    return acting(async () => this.#keep((await this.#both(account)).other));
  }

  /** @param {string} account */
  forget(account) {
    return acting(async () => {
      await this.#change((compared) => compared.delete(account));
      await this.refresh();
    });
  }

  /** @param {AccountState} state */
  async #keep(state) {
    const kept = { half: await half(state), head: state.head, at: this.#world.member.clock.now() };
    await this.#change((compared) => compared.set(state.account, kept));
    await this.refresh();
  }

  /** As the server has them now: an old chain would give an old number. @param {string} account */
  async #both(account) {
    const { member } = this.#world;
    const states = await member.accounts.get([member.account, account], { isFresh: true });
    return { mine: /** @type {AccountState} */ (states.get(member.account)), other: /** @type {AccountState} */ (states.get(account)) };
  }

  /** @param {readonly string[]} accounts */
  async #newest(accounts) {
    const book = this.#world.member.accounts;
    try {
      return await book.get(accounts);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      return book.having(accounts);
    }
  }

  /** @returns {Promise<Map<string, Compared>>} */
  async #compared() {
    return (await this.#world.member.database.get("values", COMPARED)) ?? new Map();
  }

  /** @param {(compared: Map<string, Compared>) => unknown} change */
  async #change(change) {
    await this.#world.member.database.update("values", COMPARED, (before) => {
      const after = new Map(before);
      change(after);
      return after;
    });
  }
}
