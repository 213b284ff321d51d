/** What stands in a circle's ledger: entries and their operations, as CBOR has them (docs/protocol.md §4). */
import { digest, peek as peekSigned, sign } from "./cose.js";
import { kemPublicKey } from "./device.js";
import { ProtocolError } from "./errors.js";
import { bytes, id16, id32, list, operations, optional, structure, text, time, uint } from "./structure.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./structure.js").ValueOf<typeof ENTRY>} EntryFields */
/** @typedef {EntryFields["operations"][number]} Operation */
/**
 * @template {Operation["op"]} O
 * @typedef {Extract<Operation, { op: O }>} OperationOf
 */
/** @typedef {EntryFields & { signed: import("./cose.js").Signed, digest: string }} Entry */

export const CIRCLE_CONTEXT = "relais/1 circle";
export const ROLES = /** @type {const} */ (["lead", "professional", "carer", "bot"]);
/** @typedef {(typeof ROLES)[number]} CircleRole */

/** An envelope names at most as many, and the circle's profile goes to all of them. */
export const AUDIENCES_MOST = 8;
/** Of one person between two that a circle took in. */
export const RESETS_MOST = 8;
const audience = text(20);
const ENTRY = structure({
  circle: optional(id32), seq: uint, prev: optional(id32), at: time, account: id32, device: id16, account_head: id32,
  operations: list(operations({
    "create": { nonce: bytes(16) },
    "member.add": {
      account: id32, account_head: id32, role: text(20), audiences: list(audience, { most: 60 }),
      since: time, until: optional(time), history: time,
    },
    "member.remove": { account: id32 },
    "member.change": { account: id32, role: text(20), audiences: list(audience, { most: 60 }), until: optional(time) },
    "member.readmit": { account: id32, account_head: id32, statements: list(bytes(), { most: RESETS_MOST, least: 1 }) },
    "epoch.open": { audience, epoch: uint, commitment: bytes(32), inbox_key: kemPublicKey },
    "close": {},
  }), { most: 100, least: 1 }),
});

/** @param {import("./cose.js").Signer} keys @param {Omit<EntryFields, "device">} fields @returns {Promise<Bytes>} */
export function signEntry(keys, fields) {
  return sign(ENTRY.encode({ ...fields, device: keys.id }), { keys, context: CIRCLE_CONTEXT });
}

/** Read without verifying. @param {Uint8Array} data @returns {Promise<Entry>} */
export async function peekEntry(data) {
  const signed = peekSigned(data);
  const fields = ENTRY.decode(signed.payload);
  if (fields.device !== signed.kid) throw new ProtocolError("bad-signature");
  return { ...fields, signed, digest: await digest(data) };
}
