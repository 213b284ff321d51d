/**
 * This device's secrets, in IndexedDB: the two seeds of its keys, the epoch keys and whatever is private on this device,
 * all under one AES-GCM key, the wrapper. The wrapper stands beside them as a CryptoKey that cannot be exported; or, on a
 * device with a lock, nowhere: then it comes back with the master secret, which a passkey or a code releases (lock.js).
 */
import { concat, randomBytes, utf8 } from "../core/bytes.js";
import { keysFromSeeds, keysOf } from "../core/device.js";
import { keyName } from "../core/epoch.js";
import { ProtocolError } from "../core/errors.js";
import { importSigningKey } from "../core/suite.js";
import { beginningWith } from "./database.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/device.js").DeviceKeys} DeviceKeys */
/** @typedef {{ nonce: Bytes, data: Bytes }} Protected */
/**
 * `wrapper` null: the device has a lock. `master`, under the wrapper itself, is what the wrapper is made of: it is there
 * for the day a lock is set.
 * @typedef {{ signPublic: Bytes, wrapper: CryptoKey | null, master: Protected, signSeed: Protected, kemSeed: Protected }} StoredKeys
 */
/** @typedef {{ account: string, device: string, origin: string, joinedAt: number }} Identity */
/** @typedef {import("./database.js").Write} Write */

const NONCE_SIZE = 12;
const SEED_SIZE = 32;

export class KeyStore {
  #database;
  /** @type {CryptoKey | null} */ #wrapper = null;

  /** @param {import("./database.js").Database} database */
  constructor(database) {
    this.#database = database;
  }

  /** Make keys for a new device; they are kept only when `keep` is called. @returns {Promise<{ keys: DeviceKeys, stored: StoredKeys }>} */
  async make() {
    const [master, signSeed, kemSeed] = [randomBytes(SEED_SIZE), randomBytes(SEED_SIZE), randomBytes(SEED_SIZE)];
    const wrapper = await wrapperOf(master);
    const keys = await keysFromSeeds(signSeed, kemSeed);
    const stored = {
      signPublic: keys.signPublic, wrapper, master: await protect(wrapper, master, "master"),
      signSeed: await protect(wrapper, signSeed, "sign"), kemSeed: await protect(wrapper, kemSeed, "kem"),
    };
    master.fill(0);
    signSeed.fill(0);
    return { keys, stored };
  }

  /** This device is theirs from now on: whatever it held before is gone in the same step. @param {StoredKeys} stored @param {Identity} identity */
  async keep(stored, identity) {
    await this.#database.startAnew([
      { store: "values", key: "keys", put: stored },
      { store: "values", key: "identity", put: identity },
    ]);
    this.#wrapper = stored.wrapper;
  }

  /** `locked`: what is here opens only with `unlock`. @returns {Promise<"none" | "locked" | "open">} `none`: a device without an account */
  async state() {
    const [stored, identity] = await this.#read();
    if (!stored || !identity) return "none";
    return stored.wrapper || this.#wrapper ? "open" : "locked";
  }

  /** Throws ProtocolError `cannot-open` for a wrong one. @param {Bytes} master 32 bytes: they are overwritten */
  async unlock(master) {
    const [stored] = await this.#read();
    const wrapper = await wrapperOf(master);
    master.fill(0);
    if (!stored) throw new ProtocolError("cannot-open");
    (await unprotect(wrapper, stored.kemSeed, "kem")).fill(0);
    this.#wrapper = wrapper;
  }

  /** What the wrapper is made of, for the one who sets a lock. @returns {Promise<Bytes>} 32 bytes, to be overwritten after use */
  async master() {
    const [stored] = await this.#read();
    return this.unprotect(/** @type {StoredKeys} */ (stored).master, "master");
  }

  /** What puts the wrapper away, or back in its place, for a transaction that writes more. @param {{ isLocked: boolean }} how @returns {Promise<Write[]>} */
  async lockWrites({ isLocked }) {
    const [stored] = await this.#read();
    return [{ store: "values", key: "keys", put: { ...stored, wrapper: isLocked ? null : this.#ready() } }];
  }

  /** @returns {Promise<{ keys: DeviceKeys, identity: Identity } | null>} null on a device without an account, and on one that is locked */
  async load() {
    const [stored, identity] = await this.#read();
    const wrapper = stored?.wrapper ?? this.#wrapper;
    if (!stored || !identity || !wrapper) return null;
    this.#wrapper = wrapper;
    return { keys: await this.keysOf({ ...stored, wrapper }), identity };
  }

  /** The signature key as one that cannot be exported. @param {StoredKeys} stored with its wrapper @returns {Promise<DeviceKeys>} */
  async keysOf({ signPublic, wrapper, signSeed, kemSeed: kept }) {
    if (!wrapper) throw new Error("this device is locked");
    const seed = await unprotect(wrapper, signSeed, "sign");
    const signingKey = await importSigningKey(seed);
    seed.fill(0);
    return keysOf(signingKey, { signPublic, kemSeed: await unprotect(wrapper, kept, "kem") });
  }

  /** @returns {Promise<[StoredKeys | undefined, Identity | undefined]>} */
  async #read() {
    return [await this.#database.get("values", "keys"), await this.#database.get("values", "identity")];
  }

  /** Encrypt for this device alone. @param {Uint8Array} data @param {string} purpose what it is; needed to read it again */
  async protect(data, purpose) {
    return protect(this.#ready(), data, purpose);
  }

  /** Throws ProtocolError `cannot-open`. @param {Protected} kept @param {string} purpose */
  async unprotect(kept, purpose) {
    return unprotect(this.#ready(), kept, purpose);
  }

  /** @param {string} circle @returns {Promise<Map<string, Bytes>>} by `keyName` */
  async epochKeys(circle) {
    const rows = await this.#database.all("epochs", beginningWith(circle));
    const keys = await Promise.all(rows.map((row) => this.unprotect(row.kept, epochPurpose(circle, row.audience, row.epoch))));
    return new Map(rows.map((row, index) => [keyName(row.audience, row.epoch), /** @type {Bytes} */ (keys[index])]));
  }

  /**
   * What writes these keys into the database, for a transaction that writes more.
   * @param {string} circle @param {readonly import("../core/grant.js").EpochKey[]} epochs
   * @returns {Promise<import("./database.js").Write[]>}
   */
  async epochWrites(circle, epochs) {
    return Promise.all(epochs.map(async ({ audience, epoch, key }) => {
      const kept = await this.protect(key, epochPurpose(circle, audience, epoch));
      return /** @type {const} */ ({ store: "epochs", put: { circle, audience, epoch, kept } });
    }));
  }

  #ready() {
    if (!this.#wrapper) throw new Error("this device has no keys yet");
    return this.#wrapper;
  }
}

/** @param {Bytes} master 32 bytes */
const wrapperOf = (master) => crypto.subtle.importKey("raw", master, "AES-GCM", false, ["encrypt", "decrypt"]);

/** @param {string} circle @param {string} audience @param {number} epoch */
const epochPurpose = (circle, audience, epoch) => `epoch ${circle} ${audience} ${epoch}`;

/** @param {string} purpose @param {Uint8Array} nonce */
const gcm = (purpose, nonce) => ({ name: "AES-GCM", iv: /** @type {Bytes} */ (nonce), additionalData: utf8(purpose) });

/** @param {CryptoKey} wrapper @param {Uint8Array} data @param {string} purpose what it is; needed to read it again @returns {Promise<Protected>} */
export async function protect(wrapper, data, purpose) {
  const nonce = randomBytes(NONCE_SIZE);
  return { nonce, data: new Uint8Array(await crypto.subtle.encrypt(gcm(purpose, nonce), wrapper, concat(data))) };
}

/** Throws ProtocolError `cannot-open`. @param {CryptoKey} wrapper @param {Protected} kept @param {string} purpose @returns {Promise<Bytes>} */
export async function unprotect(wrapper, { nonce, data }, purpose) {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(gcm(purpose, nonce), wrapper, data));
  } catch (error) {
    throw new ProtocolError("cannot-open", { cause: error });
  }
}
