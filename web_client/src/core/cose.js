/** COSE_Sign1 and COSE_Encrypt0 (RFC 9052 §4.2, §5.2), untagged, with the one algorithm each of suite 1. */
import { concat, fromHex, isSame, toHex, utf8 } from "./bytes.js";
import { decode, encode } from "./cbor.js";
import { ProtocolError } from "./errors.js";
import { NONCE_SIZE, decrypt, encrypt, isSignedBy, sha256Hex } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/**
 * What signs for a device: its id (hex) and its Ed25519 key, which may be non-extractable.
 * @typedef {{ readonly id: string, sign: (data: Uint8Array) => Promise<Bytes> }} Signer
 */
/** @typedef {{ kid: string, payload: Bytes, signature: Bytes, raw: Bytes }} Signed kid: device id, hex */

const SIGN_HEADER = fromHex("a201270450"); // {1: -8, 4: bytes(16)} up to the kid
const ENCRYPT_HEADER = fromHex("a10103"); // {1: 3}
const NONCE = 5;
const [KID_SIZE, SIGNATURE_SIZE] = [16, 64];

/** @param {Uint8Array} payload @param {{ keys: Signer, context: string }} by @returns {Promise<Bytes>} */
export async function sign(payload, { keys, context }) {
  const header = concat(SIGN_HEADER, fromHex(keys.id));
  const signature = await keys.sign(toBeSigned(header, payload, context));
  return encode([header, {}, payload, signature]);
}

/**
 * Read without verifying. Throws ProtocolError `non-canonical`, `wrong-type`.
 * @param {Uint8Array} data @returns {Signed}
 */
export function peek(data) {
  const parts = decode(data);
  if (!Array.isArray(parts) || parts.length !== 4) throw new ProtocolError("wrong-type");
  const [header, unprotected, payload, signature] = parts;
  if (!isSignHeader(header) || !(payload instanceof Uint8Array)) throw new ProtocolError("wrong-type");
  if (!(unprotected instanceof Map) || unprotected.size > 0) throw new ProtocolError("wrong-type");
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_SIZE) throw new ProtocolError("wrong-type");
  const kid = toHex(header.subarray(SIGN_HEADER.length));
  return { kid, payload: /** @type {Bytes} */ (payload), signature: /** @type {Bytes} */ (signature), raw: new Uint8Array(data) };
}

/** @param {unknown} header @returns {header is Bytes} */
function isSignHeader(header) {
  if (!(header instanceof Uint8Array) || header.length !== SIGN_HEADER.length + KID_SIZE) return false;
  return isSame(header.subarray(0, SIGN_HEADER.length), SIGN_HEADER);
}

/** Throws ProtocolError `bad-signature`. @param {Signed} signed @param {{ publicKey: Uint8Array, context: string }} by */
export async function verify(signed, { publicKey, context }) {
  const data = toBeSigned(concat(SIGN_HEADER, fromHex(signed.kid)), signed.payload, context);
  if (!(await isSignedBy(publicKey, signed.signature, data))) throw new ProtocolError("bad-signature");
}

/** @param {Uint8Array} header @param {Uint8Array} payload @param {string} context */
function toBeSigned(header, payload, context) {
  return encode(["Signature1", header, utf8(context), payload]);
}

/** The hash of a signed object. @param {Uint8Array} data the whole encoded COSE_Sign1 */
export const digest = (data) => sha256Hex(data);

/** @typedef {{ key: Uint8Array, nonce: Uint8Array, aad: Uint8Array }} Seal key 32 bytes, nonce 12 */

/** @param {Uint8Array} plaintext @param {Seal} seal @returns {Promise<Bytes>} */
export async function encrypt0(plaintext, { key, nonce, aad }) {
  const ciphertext = await encrypt(plaintext, { key, nonce, aad: toBeAuthenticated(aad) });
  return encode([ENCRYPT_HEADER, new Map([[NONCE, nonce]]), ciphertext]);
}

/** Throws ProtocolError `non-canonical`, `wrong-type`, `cannot-open`. @param {Uint8Array} data @param {{ key: Uint8Array, aad: Uint8Array }} opened */
export async function decrypt0(data, { key, aad }) {
  const parts = decode(data);
  if (!Array.isArray(parts) || parts.length !== 3) throw new ProtocolError("wrong-type");
  const [header, unprotected, ciphertext] = parts;
  if (!(header instanceof Uint8Array && unprotected instanceof Map && ciphertext instanceof Uint8Array)) throw new ProtocolError("wrong-type");
  const nonce = unprotected.get(NONCE);
  const isNonce = unprotected.size === 1 && nonce instanceof Uint8Array && nonce.length === NONCE_SIZE;
  if (!isSame(header, ENCRYPT_HEADER) || !isNonce) throw new ProtocolError("wrong-type");
  return decrypt(ciphertext, { key, nonce, aad: toBeAuthenticated(aad) });
}

/** @param {Uint8Array} aad */
function toBeAuthenticated(aad) {
  return encode(["Encrypt0", ENCRYPT_HEADER, aad]);
}
