/** Coming back with a recovery kit: the kit is a device, which signs the new one in and hands it every key it has. */
import { deviceOf } from "../core/device.js";
import * as kits from "../core/kit.js";
import { requireInForce } from "../core/account.js";
import { AccountBook } from "./account-book.js";
import { Alarms } from "./alarms.js";
import { CircleKeeper } from "./circle-keeper.js";
import { heal } from "./healing.js";
import { adding, appendStatement, joiningDevice } from "./own-account.js";
import { connected } from "./second-session.js";

/** @typedef {import("./entry.js").EntryParts} EntryParts */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("../core/account.js").AccountState} AccountState */

/** Words, or the text of the QR code. Throws ProtocolError `bad-kit`. @param {string} text */
export function readKit(text) {
  return text.trim().startsWith("relais-kit:") ? Promise.resolve().then(() => kits.seedOfQr(text.trim())) : kits.seedOf(text);
}

/** @param {EntryParts} parts @param {{ kit: string, label: string }} form @returns {Promise<AccountState>} */
export async function restore(parts, { kit, label }) {
  const seed = await readKit(kit);
  const kitKeys = await kits.keysOf(seed);
  seed.fill(0);
  const { keys, stored } = await parts.keyStore.make();
  const { transport, account } = await connected(parts, kitKeys);
  try {
    const member = memberOf(parts, { keys: kitKeys, account, transport });
    const accounts = await member.accounts.get([account], { isFresh: true });
    requireInForce(/** @type {AccountState} */ (accounts.get(account)), kitKeys.id); // replayed up to the kit's own word that it joined
    const joining = await joiningDevice(keys, deviceOf(keys, "interactive", label), account);
    const state = await appendStatement(member, adding(kitKeys, joining));
    await parts.keyStore.keep(stored, { account, device: keys.id, origin: parts.origin, joinedAt: member.clock.now() });
    await handOver(parts, member);
    return state;
  } finally {
    transport.close();
  }
}

/** @param {EntryParts} parts @param {{ keys: import("../core/device.js").DeviceKeys, account: string, transport: import("../core/transport.js").Transport }} who @returns {Member} */
function memberOf({ origin, database, keyStore, report, fetch }, { keys, account, transport }) {
  const now = () => transport.clock.now();
  const alarms = new Alarms({ database, now, nameOf: () => null, report });
  const accounts = new AccountBook({ database, transport, alarms });
  return { keys, account, origin, joinedAt: now(), transport, clock: transport.clock, database, keyStore, accounts, alarms, roles: () => [], actAs: (other) => connected({ origin, fetch }, other) };
}

/** Open the kit's grants, and grant the new device all of them. @param {EntryParts} parts @param {Member} member */
async function handOver({ database }, member) {
  /** @type {Map<string, CircleKeeper>} */
  const keepers = new Map();
  const keeperOf = (/** @type {string} */ circle) => {
    const keeper = keepers.get(circle) ?? new CircleKeeper(member, circle);
    keepers.set(circle, keeper);
    return keeper;
  };
  await heal(member, { circle: null, keeperOf });
  await database.write([...keepers.keys()].map((circle) => ({ store: "circles", delete: circle }))); // the kit's own place in them, not this device's
}

