/** Keys of single versions that are not what they were said to be, which only the version's envelope can tell (docs/protocol.md §5). */
import { digest } from "../core/cose.js";
import { isContentKey } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { nameOf, openGrant, peek } from "../core/grant.js";
import { keyName } from "../core/epoch.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/envelope.js").Envelope} Envelope */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("../core/ledger-state.js").CircleState} CircleState */

/**
 * Among all grants made to this device, the true key of a version; and those with a false one, by hash, with their granters.
 * @param {Member} member @param {CircleState} state @param {{ envelope: Envelope, grants: readonly Bytes[] }} what
 * @returns {Promise<{ key: Bytes | null, unfit: ReadonlyMap<string, string> }>}
 */
export async function judged(member, state, { envelope, grants }) {
  const name = keyName(envelope.header.note, envelope.header.version);
  /** @type {Map<string, string>} */
  const unfit = new Map();
  /** @type {Bytes | null} */
  let key = null;
  for (const data of grants) {
    const offered = await keyIn(member, state, { data, name });
    if (offered && (await isContentKey(envelope, offered))) key = offered;
    else if (offered) unfit.set(await digest(data), peek(data).granter);
  }
  return { key, unfit };
}

/** Null where it holds none of that name, or does not hold at all, which is told where it is opened first. @param {Member} member @param {CircleState} state @param {{ data: Bytes, name: string }} wanted */
async function keyIn(member, state, { data, name }) {
  try {
    const grant = peek(data);
    if (!grant.keys.some((one) => nameOf(one) === name)) return null;
    const granters = await member.accounts.get([grant.granter]);
    const granter = /** @type {import("../core/account.js").AccountState} */ (granters.get(grant.granter));
    return (await openGrant(data, member.keys, { state, granter })).get(name) ?? null;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
