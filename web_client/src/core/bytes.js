/** Bytes and their textual forms (docs/protocol.md §1). */
import { ProtocolError } from "./errors.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param {readonly Uint8Array[]} parts @returns {Bytes} */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** @param {string} text */
export const utf8 = (text) => new TextEncoder().encode(text);

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Throws ProtocolError `wrong-type` unless `text` is lowercase hex. @param {string} text @returns {Bytes} */
export function fromHex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new ProtocolError("wrong-type");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Without padding (RFC 4648 §5). @param {Uint8Array} bytes */
export function toBase64url(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Throws ProtocolError `wrong-type` unless `text` is what `toBase64url` writes. @param {string} text @returns {Bytes} */
export function fromBase64url(text) {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) throw new ProtocolError("wrong-type");
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  if (toBase64url(bytes) !== text) throw new ProtocolError("wrong-type");
  return bytes;
}

/** In a time that depends on the lengths only. @param {Uint8Array} one @param {Uint8Array} other */
export function isSame(one, other) {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= /** @type {number} */ (one[i]) ^ /** @type {number} */ (other[i]);
  return difference === 0;
}

/** @param {Uint8Array} bytes 16 */
export function uuidText(bytes) {
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** @param {string} text @returns {Bytes} 16 */
export function uuidBytes(text) {
  if (!UUID.test(text)) throw new ProtocolError("wrong-type");
  return fromHex(text.replaceAll("-", ""));
}

/** @param {number} length @returns {Bytes} */
export function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A UUIDv7 (RFC 9562 §5.7) for a time in milliseconds since 1970, UTC. @param {number} at */
export function uuid7(at) {
  const bytes = randomBytes(16);
  new DataView(bytes.buffer).setBigUint64(0, (BigInt(at) << 16n) | BigInt(bytes[6] ?? 0) << 8n | BigInt(bytes[7] ?? 0));
  bytes[6] = 0x70 | (/** @type {number} */ (bytes[6]) & 0x0f);
  bytes[8] = 0x80 | (/** @type {number} */ (bytes[8]) & 0x3f);
  return uuidText(bytes);
}
