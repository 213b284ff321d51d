/**
 * Suite 1's primitives (docs/protocol.md §2): HKDF-SHA256, SHA-256, AES-256-GCM and Ed25519 by WebCrypto,
 * HPKE with X-Wing by @hpke, loaded when it is first used.
 */
import { concat, fromBase64url, toHex } from "./bytes.js";
import { encode } from "./cbor.js";
import { ProtocolError } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cbor.js").CborValue} CborValue */

export const KEY_SIZE = 32;
export const NONCE_SIZE = 12;
export const KEM_PUBLIC_SIZE = 1216;
const MLKEM_PUBLIC_SIZE = 1184;
const MLKEM_COEFFICIENTS_SIZE = 1152; // the seed ρ follows
const MLKEM_Q = 3329;
const ENC_SIZE = 1120;
const TAG_SIZE = 16;
const PKCS8_ED25519 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20); // RFC 8410 §7

/** The points of Curve25519 whose order divides 8, and their encodings beyond the field. */
const LOW_ORDER = new Set([
  "00".repeat(32), `01${"00".repeat(31)}`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  `ec${"ff".repeat(30)}7f`, `ed${"ff".repeat(30)}7f`, `ee${"ff".repeat(30)}7f`,
]);

const sealing = () => import("./hpke.js");

/** @param {Uint8Array} data @returns {Promise<Bytes>} */
export async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {Bytes} */ (data)));
}

/** @param {Uint8Array} data @returns {Promise<string>} 64 hex digits */
export async function sha256Hex(data) {
  return toHex(await sha256(data));
}

/**
 * RFC 5869, salt empty.
 * @param {Uint8Array} key @param {readonly CborValue[]} info the label first @param {number} [length] bytes
 * @returns {Promise<Bytes>}
 */
export async function hkdf(key, info, length = KEY_SIZE) {
  const base = await baseOf(key);
  const derive = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: encode(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(derive, base, 8 * length));
}

/** @type {WeakMap<Uint8Array, Promise<CryptoKey>>} an epoch's key wraps many notes; nobody derives from one after it was overwritten */
const bases = new WeakMap();

/** @param {Uint8Array} key */
function baseOf(key) {
  const known = bases.get(key);
  if (known) return known;
  const imported = crypto.subtle.importKey("raw", /** @type {Bytes} */ (key), "HKDF", false, ["deriveBits"]);
  bases.set(key, imported);
  return imported;
}

/** @param {Uint8Array} key @param {Uint8Array} data @returns {Promise<Bytes>} 32 */
export async function hmac(key, data) {
  const hash = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", /** @type {Bytes} */ (key), hash, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, /** @type {Bytes} */ (data)));
}

/** @typedef {{ key: Uint8Array, nonce: Uint8Array, aad: Uint8Array }} AesParameters key 32 bytes, nonce 12, never twice with one key */

/** AES-256-GCM: ciphertext and its tag of 16 bytes. @param {Uint8Array} plaintext @param {AesParameters} parameters @returns {Promise<Bytes>} */
export async function encrypt(plaintext, { key, nonce, aad }) {
  const cipher = await crypto.subtle.importKey("raw", /** @type {Bytes} */ (key), "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt(gcm(nonce, aad), cipher, /** @type {Bytes} */ (plaintext)));
}

/** Throws ProtocolError `cannot-open`. @param {Uint8Array} ciphertext @param {AesParameters} parameters @returns {Promise<Bytes>} */
export async function decrypt(ciphertext, { key, nonce, aad }) {
  if (ciphertext.length < TAG_SIZE || nonce.length !== NONCE_SIZE) throw new ProtocolError("cannot-open");
  const cipher = await crypto.subtle.importKey("raw", /** @type {Bytes} */ (key), "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(gcm(nonce, aad), cipher, /** @type {Bytes} */ (ciphertext)));
  } catch (error) {
    throw new ProtocolError("cannot-open", { cause: error });
  }
}

/** @param {Uint8Array} nonce @param {Uint8Array} aad */
function gcm(nonce, aad) {
  return { name: "AES-GCM", iv: /** @type {Bytes} */ (nonce), additionalData: /** @type {Bytes} */ (aad), tagLength: 128 };
}

/** Seal to an X-Wing key. Throws ProtocolError `wrong-type` for a key nobody can seal to.
 * @param {Uint8Array} publicKey 1,216 bytes @param {Uint8Array} plaintext @param {readonly CborValue[]} info
 * @returns {Promise<Bytes>} enc ‖ ct
 */
export async function sealTo(publicKey, plaintext, info) {
  const { hpke } = await sealing();
  const recipientPublicKey = await importPublic(publicKey);
  const sealed = await hpke.seal({ recipientPublicKey, info: encode(info) }, new Uint8Array(plaintext));
  return concat(new Uint8Array(sealed.enc), new Uint8Array(sealed.ct));
}

/** Throws ProtocolError `cannot-open`.
 * @param {Uint8Array} seed 32 bytes @param {Uint8Array} sealed @param {readonly CborValue[]} info
 * @returns {Promise<Bytes>}
 */
export async function openSealed(seed, sealed, info) {
  if (sealed.length < ENC_SIZE + TAG_SIZE) throw new ProtocolError("cannot-open");
  const [enc, ciphertext] = [sealed.slice(0, ENC_SIZE), sealed.slice(ENC_SIZE)];
  const { hpke, kem } = await sealing();
  const recipientKey = await kem.importKey("raw", new Uint8Array(seed).buffer, false);
  try {
    const opened = await hpke.open({ recipientKey, enc, info: encode(info) }, ciphertext);
    return new Uint8Array(opened);
  } catch (error) {
    throw new ProtocolError("cannot-open", { cause: error });
  }
}

/** @param {Uint8Array} publicKey */
async function importPublic(publicKey) {
  if (!isKemPublic(publicKey)) throw new ProtocolError("wrong-type");
  const { kem } = await sealing();
  return kem.importKey("raw", new Uint8Array(publicKey).buffer, true);
}

/**
 * Whether anybody can seal to this X-Wing key: every ML-KEM coefficient is below q (FIPS 203 §7.2), the X25519 point
 * is not of low order. A member with another key could stop everybody from granting.
 * @param {Uint8Array} publicKey
 */
export function isKemPublic(publicKey) {
  if (publicKey.length !== KEM_PUBLIC_SIZE) return false;
  for (let i = 0; i < MLKEM_COEFFICIENTS_SIZE; i += 3) {
    const [low, middle, high] = /** @type {[number, number, number]} */ (/** @type {unknown} */ (publicKey.subarray(i, i + 3)));
    if ((low | (middle & 15) << 8) >= MLKEM_Q || (middle >> 4 | high << 4) >= MLKEM_Q) return false;
  }
  const point = publicKey.slice(MLKEM_PUBLIC_SIZE);
  point[31] = /** @type {number} */ (point[31]) & 0x7f; // RFC 7748 §5: the last bit is not part of it
  return !LOW_ORDER.has(toHex(point));
}

/** The X-Wing public key of a seed. @param {Uint8Array} seed 32 bytes @returns {Promise<Bytes>} 1,216 */
export async function kemPublic(seed) {
  const { kem } = await sealing();
  const pair = await kem.generateKeyPairDerand(new Uint8Array(seed));
  return new Uint8Array(await kem.serializePublicKey(pair.publicKey));
}

/** An Ed25519 key that cannot be exported again. @param {Uint8Array} seed 32 bytes */
export function importSigningKey(seed) {
  return crypto.subtle.importKey("pkcs8", concat(PKCS8_ED25519, seed), "Ed25519", false, ["sign"]);
}

/** The Ed25519 public key of a seed. @param {Uint8Array} seed 32 bytes @returns {Promise<Bytes>} 32 */
export async function signPublic(seed) {
  const key = await crypto.subtle.importKey("pkcs8", concat(PKCS8_ED25519, seed), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  return fromBase64url(/** @type {string} */ (x));
}

/** @param {CryptoKey} key @param {Uint8Array} data @returns {Promise<Bytes>} 64 */
export async function signWith(key, data) {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, /** @type {Bytes} */ (data)));
}

/** @type {Map<string, Promise<CryptoKey>>} importing costs as much as verifying, and the same few keys come back */
const verifiers = new Map();
const VERIFIERS_KEPT = 200;

/** @param {Uint8Array} publicKey 32 bytes @param {Uint8Array} signature @param {Uint8Array} data @returns {Promise<boolean>} */
export async function isSignedBy(publicKey, signature, data) {
  const verifier = await verifierOf(publicKey);
  return crypto.subtle.verify("Ed25519", verifier, /** @type {Bytes} */ (signature), /** @type {Bytes} */ (data));
}

/** @param {Uint8Array} publicKey */
function verifierOf(publicKey) {
  const name = toHex(publicKey);
  const known = verifiers.get(name);
  if (known) return known;
  const imported = crypto.subtle.importKey("raw", /** @type {Bytes} */ (publicKey), "Ed25519", false, ["verify"]);
  if (verifiers.size >= VERIFIERS_KEPT) verifiers.clear();
  verifiers.set(name, imported);
  return imported;
}
