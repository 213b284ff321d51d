/**
 * A second session, of an escrow, on a guardian's device: it lets one person into one circle, and gives the escrow another
 * key. Nothing of it is kept: what it learns is in memory, and goes with it.
 */
import { devicesInForce } from "../core/account.js";
import { AccountBook } from "./account-book.js";
import { CircleKeeper } from "./circle-keeper.js";
import { heal } from "./healing.js";
import { joiningEscrow, newKeys, shareOut } from "./escrow-shares.js";
import { adding, append } from "./membership.js";
import { adding as addingDevice, appendStatement, revoking } from "./own-account.js";

/** @typedef {import("../core/account.js").AccountState} AccountState */
/** @typedef {import("../core/device.js").DeviceKeys} DeviceKeys */
/** @typedef {import("../core/emergency.js").EmergencyRequest} EmergencyRequest */
/** @typedef {import("../core/escrow.js").EscrowStatement} EscrowStatement */
/** @typedef {import("./member.js").Member} Member */

/** Keeps nothing: for keys that must leave no trace on this device. */
const NOTHING_KEPT = /** @type {import("./database.js").Database} */ (/** @type {unknown} */ ({
  get: async () => undefined, all: async () => [], write: async () => {},
}));
const NO_KEYS_KEPT = /** @type {import("./key-store.js").KeyStore} */ (/** @type {unknown} */ ({
  epochKeys: async () => new Map(), epochWrites: async () => [],
}));

/**
 * Act as an escrow, by its keys, for as long as `action` takes.
 * @template T @param {Member} guardian whose device this is @param {{ keys: DeviceKeys, account: string }} escrow @param {(escrow: Member) => Promise<T>} action @returns {Promise<T>}
 */
export async function asEscrow(guardian, { keys, account }, action) {
  const { origin, alarms, accounts: known, actAs } = guardian;
  const { transport } = await actAs(keys);
  try {
    const accounts = new AccountBook({ database: NOTHING_KEPT, transport, alarms });
    await accounts.put(known.require(account)); // as the guardian knows it: it cannot be shown an older one
    const joinedAt = transport.clock.now();
    return await action({ keys, account, origin, joinedAt, transport, clock: transport.clock, database: NOTHING_KEPT, keyStore: NO_KEYS_KEPT, accounts, alarms, roles: () => ["escrow"], actAs });
  } finally {
    transport.close();
  }
}

/** Let the requester in, as any member is let in. @param {Member} escrow @param {EmergencyRequest} request */
export async function letIn(escrow, { circle, account, until }) {
  const keeper = new CircleKeeper(escrow, circle);
  await keeper.refresh();
  const audiences = keeper.self?.periods.at(-1)?.audiences ?? [];
  await append(escrow, keeper, adding(escrow, { account, role: "professional", audiences, history: "all", until }));
}

/**
 * Another key for the escrow, shared among the same guardians; the one that was assembled opens nothing any more. In an
 * order in which a working escrow is left wherever it is cut off: the former key goes once the next one has what it had.
 * Throws Unreachable, at the very end though all is done: the connection ends with the device, and the answer may not come.
 * @param {Member} escrow @param {EscrowStatement} statement
 */
export async function renew(escrow, { quorum, guardians }) {
  const { account, keys, transport, clock } = escrow;
  const accounts = await escrow.accounts.get(guardians, { isFresh: true });
  const made = await newKeys({ quorum, guardians });
  const joining = await joiningEscrow(made.keys, account);
  const { statement, shares } = await shareOut(made, { account, at: clock.now(), quorum, guardians, accounts });
  await transport.call("escrow.share", { statement, possession: joining.possession, shares });
  const state = await appendStatement(escrow, addingDevice(keys, joining));
  await heal(escrow, { circle: null, keeperOf: (circle) => new CircleKeeper(escrow, circle), isOwn: true });
  const former = devicesInForce(state).map(({ id }) => id).filter((id) => id !== made.keys.id && id !== keys.id);
  for (const device of [...former, keys.id]) await appendStatement(escrow, revoking(keys, device));
}

/** Is the device a statement is about in force no more, as the escrow's chain says now? @param {Member} guardian @param {EscrowStatement} statement */
export async function isRenewed(guardian, { account, device }) {
  const accounts = await guardian.accounts.get([account], { isFresh: true });
  return /** @type {AccountState} */ (accounts.get(account)).devices.get(device)?.revokedAt !== null;
}
