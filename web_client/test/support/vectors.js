// The shared vectors of tests/vectors, and the people in them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { apply } from "../../src/core/account.js";
import { fromHex } from "../../src/core/bytes.js";
import { keysFromSeeds } from "../../src/core/device.js";
import { ProtocolError } from "../../src/core/errors.js";

const FOLDER = new URL("../../../tests/vectors/", import.meta.url);
const BYTES = new Set(["sign", "kem", "possession", "statements", "nonce", "commitment", "inbox_key", "sealed", "key", "thumbnail", "entropy"]);

/** @param {string} name */
export const vectors = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));

/** A value of the vectors as the client has it: the fields that are byte strings as bytes. */
export function withBytes(value, name = "") {
  if (typeof value === "string") return BYTES.has(name) ? fromHex(value) : value;
  if (Array.isArray(value)) return value.map((item) => withBytes(item, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withBytes(item, key)]));
}

/** Device keys by label. */
export async function devicesOf({ devices }) {
  const made = await Promise.all(Object.entries(devices).map(async ([label, { sign_seed: sign, kem_seed: kem }]) =>
    [label, await keysFromSeeds(fromHex(sign), fromHex(kem))]));
  return new Map(made);
}

/** Account states by the name of their chain. */
export async function chainsOf({ chains }) {
  const states = await Promise.all(Object.entries(chains).map(async ([name, { statements }]) => [name, await replayed(statements)]));
  return new Map(states);
}

/** The longest chain of each account, by account id. */
export async function accountsOf(file) {
  const longest = new Map();
  for (const state of (await chainsOf(file)).values()) {
    if (state.seq >= (longest.get(state.account)?.seq ?? 0)) longest.set(state.account, state);
  }
  return longest;
}

/** @param {string[]} statements hex */
export async function replayed(statements) {
  let state = null;
  for (const statement of statements) state = await apply(state, fromHex(statement));
  return state;
}

/** A refusal, by its word. @param {string} reason @param {() => unknown} action */
export async function refuses(reason, action) {
  await assert.rejects(async () => action(), (error) => {
    assert.ok(error instanceof ProtocolError, `${error?.stack ?? error}`);
    assert.equal(error.reason, reason);
    return true;
  });
}
