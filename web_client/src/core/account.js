/**
 * Accounts: chains of signed statements about a person's or bot's devices and profile (docs/protocol.md §3).
 *
 * States are plain values (they survive a structured clone): state in, new state out. What arrived wrong throws
 * ProtocolError with the reason the protocol names.
 */
import { digest, peek, sign, verify } from "./cose.js";
import { asFields, DEVICE, identified } from "./device.js";
import { ProtocolError } from "./errors.js";
import { bytes, id16, id32, operations, optional, structure, text, time, uint } from "./structure.js";
import { isSame } from "./bytes.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cose.js").Signer} Signer */
/** @typedef {import("./device.js").Device} Device */
/** @typedef {import("./device.js").DeviceKeys} DeviceKeys */
/** @typedef {{ name: string, profession: string, organisation: string }} Profile */
/** @typedef {{ device: Device, addedAt: number, addedSeq: number, revokedAt: number | null, revokedSeq: number | null }} DeviceRecord */
/**
 * `heads[n]` is the hash of statement n; the last one is `head`.
 * @typedef {{ account: string, seq: number, head: string, at: number, profile: Profile, replaces: string | null,
 *   devices: Map<string, DeviceRecord>, heads: string[] }} AccountState
 */
/** @typedef {import("./structure.js").ValueOf<typeof STATEMENT>} Statement */

export const ACCOUNT_CONTEXT = "relais/1 account";
export const DEVICE_CONTEXT = "relais/1 device";
export const DEVICES_MOST = 32;

export const PROFILE = structure({ name: text(120, 1), profession: text(60), organisation: text(120) });
const POSSESSION = structure({ account: id32, device: DEVICE });
const STATEMENT = structure({
  account: optional(id32), seq: uint, prev: optional(id32), at: time, device: id16,
  operation: operations({
    "create": { device: DEVICE, profile: PROFILE, replaces: optional(id32) },
    "device.add": { device: DEVICE, possession: bytes() },
    "device.revoke": { device: id16 },
    "device.rename": { device: id16, label: text(80) },
    "profile": { profile: PROFILE },
  }),
});

/** Statement 0 of a new account. @param {DeviceKeys} keys @param {{ device: Device, profile: Profile, at: number, replaces?: string | null }} what */
export function create(keys, { device, profile, at, replaces = null }) {
  const operation = /** @type {const} */ ({ op: "create", device: asFields(device), profile, replaces });
  return signStatement(keys, { account: null, seq: 0, prev: null, at, device: keys.id, operation });
}

/** @param {AccountState} state @param {Signer} keys @param {{ device: Device, possession: Bytes, at: number }} what */
export function addDevice(state, keys, { device, possession, at }) {
  return next(state, keys, { at, operation: { op: "device.add", device: asFields(device), possession } });
}

/** @param {AccountState} state @param {Signer} keys @param {{ device: string, at: number }} what */
export function revokeDevice(state, keys, { device, at }) {
  return next(state, keys, { at, operation: { op: "device.revoke", device } });
}

/** @param {AccountState} state @param {Signer} keys @param {{ device: string, label: string, at: number }} what */
export function renameDevice(state, keys, { device, label, at }) {
  return next(state, keys, { at, operation: { op: "device.rename", device, label } });
}

/** @param {AccountState} state @param {Signer} keys @param {{ profile: Profile, at: number }} what */
export function changeProfile(state, keys, { profile, at }) {
  return next(state, keys, { at, operation: { op: "profile", profile } });
}

/** A new device's word that it joins this account and no other. @param {Signer} keys @param {Device} device @param {string} account */
export function possess(keys, device, account) {
  return sign(POSSESSION.encode({ account, device: asFields(device) }), { keys, context: DEVICE_CONTEXT });
}

/**
 * Whose device a possession names, verified. Throws ProtocolError `bad-possession`.
 * @param {Uint8Array} data @returns {Promise<{ account: string, device: Device }>}
 */
export async function openPossession(data) {
  try {
    const signed = peek(data);
    const { account, device: fields } = POSSESSION.decode(signed.payload);
    const device = await identified(fields);
    if (device.id !== signed.kid) throw new ProtocolError("wrong-device");
    await verify(signed, { publicKey: device.sign, context: DEVICE_CONTEXT });
    return { account, device };
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProtocolError("bad-possession", { cause: error });
    throw error;
  }
}

/** @param {Uint8Array} statement statement 0 */
export const accountId = (statement) => digest(statement);

/** @param {Uint8Array} data @returns {Statement} unverified */
export const peekStatement = (data) => STATEMENT.decode(peek(data).payload);

/** Verify one statement after another. @param {readonly Uint8Array[]} statements from 0 @returns {Promise<AccountState>} */
export async function replay(statements) {
  /** @type {AccountState | null} */
  let state = null;
  for (const statement of statements) state = await apply(state, statement);
  if (state === null) throw new ProtocolError("broken-chain");
  return state;
}

/**
 * The account that stands for `account` after resets: statements 0, each naming the account before it; one or more.
 * Throws ProtocolError `wrong-account` when one names another, and what `apply` throws.
 * @param {readonly Uint8Array[]} statements @param {string} account @returns {Promise<string>}
 */
export async function readResets(statements, account) {
  for (const statement of statements) {
    const state = await apply(null, statement);
    if (state.replaces !== account) throw new ProtocolError("wrong-account");
    account = state.account;
  }
  return account;
}

/** Verify a statement and add it. @param {AccountState | null} state @param {Uint8Array} data @returns {Promise<AccountState>} */
export async function apply(state, data) {
  const signed = peek(data);
  const statement = STATEMENT.decode(signed.payload);
  if (statement.device !== signed.kid) throw new ProtocolError("bad-signature");
  if (state === null) return begin(statement, signed);
  checkPlace(state, statement);
  const signer = requireInForce(state, statement.device);
  await verify(signed, { publicKey: signer.sign, context: ACCOUNT_CONTEXT });
  if (statement.at < state.at) throw new ProtocolError("time-went-back");
  const head = await digest(data);
  const moved = { ...state, seq: statement.seq, head, at: statement.at, heads: [...state.heads, head] };
  return CHANGES[statement.operation.op](moved, statement, signer);
}

/** @param {Statement} statement @param {import("./cose.js").Signed} signed @returns {Promise<AccountState>} */
async function begin(statement, signed) {
  const { operation: created, at } = statement;
  if (created.op !== "create") throw new ProtocolError("misplaced-create");
  if (statement.account !== null || statement.seq !== 0 || statement.prev !== null) throw new ProtocolError("broken-chain");
  const device = await identified(created.device);
  if (device.id !== statement.device) throw new ProtocolError("not-a-device");
  await verify(signed, { publicKey: device.sign, context: ACCOUNT_CONTEXT });
  const account = await digest(signed.raw);
  const record = { device, addedAt: at, addedSeq: 0, revokedAt: null, revokedSeq: null };
  return {
    account, seq: 0, head: account, at, profile: created.profile, replaces: created.replaces,
    devices: new Map([[device.id, record]]), heads: [account],
  };
}

/** @param {AccountState} state @param {Statement} statement */
function checkPlace(state, statement) {
  if (statement.account !== state.account) throw new ProtocolError("wrong-account");
  if (statement.seq !== state.seq + 1 || statement.prev !== state.head) throw new ProtocolError("broken-chain");
}

/** @param {AccountState} state @param {string} id @returns {DeviceRecord} */
function recordOf(state, id) {
  const record = state.devices.get(id);
  if (!record) throw new ProtocolError("not-a-device");
  return record;
}

/**
 * The keys of a device that acts for the account: now, or had not been revoked before the time `at`. When it was added
 * does not count, for the clocks of two devices differ. Throws ProtocolError `not-a-device`, `revoked-device`.
 * @param {AccountState} state @param {string} id @param {number} [at] @returns {Device}
 */
export function requireInForce(state, id, at = Infinity) {
  const { device, revokedAt } = recordOf(state, id);
  if (revokedAt !== null && at > revokedAt) throw new ProtocolError("revoked-device");
  return device;
}

/**
 * The device, in force when `head` was the account's head.
 * Throws ProtocolError `wrong-account` (no head of this account), `not-a-device`, `revoked-device`.
 * @param {AccountState} state @param {string} id @param {string} head @returns {Device}
 */
export function requireInForceAtHead(state, id, head) {
  const seq = state.heads.indexOf(head);
  if (seq < 0) throw new ProtocolError("wrong-account");
  const { device, addedSeq, revokedSeq } = recordOf(state, id);
  if (addedSeq > seq) throw new ProtocolError("not-a-device");
  if (revokedSeq !== null && revokedSeq <= seq) throw new ProtocolError("revoked-device");
  return device;
}

/**
 * @template {Statement["operation"]["op"]} O
 * @typedef {Extract<Statement["operation"], { op: O }>} OperationOf
 */
/** @type {Record<Statement["operation"]["op"], (state: AccountState, statement: Statement, signer: Device) => AccountState | Promise<AccountState>>} */
const CHANGES = {
  "create": () => { throw new ProtocolError("misplaced-create"); },
  "device.add": (state, { operation, at, seq }, signer) =>
    deviceAdded(state, /** @type {OperationOf<"device.add">} */ (operation), { at, seq, signer }),
  "device.revoke": (state, { operation, at, seq }, signer) =>
    deviceRevoked(state, /** @type {OperationOf<"device.revoke">} */ (operation).device, { at, seq, signer }),
  "device.rename": (state, { operation }) => deviceRenamed(state, /** @type {OperationOf<"device.rename">} */ (operation)),
  "profile": (state, { operation }) => ({ ...state, profile: /** @type {OperationOf<"profile">} */ (operation).profile }),
};

/** @param {AccountState} state @param {OperationOf<"device.add">} operation @param {{ at: number, seq: number, signer: Device }} by */
async function deviceAdded(state, operation, { at, seq, signer }) {
  const device = await identified(operation.device);
  if (state.devices.has(device.id)) throw new ProtocolError("duplicate-device");
  if (devicesInForce(state).length >= DEVICES_MOST) throw new ProtocolError("too-many-devices");
  if (signer.kind === "bot" && device.kind !== "bot") throw new ProtocolError("not-allowed");
  await checkPossession(operation.possession, state.account, operation.device);
  const record = { device, addedAt: at, addedSeq: seq, revokedAt: null, revokedSeq: null };
  return { ...state, devices: new Map([...state.devices, [device.id, record]]) };
}

/** @param {Bytes} possession @param {string} account @param {import("./structure.js").ValueOf<typeof DEVICE>} fields */
async function checkPossession(possession, account, fields) {
  const proved = await openPossession(possession);
  const isThis = proved.account === account && isSame(DEVICE.encode(asFields(proved.device)), DEVICE.encode(fields));
  if (!isThis) throw new ProtocolError("bad-possession");
}

/** @param {AccountState} state @param {string} id @param {{ at: number, seq: number, signer: Device }} by @returns {AccountState} */
function deviceRevoked(state, id, { at, seq, signer }) {
  const revoked = requireInForce(state, id);
  const left = devicesInForce(state).filter((device) => device.id !== id);
  const isLeft = left.some((device) => device.kind !== "recovery");
  const mayBeLast = revoked.kind === "recovery" || signer.kind === "recovery";
  if (left.length === 0 || !(isLeft || mayBeLast)) throw new ProtocolError("last-device");
  const record = { ...recordOf(state, id), revokedAt: at, revokedSeq: seq };
  return { ...state, devices: new Map(state.devices).set(id, record) };
}

/** @param {AccountState} state @param {OperationOf<"device.rename">} operation @returns {AccountState} */
function deviceRenamed(state, { device: id, label }) {
  const device = { ...requireInForce(state, id), label };
  return { ...state, devices: new Map(state.devices).set(id, { ...recordOf(state, id), device }) };
}

/** @param {AccountState} state @returns {Device[]} in the order they were added */
export function devicesInForce(state) {
  return [...state.devices.values()].filter((record) => record.revokedAt === null).map((record) => record.device);
}

/** @param {AccountState} state @param {Signer} keys @param {Pick<Statement, "at" | "operation">} what */
function next(state, keys, what) {
  return signStatement(keys, { account: state.account, seq: state.seq + 1, prev: state.head, device: keys.id, ...what });
}

/** @param {Signer} keys @param {Statement} statement @returns {Promise<Bytes>} */
function signStatement(keys, statement) {
  return sign(STATEMENT.encode(statement), { keys, context: ACCOUNT_CONTEXT });
}
