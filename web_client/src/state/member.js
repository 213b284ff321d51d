/** Who acts on this device: its keys, its account, its connection, and what it keeps. Made once per session. */

/**
 * @typedef {object} Member
 * @property {import("../core/device.js").DeviceKeys} keys
 * @property {string} account
 * @property {string} origin
 * @property {number} joinedAt when this device came into the account, by the server's clock
 * @property {import("../core/transport.js").Transport} transport
 * @property {import("../core/clock.js").Clock} clock
 * @property {import("./database.js").Database} database
 * @property {import("./key-store.js").KeyStore} keyStore
 * @property {import("./account-book.js").AccountBook} accounts
 * @property {import("./alarms.js").Alarms} alarms
 * @property {() => readonly import("./types.js").AccountRole[]} roles
 * @property {(keys: import("../core/device.js").DeviceKeys) => Promise<import("./second-session.js").Connected>} actAs another session at the same server, by the keys of another device
 */

/** The member's own account. @param {Member} member */
export const ownAccount = (member) => member.accounts.require(member.account);

/** Does this account read notes at all? @param {Member} member */
export const isBot = (member) => member.roles().includes("bot");
