/**
 * Escrows: accounts whose device comes from a seed that is shared among guardians, any `quorum` of whom have it together
 * (docs/protocol.md §13). Parts are XORed: replicated secret sharing (Ito, Saito, Nishizeki 1987).
 */
import { fromHex, isSame } from "./bytes.js";
import { decode, encode } from "./cbor.js";
import { peek as peekSigned, sign, verify as verifySigned } from "./cose.js";
import { keysFromSeeds } from "./device.js";
import { ProtocolError } from "./errors.js";
import { bytes, id16, id32, list, structure, time, uint } from "./structure.js";
import { hkdf, openSealed, sealTo, sha256 } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./account.js").AccountState} AccountState */
/** @typedef {import("./device.js").Device} Device */
/** @typedef {import("./device.js").DeviceKeys} DeviceKeys */
/** @typedef {import("./structure.js").ValueOf<typeof STATEMENT>} StatementFields */
/** @typedef {StatementFields & { signed: import("./cose.js").Signed }} EscrowStatement */
/** Parts somebody holds, by their number. @typedef {ReadonlyMap<number, Bytes>} Parts */

export const ESCROW_CONTEXT = "relais/1 escrow";
export const GUARDIANS_MOST = 7;
export const PART_SIZE = 32;
const LEAST = 2;
const PARTS_MOST = 35; // 7 guardians, quorum 4 or 5

const STATEMENT = structure({
  account: id32, device: id16, at: time, quorum: uint,
  guardians: list(id32, { most: GUARDIANS_MOST }), commitments: list(bytes(32), { most: PARTS_MOST }),
});

/** The device of a seed. @param {Uint8Array} seed 32 bytes @returns {Promise<DeviceKeys>} */
export async function keysOf(seed) {
  const [signSeed, kemSeed] = await Promise.all([hkdf(seed, [ESCROW_CONTEXT, "sign"]), hkdf(seed, [ESCROW_CONTEXT, "kem"])]);
  return keysFromSeeds(signSeed, kemSeed);
}

/** The sets of quorum − 1 guardians, by their positions, in lexicographic order: each lacks one part. @param {number} guardians @param {number} quorum @returns {number[][]} */
export function lacking(guardians, quorum) {
  /** @param {number} from @param {number} size @returns {number[][]} */
  const sets = (from, size) => (size === 0 ? [[]] : range(from, guardians).flatMap((first) => sets(first + 1, size - 1).map((rest) => [first, ...rest])));
  return sets(0, quorum - 1);
}

/** @param {number} from @param {number} until */
const range = (from, until) => Array.from({ length: Math.max(0, until - from) }, (_, index) => from + index);

/** The numbers of the parts that the guardian at a position holds, in order. @param {number} position @param {{ guardians: number, quorum: number }} of */
export function heldBy(position, { guardians, quorum }) {
  return lacking(guardians, quorum).flatMap((set, number) => (set.includes(position) ? [] : [number]));
}

/**
 * The parts of a seed: random ones, and a last one that makes them whole.
 * @param {Uint8Array} seed 32 bytes @param {readonly Uint8Array[]} random 32 bytes each, one fewer than there are sets @returns {Bytes[]}
 */
export const split = (seed, random) => [...random.map((part) => new Uint8Array(part)), xor([seed, ...random])];

/** The seed of all its parts. @param {readonly Uint8Array[]} parts 32 bytes each @returns {Bytes} */
export const combine = (parts) => xor(parts);

/** @param {readonly Uint8Array[]} parts @returns {Bytes} */
function xor(parts) {
  const sum = new Uint8Array(PART_SIZE);
  for (const part of parts) for (let i = 0; i < PART_SIZE; i++) sum[i] = /** @type {number} */ (sum[i]) ^ /** @type {number} */ (part[i]);
  return sum;
}

/** @param {{ account: string, device: string, number: number }} of @param {Uint8Array} part @returns {Promise<Bytes>} */
export function commitment({ account, device, number }, part) {
  return sha256(encode(["relais/1 part", fromHex(account), fromHex(device), number, part]));
}

/**
 * Throws ProtocolError `bad-quorum`.
 * @param {DeviceKeys} keys of the escrow's device
 * @param {{ account: string, at: number, quorum: number, guardians: readonly string[], parts: readonly Uint8Array[] }} what `guardians`: accounts, ascending
 * @returns {Promise<Bytes>}
 */
export async function writeStatement(keys, { account, at, quorum, guardians, parts }) {
  const commitments = await Promise.all(parts.map((part, number) => commitment({ account, device: keys.id, number }, part)));
  const fields = { account, device: keys.id, at, quorum, guardians: [...guardians], commitments };
  checkQuorum(fields);
  return sign(STATEMENT.encode(fields), { keys, context: ESCROW_CONTEXT });
}

/** Read without verifying the signature. Throws ProtocolError `bad-signature` (signed by another device than it names), `bad-quorum`. @param {Uint8Array} data @returns {EscrowStatement} */
export function peekStatement(data) {
  const signed = peekSigned(data);
  const fields = STATEMENT.decode(signed.payload);
  if (fields.device !== signed.kid) throw new ProtocolError("bad-signature");
  checkQuorum(fields);
  return { ...fields, signed };
}

/** @param {StatementFields} statement */
function checkQuorum({ quorum, guardians, commitments }) {
  const isAscending = guardians.every((guardian, index) => index === 0 || /** @type {string} */ (guardians[index - 1]) < guardian);
  const isQuorum = guardians.length >= LEAST && quorum >= LEAST && quorum <= guardians.length;
  if (!isAscending || !isQuorum || commitments.length !== lacking(guardians.length, quorum).length) throw new ProtocolError("bad-quorum");
}

/**
 * Check that the device it is about signed it, and is in force in the escrow's account.
 * Throws ProtocolError `wrong-account`, `wrong-device`, `bad-signature`.
 * @param {EscrowStatement} statement @param {AccountState} escrow
 * @param {{ isPast?: boolean }} [how] `isPast`: that it was not revoked before `at` is enough
 */
export async function verifyStatement(statement, escrow, { isPast = false } = {}) {
  if (escrow.account !== statement.account) throw new ProtocolError("wrong-account");
  const record = escrow.devices.get(statement.device);
  const isInForce = record && (record.revokedAt === null || (isPast && statement.at <= record.revokedAt));
  if (!isInForce) throw new ProtocolError("wrong-device");
  await verifySigned(statement.signed, { publicKey: record.device.sign, context: ESCROW_CONTEXT });
}

/** The numbers of a guardian's parts. Throws ProtocolError `not-a-guardian`. @param {StatementFields} statement @param {string} guardian an account */
export function heldOf({ guardians, quorum }, guardian) {
  const position = guardians.indexOf(guardian);
  if (position < 0) throw new ProtocolError("not-a-guardian");
  return heldBy(position, { guardians: guardians.length, quorum });
}

/** A guardian's parts, for one of its devices. @param {Device} device @param {readonly Uint8Array[]} parts in order @param {{ account: string, device: string }} escrow @returns {Promise<Bytes>} */
export function sealShare(device, parts, escrow) {
  return sealTo(device.kem, encode([...parts]), shareInfo(escrow, device.id));
}

/**
 * A guardian's own parts, true to the statement. Throws ProtocolError `not-a-guardian`, `cannot-open`, `wrong-share`.
 * @param {DeviceKeys} mine @param {Uint8Array} sealed @param {{ statement: StatementFields, guardian: string }} of `guardian`: this device's account @returns {Promise<Parts>}
 */
export async function openShare(mine, sealed, { statement, guardian }) {
  const plaintext = await openSealed(mine.kemSeed, sealed, shareInfo(statement, mine.id));
  return readParts(plaintext, { statement, guardian });
}

/**
 * Parts as they are sealed, checked against what the statement published. Throws ProtocolError `not-a-guardian`, `wrong-share`.
 * @param {Uint8Array} plaintext @param {{ statement: StatementFields, guardian: string }} of @returns {Promise<Parts>}
 */
export async function readParts(plaintext, { statement, guardian }) {
  const numbers = heldOf(statement, guardian);
  const parts = decodeParts(plaintext);
  if (parts.length !== numbers.length) throw new ProtocolError("wrong-share");
  const held = new Map(numbers.map((number, index) => [number, /** @type {Bytes} */ (parts[index])]));
  for (const [number, part] of held) {
    const published = /** @type {Bytes} */ (statement.commitments[number]);
    if (!isSame(published, await commitment({ account: statement.account, device: statement.device, number }, part))) throw new ProtocolError("wrong-share");
  }
  return held;
}

/** @param {Uint8Array} plaintext @returns {Bytes[]} */
function decodeParts(plaintext) {
  try {
    const parts = decode(plaintext);
    if (Array.isArray(parts) && parts.every((part) => part instanceof Uint8Array && part.length === PART_SIZE)) return /** @type {Bytes[]} */ (parts);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw new ProtocolError("wrong-share");
}

/**
 * The escrow's device of parts that are true to the statement. Throws ProtocolError `parts-missing`, `wrong-share` (they
 * give another device).
 * @param {StatementFields} statement @param {Parts} parts @returns {Promise<DeviceKeys>}
 */
export async function assemble(statement, parts) {
  const all = statement.commitments.map((_, number) => parts.get(number));
  if (all.includes(undefined)) throw new ProtocolError("parts-missing");
  const seed = combine(/** @type {Bytes[]} */ (all));
  const keys = await keysOf(seed);
  seed.fill(0);
  if (!isSame(fromHex(keys.id), fromHex(statement.device))) throw new ProtocolError("wrong-share");
  return keys;
}

/** @param {{ account: string, device: string }} escrow @param {string} guardianDevice */
const shareInfo = ({ account, device }, guardianDevice) => ["relais/1 share", fromHex(account), fromHex(device), fromHex(guardianDevice)];

/** In ascending order, each once, as a statement names them. @param {Iterable<string>} accounts */
export const ordered = (accounts) => [...new Set(accounts)].sort();
