/** Proving to a server that one holds a device's key (docs/protocol.md §3, Login). */
import { peek as peekSigned, sign, verify as verifySigned } from "./cose.js";
import { ProtocolError } from "./errors.js";
import { bytes, id16, structure, text, time } from "./structure.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./structure.js").ValueOf<typeof LOGIN> & { signed: import("./cose.js").Signed }} Login */

export const LOGIN_CONTEXT = "relais/1 login";
const LOGIN = structure({ challenge: bytes(32), device: id16, origin: text(200), at: time });

/** @param {import("./cose.js").Signer} keys @param {Bytes} challenge @param {{ origin: string, at: number }} where */
export function answer(keys, challenge, { origin, at }) {
  return sign(LOGIN.encode({ challenge, device: keys.id, origin, at }), { keys, context: LOGIN_CONTEXT });
}

/** Read without verifying. @param {Uint8Array} data @returns {Login} */
export function peek(data) {
  const signed = peekSigned(data);
  const fields = LOGIN.decode(signed.payload);
  if (fields.device !== signed.kid) throw new ProtocolError("bad-signature");
  return { ...fields, signed };
}

/** Throws ProtocolError `bad-signature`. @param {Login} login @param {Uint8Array} publicKey */
export function verify(login, publicKey) {
  return verifySigned(login.signed, { publicKey, context: LOGIN_CONTEXT });
}
