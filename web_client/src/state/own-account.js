/** Statements about one's own account: devices come, go and are named. */
import { addDevice, apply, possess, renameDevice, revokeDevice } from "../core/account.js";
import { Refusal } from "../core/refusal.js";

/** @typedef {import("../core/account.js").AccountState} AccountState */
/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/device.js").Device} Device */
/** @typedef {import("../core/device.js").DeviceKeys} DeviceKeys */
/** @typedef {import("./member.js").Member} Member */

const TRIES = 4;

/**
 * Write the next statement and have it accepted; a rival's statement is taken in first.
 * @param {Member} member @param {(state: AccountState, at: number) => Promise<Bytes>} make
 * @param {(statement: Bytes) => Promise<unknown>} [send]
 */
export async function appendStatement(member, make, send = (statement) => member.transport.call("account.append", { statement })) {
  for (let attempt = 1; ; attempt++) {
    const accounts = await member.accounts.get([member.account], { isFresh: true });
    const state = /** @type {AccountState} */ (accounts.get(member.account));
    const statement = await make(state, Math.max(member.clock.now(), state.at));
    const after = await apply(state, statement); // what one would refuse, one does not send
    try {
      await send(statement);
      await member.accounts.put(after);
      return after;
    } catch (error) {
      const isRival = error instanceof Refusal && error.code === "conflict";
      if (!isRival || attempt === TRIES) throw error;
    }
  }
}

/** @param {DeviceKeys} keys the signing device's @param {{ device: Device, possession: Bytes }} added */
export const adding = (keys, added) => (/** @type {AccountState} */ state, /** @type {number} */ at) => addDevice(state, keys, { ...added, at });

/** @param {DeviceKeys} keys @param {string} device */
export const revoking = (keys, device) => (/** @type {AccountState} */ state, /** @type {number} */ at) => revokeDevice(state, keys, { device, at });

/** @param {DeviceKeys} keys @param {string} device @param {string} label */
export const renaming = (keys, device, label) => (/** @type {AccountState} */ state, /** @type {number} */ at) => renameDevice(state, keys, { device, label, at });

/** A new device and its word that it joins. @param {DeviceKeys} keys @param {Device} device @param {string} account */
export async function joiningDevice(keys, device, account) {
  return { device, possession: await possess(keys, device, account) };
}
