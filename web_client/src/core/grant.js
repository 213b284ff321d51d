/** Grants: epoch keys sealed to one device (docs/protocol.md §5). */
import { fromHex, isSame } from "./bytes.js";
import { requireInForce } from "./account.js";
import { decode, encode } from "./cbor.js";
import { peek as peekSigned, sign, verify as verifySigned } from "./cose.js";
import { commitment, keyName } from "./epoch.js";
import { ProtocolError } from "./errors.js";
import { hasRead } from "./ledger-state.js";
import { bytes, id16, id32, list, structure, text, time, uint, uuid } from "./structure.js";
import { KEY_SIZE, openSealed, sealTo } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./account.js").AccountState} AccountState */
/** @typedef {import("./ledger-state.js").CircleState} CircleState */
/** @typedef {{ audience: string, epoch: number, key: Bytes }} EpochKey */
/** The content key of one version, handed over by itself. @typedef {{ note: string, version: number, key: Bytes }} NoteKey */
/** @typedef {{ audience: string, epoch: number } | { note: string, version: number }} GrantedName what a key opens: an epoch, or one version */
/** @typedef {import("./structure.js").ValueOf<typeof GRANT> & { granterDevice: string, signed: import("./cose.js").Signed }} Grant */

export const GRANT_CONTEXT = "relais/1 grant";
export const KEYS_MOST = 1_000;

const EPOCH = structure({ audience: text(20), epoch: uint });
const NOTE = structure({ note: uuid, version: uint });
/** @type {import("./structure.js").Kind<GrantedName>} */
const NAME = {
  write: (name) => ("note" in name ? NOTE.write(name) : EPOCH.write(name)),
  read: (map) => (map instanceof Map && map.has("note") ? NOTE.read(map) : EPOCH.read(map)),
};
const GRANT = structure({
  circle: id32, account: id32, device: id16, granter: id32, at: time,
  keys: list(NAME, { most: KEYS_MOST, least: 1 }), sealed: bytes(),
});

/**
 * @param {import("./cose.js").Signer} keys of the granting device
 * @param {import("./device.js").Device} device for whom
 * @param {{ circle: string, account: string, granter: string, epochs?: readonly EpochKey[], notes?: readonly NoteKey[], at: number }} what
 * @returns {Promise<Bytes>}
 */
export async function seal(keys, device, { circle, account, granter, epochs = [], notes = [], at }) {
  const plaintext = encode([...epochs, ...notes].map(({ key }) => key));
  const sealed = await sealTo(device.kem, plaintext, info({ circle, device: device.id, granterDevice: keys.id }));
  const named = [...epochs.map(({ audience, epoch }) => ({ audience, epoch })), ...notes.map(({ note, version }) => ({ note, version }))];
  const payload = GRANT.encode({ circle, account, device: device.id, granter, at, keys: named, sealed });
  return sign(payload, { keys, context: GRANT_CONTEXT });
}

/** Read without verifying. @param {Uint8Array} data @returns {Grant} */
export function peek(data) {
  const signed = peekSigned(data);
  return { ...GRANT.decode(signed.payload), granterDevice: signed.kid, signed };
}

/**
 * Check that a device of the granter, not revoked before `at`, signed it.
 * Throws ProtocolError `wrong-account`, `not-a-device`, `revoked-device`, `bad-signature`.
 * @param {Grant} grant @param {AccountState} granter
 */
export async function verify(grant, granter) {
  if (granter.account !== grant.granter) throw new ProtocolError("wrong-account");
  const device = requireInForce(granter, grant.granterDevice, grant.at);
  await verifySigned(grant.signed, { publicKey: device.sign, context: GRANT_CONTEXT });
}

/**
 * Check by the ledger that the granter could hold what it hands on.
 * Throws ProtocolError `wrong-circle`, `not-entitled`, `wrong-epoch` (no such epoch).
 * @param {Grant} grant @param {CircleState} state
 */
export function checkGranter(grant, state) {
  if (grant.circle !== state.circle) throw new ProtocolError("wrong-circle");
  const granter = state.members.get(grant.granter);
  for (const name of grant.keys) {
    const audiences = "note" in name ? (granter?.periods.flatMap((period) => period.audiences) ?? []) : [name.audience];
    if (!audiences.some((audience) => hasRead(granter, audience))) throw new ProtocolError("not-entitled");
    if ("epoch" in name && !state.audiences.get(name.audience)?.epochs.has(name.epoch)) throw new ProtocolError("wrong-epoch");
  }
}

/**
 * Verify and open a grant made to one's own device. Keys of epochs are true to their commitments; those of single versions
 * only their envelopes can tell true. Throws ProtocolError as `verify` and `checkGranter`, and
 * `wrong-device`, `cannot-open`, `wrong-key`.
 * @param {Uint8Array} data @param {import("./device.js").DeviceKeys} mine
 * @param {{ state: CircleState, granter: AccountState }} known
 * @returns {Promise<Map<string, Bytes>>} by `keyName`
 */
export async function openGrant(data, mine, { state, granter }) {
  const grant = peek(data);
  if (grant.device !== mine.id) throw new ProtocolError("wrong-device");
  await verify(grant, granter);
  checkGranter(grant, state);
  const keys = readKeys(await openSealed(mine.kemSeed, grant.sealed, info(grant)), grant.keys.length);
  /** @type {Map<string, Bytes>} */
  const opened = new Map();
  for (const [index, name] of grant.keys.entries()) {
    const key = /** @type {Bytes} */ (keys[index]);
    if ("epoch" in name) await checkKey(state, { ...name, key });
    opened.set(nameOf(name), key);
  }
  return opened;
}

/** Where a key is kept. @param {GrantedName} name */
export const nameOf = (name) => ("note" in name ? keyName(name.note, name.version) : keyName(name.audience, name.epoch));

/** Against what the ledger published. Throws ProtocolError `wrong-key`. @param {CircleState} state @param {EpochKey} named */
export async function checkKey(state, { audience, epoch, key }) {
  const published = state.audiences.get(audience)?.epochs.get(epoch)?.commitment;
  if (!published || !isSame(published, await commitment(key, audience, epoch))) throw new ProtocolError("wrong-key");
}

/** What is no CBOR holds no key: like a wrong one, nobody but the device can see it. @param {Bytes} plaintext */
function inside(plaintext) {
  try {
    return decode(plaintext);
  } catch (error) {
    throw error instanceof ProtocolError ? new ProtocolError("wrong-key") : error;
  }
}

/** @param {Bytes} plaintext @param {number} count @returns {Bytes[]} */
function readKeys(plaintext, count) {
  const keys = inside(plaintext);
  const isWhole = Array.isArray(keys) && keys.length === count && keys.every((key) => key instanceof Uint8Array && key.length === KEY_SIZE);
  if (!isWhole) throw new ProtocolError("wrong-key");
  return keys;
}

/** @param {{ circle: string, device: string, granterDevice: string }} grant */
function info({ circle, device, granterDevice }) {
  return ["relais/1 grant", fromHex(circle), fromHex(device), fromHex(granterDevice)];
}
