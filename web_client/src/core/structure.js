/**
 * The kinds of field of docs/protocol.md §1, and structures made of them: CBOR maps with every field present and no other.
 * Ids are text outside CBOR and bytes inside; field names are those of the protocol's tables.
 *
 * Everything here throws ProtocolError: `wrong-type`, `unknown-field`, `missing-field`, `non-canonical`.
 */
import { fromHex, toHex, uuidBytes, uuidText } from "./bytes.js";
import { decode, encode } from "./cbor.js";
import { ProtocolError } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cbor.js").CborValue} CborValue */

/**
 * How one field is written and read.
 * @template T
 * @typedef {{ write: (value: T) => CborValue, read: (value: CborValue) => T }} Kind
 */
/** @template K @typedef {K extends Kind<infer T> ? T : never} ValueOf */
/** @template {Record<string, Kind<any>>} F @typedef {{ [N in keyof F]: ValueOf<F[N]> }} Fields */
/**
 * @template T
 * @typedef {Kind<T> & { encode: (value: T) => Bytes, decode: (data: Uint8Array) => T }} Structure
 */

/** @param {string} [reason] @returns {never} */
function refuse(reason = "wrong-type") {
  throw new ProtocolError(reason);
}

/** A kind whose values are the same inside and outside. @template T @param {(value: CborValue) => value is T} accepts @returns {Kind<T>} */
function same(accepts) {
  /** @param {CborValue} value */
  const check = (value) => (accepts(value) ? value : refuse());
  return { write: check, read: check };
}

/** @param {number} length @returns {Kind<string>} */
function hexId(length) {
  return {
    write: (value) => bytes(length).write(typeof value === "string" ? fromHex(value) : refuse()),
    read: (value) => toHex(bytes(length).read(value)),
  };
}

/** @param {number} [length] @returns {Kind<Bytes>} */
export function bytes(length) {
  return same(/** @returns {value is Bytes} */ (value) => value instanceof Uint8Array && (length === undefined || value.length === length));
}

export const id32 = hexId(32);
export const id16 = hexId(16);

/** @type {Kind<string>} */
export const uuid = {
  write: (value) => (typeof value === "string" ? uuidBytes(value) : refuse()),
  read: (value) => uuidText(bytes(16).read(value)),
};

export const uint = same(/** @returns {value is number} */ (value) => Number.isSafeInteger(value) && value >= 0);
export const time = uint;
export const bool = same(/** @returns {value is boolean} */ (value) => typeof value === "boolean");

/** Control characters the protocol refuses: below U+0020 but tab and newline. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f]/;

/** @param {number} most UTF-16 code units @param {number} [least] @returns {Kind<string>} */
export function text(most, least = 0) {
  return same(/** @returns {value is string} */ (value) =>
    typeof value === "string" && value.length >= least && value.length <= most && !CONTROL.test(value));
}

/** @template {string} W @param {readonly W[]} words @returns {Kind<W>} */
export function choice(words) {
  return same(/** @returns {value is W} */ (value) => words.includes(value));
}

/** A kind with a further check. @template T @param {Kind<T>} kind @param {(value: T) => boolean} accepts @returns {Kind<T>} */
export function narrowed(kind, accepts) {
  /** @param {T} value */
  const check = (value) => (accepts(value) ? value : refuse());
  return { write: (value) => kind.write(check(value)), read: (value) => check(kind.read(value)) };
}

/** @template T @param {Kind<T>} kind @returns {Kind<T | null>} */
export function optional(kind) {
  return {
    write: (value) => (value === null ? null : kind.write(value)),
    read: (value) => (value === null ? null : kind.read(value)),
  };
}

/** @template T @param {Kind<T>} kind @param {{ most: number, least?: number }} bounds @returns {Kind<T[]>} */
export function list(kind, { most, least = 0 }) {
  const accepted = same(/** @returns {value is any[]} */ (value) => Array.isArray(value) && value.length >= least && value.length <= most);
  return {
    write: (value) => accepted.write(value).map(kind.write),
    read: (value) => accepted.read(value).map(kind.read),
  };
}

/**
 * @template {Record<string, Kind<any>>} F
 * @param {F} fields
 * @returns {Structure<Fields<F>>}
 */
export function structure(fields) {
  const names = Object.keys(fields);
  /** @param {any} value */
  const write = (value) => {
    assertNames(names, Object.keys(value));
    return Object.fromEntries(names.map((name) => [name, /** @type {Kind<any>} */ (fields[name]).write(value[name])]));
  };
  /** @param {CborValue} map */
  const read = (map) => {
    if (!(map instanceof Map)) refuse();
    assertNames(names, [...map.keys()]);
    const entries = names.map((name) => [name, /** @type {Kind<any>} */ (fields[name]).read(map.get(name))]);
    return /** @type {Fields<F>} */ (Object.fromEntries(entries));
  };
  return { write, read, encode: (value) => encode(write(value)), decode: (data) => read(decode(data)) };
}

/** @param {readonly string[]} names @param {readonly unknown[]} found */
function assertNames(names, found) {
  if (found.some((name) => typeof name !== "string")) refuse();
  if (found.some((name) => !names.includes(/** @type {string} */ (name)))) refuse("unknown-field");
  if (names.some((name) => !found.includes(name))) refuse("missing-field");
}

/**
 * Structures told apart by their text field `op`.
 * @template {Record<string, Record<string, Kind<any>>>} V
 * @param {V} variants the further fields of each
 * @returns {Kind<{ [O in keyof V & string]: { op: O } & Fields<V[O]> }[keyof V & string]>}
 */
export function operations(variants) {
  const known = new Map(Object.entries(variants).map(([op, fields]) => [op, structure({ op: text(40), ...fields })]));
  /** @param {unknown} op */
  const named = (op) => (typeof op === "string" ? (known.get(op) ?? refuse("unknown-operation")) : refuse());
  return /** @type {any} */ ({
    write: (/** @type {any} */ value) => named(value.op).write(value),
    read: (/** @type {CborValue} */ map) => {
      if (!(map instanceof Map)) refuse();
      if (!map.has("op")) refuse("missing-field");
      return named(map.get("op")).read(map);
    },
  });
}
