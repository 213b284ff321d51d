/** How an escrow's key is shared: made anew, and as one of its guardians finds it. */
import { possess } from "../core/account.js";
import { randomBytes } from "../core/bytes.js";
import { deviceOf } from "../core/device.js";
import { heldBy, keysOf, lacking, openShare, PART_SIZE, peekStatement, sealShare, split, verifyStatement, writeStatement } from "../core/escrow.js";
import { devicesInForce } from "../core/account.js";
import { declined } from "./failure.js";

/** @typedef {import("../core/account.js").AccountState} AccountState */
/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/device.js").DeviceKeys} DeviceKeys */
/** @typedef {import("../core/escrow.js").EscrowStatement} EscrowStatement */
/** @typedef {import("../core/wire.d.ts").EscrowRow} EscrowRow */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {{ quorum: number, guardians: readonly string[], accounts: ReadonlyMap<string, AccountState> }} Guard who guards, and their chains */

/** What an escrow's devices are called. */
export const ESCROW_LABEL = "escrow";

/** The keys of a seed nobody has, with its parts; the seed is forgotten. @param {{ quorum: number, guardians: readonly string[] }} guard @returns {Promise<{ keys: DeviceKeys, parts: Bytes[] }>} */
export async function newKeys({ quorum, guardians }) {
  const seed = randomBytes(PART_SIZE);
  const keys = await keysOf(seed);
  const parts = split(seed, lacking(guardians.length, quorum).slice(1).map(() => randomBytes(PART_SIZE)));
  seed.fill(0);
  return { keys, parts };
}

/**
 * What is published of the parts, and each guardian's for each of its devices in force.
 * @param {{ keys: DeviceKeys, parts: readonly Bytes[] }} made @param {{ account: string, at: number } & Guard} of
 */
export async function shareOut({ keys, parts }, { account, at, quorum, guardians, accounts }) {
  const statement = await writeStatement(keys, { account, at, quorum, guardians, parts });
  const sealed = guardians.flatMap((guardian, position) => {
    const held = heldBy(position, { guardians: guardians.length, quorum }).map((number) => /** @type {Bytes} */ (parts[number]));
    const devices = devicesInForce(/** @type {AccountState} */ (accounts.get(guardian)));
    return devices.map(async (device) => ({ device: device.id, sealed: await sealShare(device, held, { account, device: keys.id }) }));
  });
  return { statement, shares: await Promise.all(sealed) };
}

/** A device of the escrow, and its word that it joins. @param {DeviceKeys} keys @param {string} account */
export async function joiningEscrow(keys, account) {
  const device = deviceOf(keys, "interactive", ESCROW_LABEL);
  return { device, possession: await possess(keys, device, account) };
}

/** The statement of an escrow, checked against its chain as it is now. Throws ProtocolError. @param {Member} member @param {Bytes} data @returns {Promise<EscrowStatement>} */
export async function checkedStatement(member, data) {
  const statement = peekStatement(data);
  const accounts = await member.accounts.get([statement.account, ...statement.guardians]);
  await verifyStatement(statement, /** @type {AccountState} */ (accounts.get(statement.account)));
  return statement;
}

/** This device's own parts. Throws Failure `refused-here` `no-share`, ProtocolError `wrong-share`, `cannot-open`. @param {Member} member @param {EscrowStatement} statement @param {EscrowRow["mine"]} shares */
export async function ownParts(member, statement, shares) {
  const mine = shares.find(({ device }) => device === member.keys.id);
  if (!mine) throw declined("no-share");
  return openShare(member.keys, mine.sealed, { statement, guardian: member.account });
}

/** Hand one's own parts on to those of one's devices that have none yet. @param {Member} member @param {EscrowStatement} statement @param {EscrowRow["mine"]} shares */
export async function reshare(member, statement, shares) {
  const has = new Set(shares.map(({ device }) => device));
  const lackingDevices = devicesInForce(member.accounts.require(member.account)).filter(({ id }) => !has.has(id));
  if (!has.has(member.keys.id) || lackingDevices.length === 0) return;
  const parts = [...(await ownParts(member, statement, shares)).values()];
  const made = await Promise.all(lackingDevices.map(async (device) => ({ device: device.id, sealed: await sealShare(device, parts, statement) })));
  await member.transport.call("escrow.reshare", { escrow: statement.account, escrow_device: statement.device, shares: made });
}
