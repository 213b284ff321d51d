/**
 * JSON with one spelling only (RFC 8785), without floats; what crypto/canonical_json.py does.
 * Values are strings, integers within ±(2^53 - 1), booleans, null, arrays and objects. Keys are sorted by their
 * UTF-16 code units, which is how JavaScript compares strings.
 */
import { isSame, utf8 } from "./bytes.js";
import { ProtocolError } from "./errors.js";

/** @typedef {null | boolean | number | string | readonly unknown[] | { readonly [key: string]: unknown }} Json */

export const MAX_DEPTH = 16;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Bytes that are not JSON, or not the one spelling of it. */
export class CanonicalJsonError extends ProtocolError {
  /** @override */ name = "CanonicalJsonError";
}

/**
 * The one spelling of a value, UTF-8. Throws CanonicalJsonError: `not-representable` (a fraction, an integer too large,
 * half a surrogate pair), `too-deep` (more than 16 arrays and objects inside each other).
 * @param {unknown} value
 */
export function encodeCanonical(value) {
  return utf8(spell(value, MAX_DEPTH));
}

/**
 * The value of bytes that `encodeCanonical` has written. Throws CanonicalJsonError: `not-json`, `not-canonical` (a second
 * spelling: spaces, key order, a key twice, an escape that need not be), and what `encodeCanonical` throws.
 * @param {Uint8Array} data @returns {Json}
 */
export function decodeCanonical(data) {
  const value = parse(data);
  if (!isSame(encodeCanonical(value), data)) throw new CanonicalJsonError("not-canonical");
  return value;
}

/** @param {Uint8Array} data @returns {Json} */
function parse(data) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
  } catch (cause) {
    throw new CanonicalJsonError("not-json", { cause });
  }
}

/** @param {unknown} value @param {number} depth arrays and objects that may still open @returns {string} */
function spell(value, depth) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return spellText(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return JSON.stringify(value);
  if (typeof value !== "object") throw new CanonicalJsonError("not-representable");
  if (depth === 0) throw new CanonicalJsonError("too-deep");
  if (Array.isArray(value)) return `[${value.map((item) => spell(item, depth - 1)).join(",")}]`;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, item]) => `${spellText(key)}:${spell(item, depth - 1)}`).join(",")}}`;
}

/** @param {string} text */
function spellText(text) {
  if (LONE_SURROGATE.test(text)) throw new CanonicalJsonError("not-representable");
  return JSON.stringify(text);
}
