/** Receipts: a device's signed word on one version (docs/protocol.md §8). */
import { requireInForce } from "./account.js";
import { peek as peekSigned, sign, verify as verifySigned } from "./cose.js";
import { ProtocolError } from "./errors.js";
import { choice, id16, id32, structure, time, uint, uuid } from "./structure.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {"stored" | "read" | "acknowledged"} ReceiptKind */
/** @typedef {import("./structure.js").ValueOf<typeof RECEIPT>} ReceiptFields */
/** @typedef {ReceiptFields & { signed: import("./cose.js").Signed }} Receipt */

export const RECEIPT_CONTEXT = "relais/1 receipt";
export const RECEIPT_KINDS = /** @type {const} */ (["stored", "read", "acknowledged"]);

const RECEIPT = structure({
  circle: id32, note: uuid, version: uint, envelope: id32, kind: choice(RECEIPT_KINDS), account: id32, device: id16, at: time,
});

/** @param {import("./cose.js").Signer} keys @param {Omit<ReceiptFields, "device">} fields @returns {Promise<Bytes>} */
export function write(keys, fields) {
  return sign(RECEIPT.encode({ ...fields, device: keys.id }), { keys, context: RECEIPT_CONTEXT });
}

/** Read without verifying. @param {Uint8Array} data @returns {Receipt} */
export function peek(data) {
  const signed = peekSigned(data);
  const fields = RECEIPT.decode(signed.payload);
  if (fields.device !== signed.kid) throw new ProtocolError("bad-signature");
  return { ...fields, signed };
}

/**
 * Check that a device of the reader, not revoked before `at`, signed it.
 * Throws ProtocolError `wrong-account`, `not-a-device`, `revoked-device`, `bad-signature`.
 * @param {Receipt} receipt @param {import("./account.js").AccountState} reader
 */
export async function verify(receipt, reader) {
  if (reader.account !== receipt.account) throw new ProtocolError("wrong-account");
  const device = requireInForce(reader, receipt.device, receipt.at);
  await verifySigned(receipt.signed, { publicKey: device.sign, context: RECEIPT_CONTEXT });
}
