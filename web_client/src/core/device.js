/** Devices: a pair of key pairs with one id (docs/protocol.md §3). */
import { concat, toHex } from "./bytes.js";
import { bytes, choice, narrowed, structure, text } from "./structure.js";
import { importSigningKey, isKemPublic, kemPublic, KEM_PUBLIC_SIZE, sha256, signPublic, signWith } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {"interactive" | "recovery" | "bot"} DeviceKind */
/** @typedef {{ readonly id: string, readonly sign: Bytes, readonly kem: Bytes, readonly kind: DeviceKind, readonly label: string }} Device public keys */
/**
 * A device's keys: `sign` signs with its Ed25519 key (which may be non-extractable), `kemSeed` opens what is sealed to it.
 * @typedef {{ readonly id: string, readonly signPublic: Bytes, readonly kemPublic: Bytes, readonly kemSeed: Bytes,
 *   sign: (data: Uint8Array) => Promise<Bytes> }} DeviceKeys
 */

const SEED_SIZE = 32;

/** An X-Wing public key one can seal to. */
export const kemPublicKey = narrowed(bytes(KEM_PUBLIC_SIZE), isKemPublic);

export const DEVICE = structure({
  sign: bytes(32), kem: kemPublicKey,
  kind: choice(/** @type {const} */ (["interactive", "recovery", "bot"])), label: text(80),
});

/** 32 hex digits. @param {Uint8Array} sign @param {Uint8Array} kem public keys */
export async function deviceId(sign, kem) {
  return toHex((await sha256(concat(sign, kem))).subarray(0, 16));
}

/** A device as CBOR has it, with its id. @param {import("./structure.js").ValueOf<typeof DEVICE>} fields @returns {Promise<Device>} */
export async function identified(fields) {
  return { id: await deviceId(fields.sign, fields.kem), ...fields };
}

/** Without its id, as CBOR has it. @param {Device} device */
export function asFields({ sign, kem, kind, label }) {
  return { sign, kem, kind, label };
}

/** @param {DeviceKeys} keys @param {DeviceKind} kind @param {string} label @returns {Device} */
export function deviceOf(keys, kind, label) {
  return { id: keys.id, sign: keys.signPublic, kem: keys.kemPublic, kind, label };
}

/** @param {CryptoKey} signingKey @param {{ signPublic: Bytes, kemSeed: Bytes }} parts @returns {Promise<DeviceKeys>} */
export async function keysOf(signingKey, { signPublic: publicKey, kemSeed }) {
  const kem = await kemPublic(kemSeed);
  return {
    id: await deviceId(publicKey, kem), signPublic: publicKey, kemPublic: kem, kemSeed,
    sign: (data) => signWith(signingKey, data),
  };
}

/** @param {Uint8Array} signSeed @param {Uint8Array} kemSeed 32 bytes each */
export async function keysFromSeeds(signSeed, kemSeed) {
  return keysOf(await importSigningKey(signSeed), { signPublic: await signPublic(signSeed), kemSeed: new Uint8Array(kemSeed) });
}

/** @param {Uint8Array} random 64 bytes: the signature seed, then the KEM seed */
export async function keysFromRandom(random) {
  return keysFromSeeds(random.slice(0, SEED_SIZE), random.slice(SEED_SIZE, 2 * SEED_SIZE));
}
