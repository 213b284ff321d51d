/** Whom this browser asks to have signed the audit log: the log's key alone, or what a policy file says (C2SP tlog-policy). */
import { keysOf, policy, verifyCheckpoint, verifyPolicy } from "../core/checkpoint.js";
import { parseTrustPolicy, PolicyError, trusting } from "../core/trust-policy.js";
import { declined } from "./failure.js";
import { knownLogKey } from "./log-key.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("../core/checkpoint.js").Policy} Policy */
/** @typedef {import("../core/signed-note.js").VerifierKey} VerifierKey */
/** @typedef {{ signed: readonly string[], known: readonly string[] }} Witnesses names: who cosigned, of whom the policy knows */

const KEPT = "log policy";

/** Throws PolicyError. @param {Member} member @param {VerifierKey} key the log's @returns {Promise<Policy>} */
export async function trustedPolicy(member, key) {
  const kept = /** @type {Uint8Array | undefined} */ (await member.database.get("values", KEPT));
  return kept ? trusting(await parseTrustPolicy(kept), key) : policy([key]);
}

/** The names of the witnesses this browser knows; null: it asks for none. @param {Member} member @returns {Promise<readonly string[] | null>} */
export async function knownWitnesses(member) {
  if (!(await member.database.get("values", KEPT))) return null;
  return namesOf(await trustedPolicy(member, await knownLogKey(member)));
}

/**
 * From now on ask for what this file says, or for the log's key alone. A file that is no policy for this log is declined.
 * @param {Member} member @param {Uint8Array | null} file
 */
export async function keepPolicy(member, file) {
  if (!file) {
    await member.database.write([{ store: "values", delete: KEPT }]);
    return null;
  }
  try {
    const trusted = trusting(await parseTrustPolicy(file), await knownLogKey(member));
    await member.database.write([{ store: "values", key: KEPT, put: file }]);
    return namesOf(trusted);
  } catch (error) {
    throw error instanceof PolicyError ? declined(error.reason) : error;
  }
}

/**
 * As `verifyCheckpoint`, and told who cosigned even where that is too few. Throws what `verifyCheckpoint` throws.
 * @param {Uint8Array} data @param {Policy} trusted @param {(witnesses: Witnesses) => void} told
 */
export async function verifyWitnessed(data, trusted, told) {
  const found = await verifyCheckpoint(data, { ...trusted, quorum: 0 });
  told({ signed: found.signed.filter((one) => one.at !== null).map((one) => one.key.name), known: namesOf(trusted) });
  verifyPolicy(trusted, found.checkpoint.origin, found.signed);
  return found.checkpoint;
}

/** @param {Policy} trusted */
const namesOf = (trusted) => keysOf(trusted).map((key) => key.name);
