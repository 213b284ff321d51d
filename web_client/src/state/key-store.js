/**
 * This device's secrets, in IndexedDB: the Ed25519 key as a non-extractable CryptoKey; the KEM seed, the epoch keys and
 * whatever is private on this device under a non-extractable AES-GCM key.
 */
import { concat, randomBytes, utf8 } from "../core/bytes.js";
import { keysOf } from "../core/device.js";
import { keyName } from "../core/epoch.js";
import { ProtocolError } from "../core/errors.js";
import { beginningWith } from "./database.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/device.js").DeviceKeys} DeviceKeys */
/** @typedef {{ nonce: Bytes, data: Bytes }} Protected */
/** @typedef {{ signingKey: CryptoKey, signPublic: Bytes, wrapper: CryptoKey, kemSeed: Protected }} StoredKeys */
/** @typedef {{ account: string, device: string, origin: string, joinedAt: number }} Identity */

const NONCE_SIZE = 12;

export class KeyStore {
  #database;
  /** @type {CryptoKey | null} */ #wrapper = null;

  /** @param {import("./database.js").Database} database */
  constructor(database) {
    this.#database = database;
  }

  /** Make keys for a new device; they are kept only when `keep` is called. @returns {Promise<{ keys: DeviceKeys, stored: StoredKeys }>} */
  async make() {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const wrapper = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const signPublic = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const kemSeed = randomBytes(32);
    const keys = await keysOf(pair.privateKey, { signPublic, kemSeed });
    const stored = { signingKey: pair.privateKey, signPublic, wrapper, kemSeed: await protect(wrapper, kemSeed, "kem") };
    return { keys, stored };
  }

  /** @param {StoredKeys} stored @param {Identity} identity */
  async keep(stored, identity) {
    await this.#database.write([
      { store: "values", key: "keys", put: stored },
      { store: "values", key: "identity", put: identity },
    ]);
    this.#wrapper = stored.wrapper;
  }

  /** @returns {Promise<{ keys: DeviceKeys, identity: Identity } | null>} null on a device without an account */
  async load() {
    const stored = /** @type {StoredKeys | undefined} */ (await this.#database.get("values", "keys"));
    const identity = /** @type {Identity | undefined} */ (await this.#database.get("values", "identity"));
    if (!stored || !identity) return null;
    this.#wrapper = stored.wrapper;
    return { keys: await this.keysOf(stored), identity };
  }

  /** @param {StoredKeys} stored @returns {Promise<DeviceKeys>} */
  async keysOf({ signingKey, signPublic, wrapper, kemSeed: kept }) {
    return keysOf(signingKey, { signPublic, kemSeed: await unprotect(wrapper, kept, "kem") });
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

/** @param {string} circle @param {string} audience @param {number} epoch */
const epochPurpose = (circle, audience, epoch) => `epoch ${circle} ${audience} ${epoch}`;

/** @param {string} purpose @param {Uint8Array} nonce */
const gcm = (purpose, nonce) => ({ name: "AES-GCM", iv: /** @type {Bytes} */ (nonce), additionalData: utf8(purpose) });

/** @param {CryptoKey} wrapper @param {Uint8Array} data @param {string} purpose @returns {Promise<Protected>} */
async function protect(wrapper, data, purpose) {
  const nonce = randomBytes(NONCE_SIZE);
  return { nonce, data: new Uint8Array(await crypto.subtle.encrypt(gcm(purpose, nonce), wrapper, concat(data))) };
}

/** @param {CryptoKey} wrapper @param {Protected} kept @param {string} purpose @returns {Promise<Bytes>} */
async function unprotect(wrapper, { nonce, data }, purpose) {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(gcm(purpose, nonce), wrapper, data));
  } catch (error) {
    throw new ProtocolError("cannot-open", { cause: error });
  }
}
