/** Checks of what comes over the wire (models/wire): every field declared, nothing else let through. */
import { fromBase64url } from "./bytes.js";
import { ProtocolError } from "./errors.js";

/** Returns the value as the client uses it; throws ProtocolError `wrong-type`. @typedef {(value: any, isJson: boolean) => any} Check */

/** @returns {never} */
function refuse() {
  throw new ProtocolError("wrong-type");
}

/** @param {(value: any) => boolean} accepts @returns {Check} */
const exactly = (accepts) => (value) => (accepts(value) ? value : refuse());

/** @param {RegExp} pattern */
const matching = (pattern) => exactly((value) => typeof value === "string" && pattern.test(value));

export const text = exactly((value) => typeof value === "string");
export const uint = exactly((value) => Number.isSafeInteger(value) && value >= 0);
export const bool = exactly((value) => typeof value === "boolean");
export const id32 = matching(/^[0-9a-f]{64}$/);
export const id16 = matching(/^[0-9a-f]{32}$/);
export const uuid = matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
export const audience = matching(/^[a-z][a-z0-9-]{0,19}$/);
export const word = matching(/^[a-z][a-z0-9-]{0,39}$/);

/** Byte strings: base64url in JSON, whatever the msgpack parser makes of them on the socket. @type {Check} */
export const bytes = (value, isJson) => {
  if (isJson) return typeof value === "string" ? fromBase64url(value) : refuse();
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return value instanceof Uint8Array ? new Uint8Array(value) : refuse();
};

/** @param {readonly string[]} words */
export const choice = (...words) => exactly((value) => words.includes(value));

/** @param {Check} check @returns {Check} */
export const optional = (check) => (value, isJson) => (value === null ? null : check(value, isJson));

/** @param {Check} check @returns {Check} */
export const list = (check) => (value, isJson) => (Array.isArray(value) ? value.map((item) => check(item, isJson)) : refuse());

/** @param {Record<string, Check>} fields @returns {Check} */
export function message(fields) {
  const names = Object.keys(fields);
  return (value, isJson) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) refuse();
    if (Object.keys(value).length !== names.length || !names.every((name) => Object.hasOwn(value, name))) refuse();
    return Object.fromEntries(names.map((name) => [name, /** @type {Check} */ (fields[name])(value[name], isJson)]));
  };
}
