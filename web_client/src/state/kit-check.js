/**
 * The rehearsal of the recovery kit: is the sheet still there? Asked for the kit's third word, first a week after the kit
 * was made on this device, then ever more rarely. What is kept to tell it is a slow hash of that one word.
 */
import { isSame, randomBytes } from "../core/bytes.js";
import { plainWord } from "../core/kit.js";
import { acting, declined } from "./failure.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types-keys.js").KitCheck} KitCheckView */
/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("./world.js").World} World */
/** `device`: the kit it is about. @typedef {{ device: string, salt: Bytes, rounds: number, hash: Bytes, interval: number, askAt: number }} Kept */

const KIT_CHECK = "kit check";
const DAY = 86_400_000;
export const FIRST = 7 * DAY;
export const LONGEST = 182 * DAY;
const ROUNDS = 600_000;
const SALT_SIZE = 32;
const ASKED_FOR = 2; // the third

/** @implements {KitCheckView} */
export class KitCheck {
  isPossible = new Signal(false);
  #world;
  #onChanged;
  /** @type {Kept | null} */ #kept = null;

  /** @param {World} world filled when a session starts @param {() => void} onChanged */
  constructor(world, onChanged) {
    this.#world = world;
    this.#onChanged = onChanged;
  }

  async load() {
    this.#kept = (await this.#world.member.database.get("values", KIT_CHECK)) ?? null;
    this.isPossible.value = this.#isOfKitInForce();
  }

  /** Is it time to ask? */
  get isDue() {
    return this.#kept !== null && this.#isOfKitInForce() && this.#world.member.clock.now() >= this.#kept.askAt;
  }

  /** A kit was made here. @param {string} device @param {readonly string[]} words */
  async remember(device, words) {
    const { slowly } = await import("./lock-keys.js");
    const slow = { salt: randomBytes(SALT_SIZE), rounds: ROUNDS };
    const hash = await slowly(plainWord(words[ASKED_FOR] ?? ""), slow);
    await this.#keep({ device, ...slow, hash, interval: FIRST, askAt: this.#world.member.clock.now() + FIRST });
  }

  /** Throws Failure `refused-here` `no-kit-here`. @param {string} word */
  check(word) {
    return acting(async () => {
      const kept = this.#kept;
      if (!kept || !this.#isOfKitInForce()) throw declined("no-kit-here");
      const { slowly } = await import("./lock-keys.js");
      const isRight = isSame(await slowly(plainWord(word.trim()), kept), kept.hash);
      if (isRight) await this.#askAgain(kept, Math.min(2 * kept.interval, LONGEST));
      return isRight;
    });
  }

  postpone() {
    return acting(async () => {
      if (this.#kept) await this.#keep({ ...this.#kept, askAt: this.#world.member.clock.now() + DAY });
    });
  }

  /** @param {Kept} kept @param {number} interval */
  async #askAgain(kept, interval) {
    await this.#keep({ ...kept, interval, askAt: this.#world.member.clock.now() + interval });
  }

  /** @param {Kept} kept */
  async #keep(kept) {
    await this.#world.member.database.write([{ store: "values", key: KIT_CHECK, put: kept }]);
    this.#kept = kept;
    this.isPossible.value = this.#isOfKitInForce();
    this.#onChanged();
  }

  /** A kit that was revoked is nobody's concern. */
  #isOfKitInForce() {
    const { accounts, account } = this.#world.member;
    const record = this.#kept && accounts.known.get(account)?.devices.get(this.#kept.device);
    return Boolean(record && record.revokedAt === null);
  }
}
