/** The keys that open a locked device: from a code of digits, slowly; or from what a passkey computes. */
import { concat, randomBytes, utf8 } from "../core/bytes.js";
import { hkdf } from "../core/suite.js";
import { declined } from "./failure.js";
import { protect, unprotect } from "./key-store.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("./key-store.js").Protected} Protected */
/** `device`: an HMAC key that stays in this browser; without it the digits are worth nothing. @typedef {{ salt: Bytes, rounds: number, device: CryptoKey, kept: Protected }} CodeWay */
/** `id` and `salt`: whose answer to what. @typedef {{ id: Bytes, salt: Bytes, kept: Protected }} PasskeyWay */

export const ROUNDS = 600_000; // PBKDF2-HMAC-SHA256, the least that OWASP's password storage sheet recommends
const SALT_SIZE = 32;
const CODE = /^[0-9]{6,12}$/u;

/** The master secret under this code. Throws Failure `refused-here` `bad-pin`, `weak-pin`. @param {string} code @param {Bytes} master @returns {Promise<CodeWay>} */
export async function codeWay(code, master) {
  if (!CODE.test(code)) throw declined("bad-pin");
  if (isWeak(code)) throw declined("weak-pin");
  const device = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const slow = { salt: randomBytes(SALT_SIZE), rounds: ROUNDS, device };
  return { ...slow, kept: await protect(await keyOfCode(code, slow), master, "lock code") };
}

/** Throws ProtocolError `cannot-open` for another code. @param {CodeWay} way @param {string} code */
export async function openWithCode(way, code) {
  return unprotect(await keyOfCode(code, way), way.kept, "lock code");
}

/** The master secret under what the passkey computed. @param {{ id: Bytes, salt: Bytes, output: Bytes }} passkey @param {Bytes} master @returns {Promise<PasskeyWay>} */
export async function passkeyWay({ id, salt, output }, master) {
  return { id, salt, kept: await protect(await keyOfPasskey(output), master, "lock passkey") };
}

/** Throws ProtocolError `cannot-open`. @param {PasskeyWay} way @param {Bytes} output */
export async function openWithPasskey(way, output) {
  return unprotect(await keyOfPasskey(output), way.kept, "lock passkey");
}

export const newSalt = () => randomBytes(SALT_SIZE);

/** PBKDF2 (RFC 8018 §5.2): 32 bytes, in a good part of a second. @param {string} text @param {{ salt: Bytes, rounds: number }} slow @returns {Promise<Bytes>} */
export async function slowly(text, { salt, rounds }) {
  const base = await crypto.subtle.importKey("raw", utf8(text), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, base, 256));
}

/** @param {string} code @param {Omit<CodeWay, "kept">} way */
async function keyOfCode(code, { device, ...slow }) {
  const stretched = await slowly(code, slow);
  const bound = new Uint8Array(await crypto.subtle.sign("HMAC", device, stretched));
  return aesKey(await hkdf(concat(stretched, bound), ["relais/1 lock", "code"]));
}

/** @param {Bytes} output 32 bytes of the PRF */
const keyOfPasskey = async (output) => aesKey(await hkdf(output, ["relais/1 lock", "passkey"]));

/** @param {Bytes} key */
const aesKey = (key) => crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);

/** What is tried first: one digit over and over, or digits in a row. @param {string} code */
function isWeak(code) {
  const steps = new Set(Array.from(code.slice(1), (digit, place) => Number(digit) - Number(code[place])));
  const [step = 0] = steps;
  return steps.size === 1 && Math.abs(step) <= 1;
}
