/**
 * Emergency access: who asks an escrow's guardians to be let into a circle, and what they answer (docs/protocol.md §13).
 */
import { requireInForce } from "./account.js";
import { fromHex, isSame } from "./bytes.js";
import { encode } from "./cbor.js";
import { digest, peek as peekSigned, sign, verify as verifySigned } from "./cose.js";
import { ProtocolError } from "./errors.js";
import { readParts } from "./escrow.js";
import { bool, bytes, id16, id32, list, structure, text, time } from "./structure.js";
import { openSealed, sealTo, sha256, sha256Hex } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./account.js").AccountState} AccountState */
/** @typedef {import("./device.js").Device} Device */
/** @typedef {import("./device.js").DeviceKeys} DeviceKeys */
/** @typedef {import("./escrow.js").Parts} Parts */
/** @typedef {import("./structure.js").ValueOf<typeof REQUEST>} RequestFields */
/** @typedef {import("./structure.js").ValueOf<typeof ANSWER>} AnswerFields */
/** @typedef {RequestFields & { id: string, signed: import("./cose.js").Signed }} EmergencyRequest `id`: its hash */
/** @typedef {AnswerFields & { signed: import("./cose.js").Signed }} EmergencyAnswer */

export const EMERGENCY_CONTEXT = "relais/1 emergency";
export const ANSWER_CONTEXT = "relais/1 answer";
export const REASONS = /** @type {const} */ (["vital", "night", "absence", "handover", "other"]);
export const LONGEST = 72 * 3_600_000;
export const WORDS_MOST = 500;
const SALT_SIZE = 16;
const SEALED_MOST = 7 * 32; // guardians, of so many devices each

const REQUEST = structure({
  escrow: id32, circle: id32, account: id32, account_head: id32, device: id16, at: time, until: time, reason: text(20), explained: id32,
});
const EXPLAINED = structure({ salt: bytes(SALT_SIZE), text: text(WORDS_MOST) });
const ANSWER = structure({
  request: id32, account: id32, device: id16, escrow_device: id16, at: time, approved: bool,
  parts: list(structure({ device: id16, sealed: bytes() }), { most: SEALED_MOST }),
});

/** The words as they are sealed, and their hash. @param {string} words @param {Bytes} salt 16 @returns {Promise<{ plaintext: Bytes, hash: string }>} */
export async function explain(words, salt) {
  const plaintext = EXPLAINED.encode({ salt, text: words });
  return { plaintext, hash: await sha256Hex(plaintext) };
}

/** Throws ProtocolError `unknown-reason`, `bad-period`. @param {DeviceKeys} keys @param {Omit<RequestFields, "device">} fields @returns {Promise<Bytes>} */
export async function writeRequest(keys, fields) {
  checkRequest(fields);
  return sign(REQUEST.encode({ ...fields, device: keys.id }), { keys, context: EMERGENCY_CONTEXT });
}

/** Read without verifying. Throws ProtocolError `bad-signature` (signed by another device than it names), `unknown-reason`, `bad-period`. @param {Uint8Array} data @returns {Promise<EmergencyRequest>} */
export async function peekRequest(data) {
  const signed = peekSigned(data);
  const fields = REQUEST.decode(signed.payload);
  if (fields.device !== signed.kid) throw new ProtocolError("bad-signature");
  checkRequest(fields);
  return { ...fields, signed, id: await digest(data) };
}

/** @param {Pick<RequestFields, "reason" | "at" | "until">} request */
function checkRequest({ reason, at, until }) {
  if (!REASONS.some((known) => known === reason)) throw new ProtocolError("unknown-reason");
  if (until <= at || until > at + LONGEST) throw new ProtocolError("bad-period");
}

/**
 * Check that a device of the requester, not revoked before `at`, signed it.
 * Throws ProtocolError `wrong-account` (`account_head` is no head of it, too), `not-a-device`, `revoked-device`, `bad-signature`.
 * @param {EmergencyRequest} request @param {AccountState} requester
 */
export async function verifyRequest(request, requester) {
  if (requester.account === request.account && !requester.heads.includes(request.account_head)) throw new ProtocolError("wrong-account");
  await verifyBy(request, requester, EMERGENCY_CONTEXT);
}

/** @param {RequestFields} request @param {Device} device of a guardian @param {Bytes} plaintext as `explain` made it @returns {Promise<Bytes>} */
export function sealWords(request, device, plaintext) {
  return sealTo(device.kem, plaintext, wordsInfo(request, device.id));
}

/** What the requester says, true to the request. Throws ProtocolError `cannot-open`, `wrong-words`. @param {DeviceKeys} mine @param {Uint8Array} sealed @param {RequestFields} request */
export async function openWords(mine, sealed, request) {
  const plaintext = await openSealed(mine.kemSeed, sealed, wordsInfo(request, mine.id));
  if (!isSame(await sha256(plaintext), fromHex(request.explained))) throw new ProtocolError("wrong-words");
  return EXPLAINED.decode(plaintext).text;
}

/** @param {RequestFields} request @param {string} guardianDevice */
const wordsInfo = ({ circle, device }, guardianDevice) => ["relais/1 explained", fromHex(circle), fromHex(device), fromHex(guardianDevice)];

/** A guardian's parts, for one device of another. @param {DeviceKeys} keys @param {Device} device @param {{ request: string, parts: Parts }} what @returns {Promise<Bytes>} */
export function sealParts(keys, device, { request, parts }) {
  return sealTo(device.kem, encode([...parts.values()]), releaseInfo({ request, from: keys.id, to: device.id }));
}

/** @param {DeviceKeys} keys @param {Omit<AnswerFields, "device">} fields `parts`: none when declined @returns {Promise<Bytes>} */
export function writeAnswer(keys, fields) {
  return sign(ANSWER.encode({ ...fields, device: keys.id }), { keys, context: ANSWER_CONTEXT });
}

/**
 * Read without verifying. Throws ProtocolError `bad-signature` (signed by another device than it names), `wrong-share`
 * (parts in an answer that declines, none in one that approves, two for a device).
 * @param {Uint8Array} data @returns {EmergencyAnswer}
 */
export function peekAnswer(data) {
  const signed = peekSigned(data);
  const fields = ANSWER.decode(signed.payload);
  if (fields.device !== signed.kid) throw new ProtocolError("bad-signature");
  const isOnce = new Set(fields.parts.map(({ device }) => device)).size === fields.parts.length;
  if (!isOnce || fields.approved !== fields.parts.length > 0) throw new ProtocolError("wrong-share");
  return { ...fields, signed };
}

/**
 * Check that a guardian's device, not revoked before `at`, answered this request.
 * Throws ProtocolError `wrong-request`, `wrong-account`, `not-a-device`, `revoked-device`, `bad-signature`.
 * @param {EmergencyAnswer} answer @param {AccountState} guardian @param {string} request
 */
export async function verifyAnswer(answer, guardian, request) {
  if (answer.request !== request) throw new ProtocolError("wrong-request");
  await verifyBy(answer, guardian, ANSWER_CONTEXT);
}

/**
 * The parts that another guardian sealed to this device, true to the statement. Throws ProtocolError `parts-missing` (none
 * for this device), `wrong-device` (parts of another device of the escrow), `not-a-guardian`, `cannot-open`, `wrong-share`.
 * @param {DeviceKeys} mine @param {EmergencyAnswer} answer @param {import("./escrow.js").StatementFields} statement @returns {Promise<Parts>}
 */
export async function openParts(mine, answer, statement) {
  const sealed = answer.parts.find(({ device }) => device === mine.id)?.sealed;
  if (!sealed) throw new ProtocolError("parts-missing");
  if (answer.escrow_device !== statement.device) throw new ProtocolError("wrong-device");
  const plaintext = await openSealed(mine.kemSeed, sealed, releaseInfo({ request: answer.request, from: answer.device, to: mine.id }));
  return readParts(plaintext, { statement, guardian: answer.account });
}

/** @param {{ request: string, from: string, to: string }} way */
const releaseInfo = ({ request, from, to }) => ["relais/1 release", fromHex(request), fromHex(from), fromHex(to)];

/** @param {{ account: string, device: string, at: number, signed: import("./cose.js").Signed }} said @param {AccountState} by @param {string} context */
async function verifyBy({ account, device, at, signed }, by, context) {
  if (by.account !== account) throw new ProtocolError("wrong-account");
  await verifySigned(signed, { publicKey: requireInForce(by, device, at).sign, context });
}
