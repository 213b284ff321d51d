/** Epoch keys and what is derived from them (docs/protocol.md §5). */
import { fromHex, uuidBytes } from "./bytes.js";
import { hkdf, kemPublic } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {ReadonlyMap<string, Bytes>} EpochKeys by `keyName` */

/** How an epoch key is named in maps. @param {string} audience @param {number} epoch */
export const keyName = (audience, epoch) => `${audience} ${epoch}`;

/** @param {Uint8Array} key @param {string} audience @param {number} epoch */
export const commitment = (key, audience, epoch) => hkdf(key, ["relais/1 commit", audience, epoch]);

/** @param {Uint8Array} key @param {string} audience @param {number} epoch */
export const inboxSeed = (key, audience, epoch) => hkdf(key, ["relais/1 inbox", audience, epoch]);

/** @param {Uint8Array} key @param {string} audience @param {number} epoch */
export const inboxPublic = async (key, audience, epoch) => kemPublic(await inboxSeed(key, audience, epoch));

/** @typedef {{ circle: string, audience: string, epoch: number, note: string, version: number }} VersionPlace */

/** @param {Uint8Array} key @param {VersionPlace} place */
export function wrapKey(key, { circle, audience, epoch, note, version }) {
  return hkdf(key, ["relais/1 wrap", fromHex(circle), audience, epoch, uuidBytes(note), version]);
}

/** What a content key sealed to the inbox key is bound to. @param {VersionPlace} place */
export function inboxInfo({ circle, audience, epoch, note, version }) {
  return ["relais/1 inbox", fromHex(circle), audience, epoch, uuidBytes(note), version];
}

/** @param {string} audience @param {number} epoch @param {Uint8Array} key */
export async function openOperation(audience, epoch, key) {
  const [published, inbox] = await Promise.all([commitment(key, audience, epoch), inboxPublic(key, audience, epoch)]);
  return { op: /** @type {const} */ ("epoch.open"), audience, epoch, commitment: published, inbox_key: inbox };
}
