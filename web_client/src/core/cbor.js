/**
 * Deterministic CBOR (RFC 8949 §4.2.1), the part the protocol uses: whole numbers within ±(2^53 − 1), byte and text
 * strings, arrays, maps, true, false, null. What it would not itself have written, it does not read (docs/protocol.md §1).
 */
import { encode as cborgEncode, rfc8949EncodeOptions } from "cborg";
import { ProtocolError } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {null | boolean | number | string | Bytes | CborValue[] | Map<string | number, CborValue>} Decoded maps as Map */
/** @typedef {any} CborValue anything of `Decoded`, and plain objects for maps */

const DEPTH_MOST = 16;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws TypeError for what the protocol has no form for (a bug of the caller). @param {CborValue} value @returns {Bytes} */
export function encode(value) {
  if (!isKnown(value, DEPTH_MOST)) throw new TypeError("not a value of the protocol");
  return write(value);
}

/**
 * In one pass that takes nothing but the one way to write each value: so nothing has to be written again to be compared.
 * Throws ProtocolError `non-canonical`. @param {Uint8Array} data @returns {CborValue}
 */
export function decode(data) {
  const reader = new Reader(new Uint8Array(data)); // plain, and nobody else's: byte strings are views of it
  const value = reader.item(DEPTH_MOST);
  if (!reader.isAtEnd) refuse();
  return value;
}

/** @returns {never} */
function refuse() {
  throw new ProtocolError("non-canonical");
}

class Reader {
  #data;
  #view;
  #at = 0;

  /** @param {Bytes} data */
  constructor(data) {
    this.#data = data;
    this.#view = new DataView(data.buffer);
  }

  get isAtEnd() {
    return this.#at === this.#data.length;
  }

  /** The next value, of at most `depth` nested containers. @param {number} depth @returns {Decoded} */
  item(depth) {
    const [initial] = this.#take(1);
    const [major, more] = [/** @type {number} */ (initial) >> 5, /** @type {number} */ (initial) & 31];
    if (major === 7) return simple(more);
    const count = this.#count(more);
    if (major === 0) return count;
    if (major === 1) return count < Number.MAX_SAFE_INTEGER ? -1 - count : refuse();
    if (major === 2) return this.#take(count);
    if (major === 3) return this.#text(count);
    if (major === 6 || depth === 0) return refuse();
    return major === 4 ? this.#list(count, depth - 1) : this.#map(count, depth - 1);
  }

  /** @param {number} length @returns {Bytes} */
  #take(length) {
    const end = this.#at + length;
    if (end > this.#data.length) refuse();
    const taken = this.#data.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** The number in or after an initial byte, as short as it can be. @param {number} more */
  #count(more) {
    if (more < 24) return more;
    const size = more > 27 ? refuse() : 1 << (more - 24);
    const start = this.#at;
    this.#take(size);
    const [count, least] = size === 1 ? [this.#view.getUint8(start), 24] : size === 2 ? [this.#view.getUint16(start), 0x100]
      : size === 4 ? [this.#view.getUint32(start), 0x1_0000] : [this.#view.getUint32(start) * 0x1_0000_0000 + this.#view.getUint32(start + 4), 0x1_0000_0000];
    return count >= least && Number.isSafeInteger(count) ? count : refuse();
  }

  /** @param {number} length */
  #text(length) {
    const encoded = this.#take(length);
    try {
      return UTF8.decode(encoded);
    } catch (error) {
      throw new ProtocolError("non-canonical", { cause: error });
    }
  }

  /** @param {number} count @param {number} depth */
  #list(count, depth) {
    /** @type {Decoded[]} */
    const list = [];
    for (let read = 0; read < count; read++) list.push(this.item(depth));
    return list;
  }

  /** Keys in the order of their encoded bytes, none twice. @param {number} count @param {number} depth */
  #map(count, depth) {
    /** @type {Map<string | number, Decoded>} */
    const map = new Map();
    let before = this.#data.subarray(0, 0);
    for (let read = 0; read < count; read++) {
      const start = this.#at;
      const key = this.item(0);
      const encoded = this.#data.subarray(start, this.#at);
      if (!isKey(key) || !isAfter(encoded, before)) refuse();
      map.set(/** @type {string | number} */ (key), this.item(depth));
      before = encoded;
    }
    return map;
  }
}

/** @param {number} more */
function simple(more) {
  if (more === 20 || more === 21) return more === 21;
  return more === 22 ? null : refuse();
}

/** @param {Uint8Array} one @param {Uint8Array} other */
function isAfter(one, other) {
  const shared = Math.min(one.length, other.length);
  for (let i = 0; i < shared; i++) {
    if (one[i] !== other[i]) return /** @type {number} */ (one[i]) > /** @type {number} */ (other[i]);
  }
  return one.length > other.length;
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
