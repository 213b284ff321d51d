import { concat, toHex } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/cbor.js";
import { peek, sign } from "../../src/core/cose.js";
import { ProtocolError } from "../../src/core/errors.js";

/** @typedef {import("../../src/core/bytes.js").Bytes} Bytes */
/** @typedef {import("../../src/core/cose.js").Signer} Signer */
/** @typedef {{ structure: string, data: Bytes, context: string, keys: Signer, other: Signer, check: (data: Bytes) => unknown }} Good
 * a signed object that `check` takes; `other` signs nothing of it */

const TAKEN = "taken";

/**
 * A signed object in every state it must not be in, signed again where a signature could hold, with the word for which it is refused here.
 * `taken` where a change is none that matters.
 * @param {Good} good
 */
export async function spoil({ structure, data, context, keys, other, check }) {
  const cases = { ...outside(data), ...await signedWrongly(data, { context, keys, other }), ...await inside(data, { context, keys }) };
  return Promise.all(Object.entries(cases).map(async ([name, object]) => ({ structure, name, object: toHex(object), reason: await reasonOf(() => check(object)) })));
}

/** @param {() => unknown} check */
async function reasonOf(check) {
  try {
    await check();
    return TAKEN;
  } catch (error) {
    if (error instanceof ProtocolError) return error.reason;
    throw error;
  }
}

/** @param {Bytes} data */
function outside(data) {
  const flipped = data.slice();
  flipped[flipped.length - 1] ^= 1;
  return { untouched: data, "a flipped bit of the signature": flipped, "a byte more": concat(data, new Uint8Array(1)), "a byte less": data.slice(0, -1), nothing: new Uint8Array() };
}

/** @param {Bytes} data @param {{ context: string, keys: Signer, other: Signer }} by */
async function signedWrongly(data, { context, keys, other }) {
  const { payload } = peek(data);
  const posing = { id: keys.id, sign: (/** @type {Bytes} */ said) => other.sign(said) };
  return {
    "another purpose": await sign(payload, { keys, context: `${context}s` }),
    "another device": await sign(payload, { keys: other, context }),
    "another device's key": await sign(payload, { keys: posing, context }),
  };
}

/** @param {Bytes} data @param {{ context: string, keys: Signer }} by */
async function inside(data, by) {
  const { fields, payloadOf } = opened(peek(data).payload);
  const again = (/** @type {Bytes} */ written) => sign(payloadOf(written), by);
  const changed = (/** @type {[string, unknown][]} */ ...entries) => again(encode(new Map([...fields, ...entries])));
  const cases = {
    "a field nobody knows": await changed(["stranger", 1]),
    "fields in another order": await again(reversed(fields)),
    "a byte behind the fields": await again(concat(encode(fields), new Uint8Array(1))),
    "a list instead of the fields": await again(encode([...fields.values()])),
  };
  for (const name of fields.keys()) {
    cases[`no ${name}`] = await again(encode(new Map([...fields].filter(([key]) => key !== name))));
    for (const [word, value] of Object.entries({ null: null, "a negative number": -1, "a list": [], bytes: new Uint8Array(3) }))
      cases[`${word} for ${name}`] = await changed([name, value]);
  }
  return cases;
}

/** The fields of a payload, which is a map, or of a note's: a header, and beside it what is sealed. @param {Bytes} payload */
function opened(payload) {
  const value = decode(payload);
  if (value instanceof Map) return { fields: value, payloadOf: (/** @type {Bytes} */ written) => written };
  const [header, sealed] = value;
  return { fields: /** @type {Map<string, unknown>} */ (decode(header)), payloadOf: (/** @type {Bytes} */ written) => encode([written, sealed]) };
}

/** A map written from its last field to its first. @param {Map<unknown, unknown>} fields at most 23 */
function reversed(fields) {
  const written = [...fields].toSorted((one, two) => encode(two[0])[0] - encode(one[0])[0]).map(([key, value]) => concat(encode(key), encode(value)));
  return concat(Uint8Array.of(0xa0 + fields.size), ...written);
}
