/**
 * The lock of this device. While one is set, nothing that is kept here opens by itself: each time the application is
 * opened, and after some minutes in which nobody did anything, a passkey or a code is needed. To lock is to start the
 * page anew: what was in memory is gone with it.
 */
import { ProtocolError } from "../core/errors.js";
import { acting, declined } from "./failure.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types-keys.js").Lock} LockView */
/** @typedef {import("./types-keys.js").LockState} LockState */
/** @typedef {import("./lock-keys.js").CodeWay} CodeWay */
/** @typedef {import("./lock-keys.js").PasskeyWay} PasskeyWay */
/** @typedef {{ minutes: number, code: CodeWay | null, passkey: PasskeyWay | null, tries: number, isExhausted: boolean }} Kept */
/**
 * @typedef {object} LockParts
 * @property {import("./database.js").Database} database
 * @property {import("./key-store.js").KeyStore} keyStore
 * @property {import("./passkeys.js").Passkeys} passkeys
 * @property {() => void} onLock the page is started anew, here and in other tabs
 * @property {() => void} onChanged other tabs hold keys under the lock that was: they start anew
 * @property {() => void} onDeclined
 * @property {() => Promise<void>} onUnlocked
 * @property {(listener: () => void) => void} onActivity tells when somebody does something
 */

const LOCK = "lock";
export const TRIES_MOST = 10;
const MINUTE = 60_000;
export const MINUTES = 5;
/** @type {Kept} */
const NONE = { minutes: MINUTES, code: null, passkey: null, tries: 0, isExhausted: false };

/** @implements {LockView} */
export class Lock {
  #parts;
  #lastActive = Date.now();
  #timer = /** @type {ReturnType<typeof setTimeout> | null} */ (null);
  state = new Signal(viewOf(NONE, { canPasskey: false }));

  /** @param {LockParts} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.onActivity(() => this.#active());
  }

  async load() {
    this.#publish((await this.#parts.database.get("values", LOCK)) ?? NONE);
  }

  /** The session is open: from now on its quiet counts. */
  watch() {
    this.#lastActive = Date.now();
    this.#look();
  }

  /** Throws Failure `refused-here` `bad-pin`, `weak-pin`. @param {string} code */
  setCode(code) {
    return this.#set(async (master, kept) => {
      const { codeWay } = await import("./lock-keys.js");
      return { ...kept, code: await codeWay(code, master), tries: 0, isExhausted: false };
    });
  }

  /** Throws Failure `refused-here` `no-prf`, `passkey-refused`. @param {string} name what the browser calls it in its list */
  setPasskey(name) {
    return this.#set(async (master, kept) => {
      const { newSalt, passkeyWay } = await import("./lock-keys.js");
      const salt = newSalt();
      const made = await this.#parts.passkeys.create({ salt, name });
      return { ...kept, passkey: await passkeyWay({ salt, ...made }, master), tries: 0, isExhausted: false };
    });
  }

  /** @param {number} minutes */
  setMinutes(minutes) {
    return acting(async () => {
      this.#publish(await this.#update((kept) => ({ ...kept, minutes })));
      this.#look();
      this.#parts.onChanged();
    });
  }

  /** No lock any more: the keys stand by themselves again. */
  remove() {
    return acting(async () => {
      const { database, keyStore, onChanged } = this.#parts;
      await database.write([...(await keyStore.lockWrites({ isLocked: false })), { store: "values", delete: LOCK }]);
      this.#publish(NONE);
      onChanged();
    });
  }

  /** Not now: it is not offered again. */
  decline() {
    return acting(async () => {
      await this.#parts.database.write([{ store: "values", key: "lock later", put: true }]);
      this.#parts.onDeclined();
    });
  }

  lockNow() {
    this.#parts.onLock();
  }

  /**
   * A try counts before it is made, so that no reload takes it back; after too many, the code opens nothing any more.
   * Throws Failure `refused-here` `wrong-pin`, `pin-exhausted`.
   * @param {string} code
   */
  unlockWithCode(code) {
    return acting(async () => {
      const way = await this.#try();
      const { openWithCode } = await import("./lock-keys.js");
      await this.#open(() => openWithCode(way, code), await this.#isLastTry() ? "pin-exhausted" : "wrong-pin");
    });
  }

  /** Throws Failure `refused-here` `passkey-refused`, `wrong-passkey`. */
  unlockWithPasskey() {
    return acting(async () => {
      const { passkey } = await this.#kept();
      if (!passkey) throw declined("wrong-passkey");
      const { openWithPasskey } = await import("./lock-keys.js");
      const output = await this.#parts.passkeys.ask(passkey);
      await this.#open(() => openWithPasskey(passkey, output), "wrong-passkey");
    });
  }

  /** @param {() => Promise<import("../core/bytes.js").Bytes>} release the master secret @param {"wrong-pin" | "pin-exhausted" | "wrong-passkey"} reason */
  async #open(release, reason) {
    try {
      await this.#parts.keyStore.unlock(await release());
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (reason === "pin-exhausted") this.#publish(await this.#update((kept) => ({ ...kept, code: null, isExhausted: true })));
      throw declined(reason);
    }
    this.#publish(await this.#update((kept) => ({ ...kept, tries: 0 })));
    await this.#parts.onUnlocked();
  }

  /** One try less. @returns {Promise<CodeWay>} */
  async #try() {
    const kept = await this.#update((before) => (before.tries < TRIES_MOST ? { ...before, tries: before.tries + 1 } : { ...before, code: null, isExhausted: true }));
    this.#publish(kept);
    if (!kept.code) throw declined("pin-exhausted");
    return kept.code;
  }

  async #isLastTry() {
    return (await this.#kept()).tries >= TRIES_MOST;
  }

  /** @param {(master: import("../core/bytes.js").Bytes, kept: Kept) => Promise<Kept>} make */
  #set(make) {
    return acting(async () => {
      const { database, keyStore, onChanged } = this.#parts;
      const master = await keyStore.master();
      try {
        const kept = await make(master, await this.#kept());
        await database.write([...(await keyStore.lockWrites({ isLocked: true })), { store: "values", key: LOCK, put: kept }]);
        this.#publish(kept);
      } finally {
        master.fill(0);
      }
      this.watch();
      onChanged();
    });
  }

  /** @returns {Promise<Kept>} */
  async #kept() {
    return (await this.#parts.database.get("values", LOCK)) ?? NONE;
  }

  /** @param {(kept: Kept) => Kept} change @returns {Promise<Kept>} with nobody in between, another tab included */
  async #update(change) {
    let after = NONE;
    await this.#parts.database.update("values", LOCK, (before) => (after = change(before ?? NONE)));
    return after;
  }

  /** @param {Kept} kept */
  #publish(kept) {
    this.state.value = viewOf(kept, { canPasskey: this.#parts.passkeys.isPossible() });
  }

  #active() {
    if (this.#isDue()) return this.lockNow(); // the first touch after a long sleep comes too late
    this.#lastActive = Date.now();
    return undefined;
  }

  #isDue() {
    return this.#timer !== null && Date.now() - this.#lastActive >= this.state.value.minutes * MINUTE;
  }

  /** Lock if it is time, or look again when it would be. */
  #look() {
    if (this.#isDue()) return this.lockNow();
    this.close();
    if (!this.state.value.isSet) return undefined;
    const left = this.#lastActive + this.state.value.minutes * MINUTE - Date.now();
    this.#timer = setTimeout(() => this.#look(), left);
    return undefined;
  }

  close() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** @param {Kept} kept @param {{ canPasskey: boolean }} browser @returns {LockState} */
function viewOf({ minutes, code, passkey, tries, isExhausted }, { canPasskey }) {
  return Object.freeze({
    isSet: code !== null || passkey !== null || isExhausted, hasCode: code !== null, hasPasskey: passkey !== null, canPasskey, minutes,
    triesLeft: TRIES_MOST - tries, isExhausted,
  });
}
