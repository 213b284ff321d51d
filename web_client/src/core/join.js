/** Bringing a new device into an account with a code shown on another (docs/protocol.md §3, Joining). */
import { isSame, toHex } from "./bytes.js";
import { ProtocolError } from "./errors.js";
import { hkdf, hmac } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

export const SECRET_SIZE = 10;
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH = 16;

/** @param {Uint8Array} secret 10 bytes @returns {string} `ABCD-EFGH-JKMN-PQRS` */
export function makeCode(secret) {
  if (secret.length !== SECRET_SIZE) throw new RangeError("a code is made of 10 bytes");
  let rest = BigInt(`0x${toHex(secret)}`);
  let code = "";
  for (let i = 0; i < CODE_LENGTH; i++, rest >>= 5n) code = ALPHABET[Number(rest & 31n)] + code;
  return /** @type {string[]} */ (code.match(/.{4}/g)).join("-");
}

/** Without case, hyphens and spaces; O as 0, I and L as 1. Throws ProtocolError `bad-code`. @param {string} text @returns {Bytes} 10 */
export function readCode(text) {
  const code = text.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  const digits = Array.from(code, (letter) => ALPHABET.indexOf(letter));
  if (digits.length !== CODE_LENGTH || digits.includes(-1)) throw new ProtocolError("bad-code");
  let whole = digits.reduce((sum, digit) => (sum << 5n) | BigInt(digit), 0n);
  const secret = new Uint8Array(SECRET_SIZE);
  for (let i = SECRET_SIZE - 1; i >= 0; i--, whole >>= 8n) secret[i] = Number(whole & 255n);
  return secret;
}

/** @param {Uint8Array} secret @returns {Promise<string>} 32 hex digits */
export const ticket = async (secret) => toHex(await hkdf(secret, ["relais/1 join", "ticket"], 16));

/** @param {Uint8Array} secret @param {Uint8Array} possession */
export const requestMac = async (secret, possession) => hmac(await hkdf(secret, ["relais/1 join", "request"]), possession);

/** @param {Uint8Array} secret @param {Uint8Array} statement */
export const answerMac = async (secret, statement) => hmac(await hkdf(secret, ["relais/1 join", "answer"]), statement);

/** In constant time. Throws ProtocolError `wrong-mac`. @param {Uint8Array} mac @param {Uint8Array} expected */
export function checkMac(mac, expected) {
  if (!isSame(mac, expected)) throw new ProtocolError("wrong-mac");
}
