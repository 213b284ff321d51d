/**
 * Safety numbers (docs/protocol.md §10): 60 digits that two people compare to know there is nobody between them. Each
 * person's half stands for their account's id and for all of its devices in force.
 */
import { devicesInForce } from "./account.js";
import { fromHex, isSame, utf8 } from "./bytes.js";
import { encode } from "./cbor.js";
import { ProtocolError } from "./errors.js";
import { sha256 } from "./suite.js";

/** @typedef {import("./account.js").AccountState} AccountState */

const GROUPS = 6;
const GROUP_BYTES = 5;
const GROUP_DIGITS = 5;
const PREFIX = "relais-safety:1:";

/** The 30 digits of one account: they change when a device comes or goes, and with nothing else. @param {AccountState} state @returns {Promise<string>} */
export async function half(state) {
  const devices = devicesInForce(state).map(({ id }) => id).sort(); // hex sorts as its bytes do
  const digest = await sha256(encode(["relais/1 safety", fromHex(state.account), devices.map(fromHex)]));
  return Array.from({ length: GROUPS }, (_, place) => group(digest, place)).join("");
}

/** The 60 digits of two accounts, the same whoever asks. Throws ProtocolError `wrong-account` for one with itself. @param {AccountState} one @param {AccountState} other */
export async function number(one, other) {
  if (one.account === other.account) throw new ProtocolError("wrong-account");
  const [first, second] = one.account < other.account ? [one, other] : [other, one];
  return (await half(first)) + (await half(second));
}

/** For people: twelve groups of five digits. @param {string} digits @returns {string[]} */
export const grouped = (digits) => digits.match(/.{5}/gu) ?? [];

/** What the QR code holds. @param {string} digits 60 */
export const qrText = (digits) => PREFIX + digits;

/** The 60 digits of a QR code's text, or as somebody typed them. Throws ProtocolError `bad-code`. @param {string} text */
export function read(text) {
  const said = text.trim();
  const digits = (said.startsWith(PREFIX) ? said.slice(PREFIX.length) : said).replace(/[\s-]/gu, "");
  if (!/^[0-9]{60}$/u.test(digits)) throw new ProtocolError("bad-code");
  return digits;
}

/** Compare two numbers in constant time. @param {string} digits @param {string} others */
export const isSameNumber = (digits, others) => isSame(utf8(digits), utf8(others));

/** @param {Uint8Array} digest @param {number} place */
function group(digest, place) {
  const bytes = digest.subarray(place * GROUP_BYTES, (place + 1) * GROUP_BYTES);
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0); // below 2^40: exact
  return String(value % 10 ** GROUP_DIGITS).padStart(GROUP_DIGITS, "0");
}
