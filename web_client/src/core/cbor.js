/**
 * Deterministic CBOR (RFC 8949 §4.2.1), the part the protocol uses: whole numbers within ±(2^53 − 1), byte and text
 * strings, arrays, maps, true, false, null. What it would not itself have written, it does not read (docs/protocol.md §1).
 */
import { Token, Tokenizer, Type, decode as cborgDecode, encode as cborgEncode, rfc8949EncodeOptions } from "cborg";
import { isSame } from "./bytes.js";
import { ProtocolError } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {null | boolean | number | string | Bytes | CborValue[] | Map<string | number, CborValue>} Decoded maps as Map */
/** @typedef {any} CborValue anything of `Decoded`, and plain objects for maps */

const DEPTH_MOST = 16;
const OPTIONS = Object.freeze({
  strict: true, useMaps: true, rejectDuplicateMapKeys: true, retainStringBytes: true,
  allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false, allowBigInt: false,
});

/**
 * cborg's tokens, without floats, and with text read as it is: its own decoder drops a byte order mark
 * and puts U+FFFD where UTF-8 is broken.
 */
class StrictTokenizer extends Tokenizer {
  static #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** @override */
  next() {
    const token = super.next();
    if (Type.equals(token.type, Type.float)) throw new TypeError("a float");
    if (!token.byteValue || !Type.equals(token.type, Type.string)) return token;
    return new Token(token.type, StrictTokenizer.#utf8.decode(token.byteValue), token.encodedLength);
  }
}

/** Throws TypeError for what the protocol has no form for (a bug of the caller). @param {CborValue} value @returns {Bytes} */
export function encode(value) {
  if (!isKnown(value, DEPTH_MOST)) throw new TypeError("not a value of the protocol");
  return write(value);
}

/** Throws ProtocolError `non-canonical`. @param {Uint8Array} data @returns {CborValue} */
export function decode(data) {
  const bytes = new Uint8Array(data); // plain, and nobody else's: byte strings may be views of it
  let value;
  try {
    value = cborgDecode(bytes, { ...OPTIONS, tokenizer: new StrictTokenizer(bytes, OPTIONS) });
  } catch (error) {
    throw new ProtocolError("non-canonical", { cause: error }); // cborg's errors, and nesting beyond the stack
  }
  if (!isKnown(value, DEPTH_MOST) || !isSame(write(value), bytes)) throw new ProtocolError("non-canonical");
  return value;
}

/** Whether a value is known to the protocol and nests at most `depth` containers. @param {CborValue} value @param {number} depth @returns {boolean} */
export function isKnown(value, depth) {
  if (value === null || typeof value === "boolean" || value instanceof Uint8Array) return true;
  if (typeof value === "string") return !/\p{Surrogate}/u.test(value);
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (typeof value !== "object" || depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isKnown(item, depth - 1));
  if (value instanceof Map) return [...value].every(([key, item]) => isKey(key) && isKnown(item, depth - 1));
  return isPlain(value) && Object.entries(value).every(([key, item]) => isKey(key) && isKnown(item, depth - 1));
}

/** Text, or in COSE headers a number of one byte. @param {unknown} key */
function isKey(key) {
  if (typeof key === "string") return !/\p{Surrogate}/u.test(key);
  return Number.isInteger(key) && /** @type {number} */ (key) >= -24 && /** @type {number} */ (key) <= 23;
}

/** @param {CborValue} value @returns {Bytes} */
function write(value) {
  return new Uint8Array(cborgEncode(value, rfc8949EncodeOptions));
}

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
