/**
 * Whom to believe, as a file that people exchange (C2SP tlog-policy); what crypto/trust_policy.py does.
 *
 *     log <vkey> [<url>]
 *     witness <name> <vkey> [<url>]
 *     group <name> all|any|<k> <name>…
 *     quorum <name>|none
 *
 * Lines refer to names defined above them. Names mean nothing outside of the file.
 */
import { isSame } from "./bytes.js";
import { policy } from "./checkpoint.js";
import { ProtocolError } from "./errors.js";
import { KeyKind, isSameKey, parseVkey } from "./signed-note.js";

/** @typedef {import("./signed-note.js").VerifierKey} VerifierKey */
/** @typedef {import("./checkpoint.js").Group} Group */
/** @typedef {{ logs: readonly VerifierKey[], quorum: Group }} TrustPolicy */

export const MAX_POLICY_SIZE = 64 * 1024;
// eslint-disable-next-line no-control-regex -- finding them is the point
const FORBIDDEN = /[\x00-\x08\x0b-\x1f\x7f]/;

/** A policy file is not one. */
export class PolicyError extends ProtocolError {
  /** @override */ name = "PolicyError";
}

/**
 * Read a policy file. Throws PolicyError: `policy-malformed` (too large, a forbidden character, an unknown line),
 * `policy-key` (no key of the kind the line needs, or one listed already), `policy-name` (not defined above, defined
 * twice, or a member twice), `policy-quorum` (none or two, or a group asks for more members than it has).
 * @param {Uint8Array} data @returns {Promise<TrustPolicy>}
 */
export async function parseTrustPolicy(data) {
  const text = decoded(data);
  if (data.length > MAX_POLICY_SIZE || FORBIDDEN.test(text)) throw new PolicyError("policy-malformed");
  const reading = new Reading();
  for (const line of text.split("\n")) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words[0] !== undefined && !words[0].startsWith("#")) await reading.take(words[0], words.slice(1));
  }
  if (!reading.quorum) throw new PolicyError("policy-quorum");
  return { logs: reading.logs, quorum: reading.quorum };
}

/**
 * The policy for the file's own logs; where it lists none, for a log known from elsewhere. Throws PolicyError
 * `policy-log`: the known log is not one it lists, or there is none.
 * @param {TrustPolicy} trust @param {VerifierKey | null} known
 */
export function trusting({ logs, quorum }, known) {
  const trusted = logs.length > 0 || !known ? logs : [known];
  const isListed = !known || trusted.some((key) => isSameKey(key, known));
  if (trusted.length === 0 || !isListed) throw new PolicyError("policy-log");
  return policy(trusted, { witnesses: quorum.members, quorum: quorum.least });
}

/** @param {Uint8Array} data */
function decoded(data) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new PolicyError("policy-malformed");
  }
}

/** What the lines up to here have defined. */
class Reading {
  /** @type {VerifierKey[]} */ logs = [];
  /** @type {Group | null} */ quorum = null;
  /** @type {VerifierKey[]} */ #listed = [];
  /** @type {Map<string, VerifierKey | Group>} */ #names = new Map();
  /** @type {Set<string>} */ #grouped = new Set();

  /** @param {string} verb @param {readonly string[]} words */
  async take(verb, words) {
    if (verb === "log") this.logs.push(await this.#key(words, KeyKind.ED25519));
    else if (verb === "witness") this.#define(words[0], await this.#key(words.slice(1), KeyKind.COSIGNATURE));
    else if (verb === "group") this.#group(words);
    else if (verb === "quorum") this.#takeQuorum(words);
    else throw new PolicyError("policy-malformed");
  }

  /** @param {readonly string[]} words a vkey, and perhaps an address @param {number} kind */
  async #key([vkey, ...more], kind) {
    if (vkey === undefined || more.length > 1) throw new PolicyError("policy-malformed");
    const key = await parseVkey(vkey).catch((error) => {
      throw error instanceof ProtocolError ? new PolicyError("policy-key") : error;
    });
    if (key.kind !== kind || this.#listed.some((one) => isSame(one.public, key.public))) throw new PolicyError("policy-key");
    this.#listed.push(key);
    return key;
  }

  /** @param {readonly string[]} words */
  #group([name, least, ...members]) {
    if (least === undefined || members.length === 0) throw new PolicyError("policy-malformed");
    const isTwice = new Set(members).size !== members.length || members.some((member) => this.#grouped.has(member));
    if (isTwice) throw new PolicyError("policy-name");
    const found = members.map((member) => this.#named(member));
    for (const member of members) this.#grouped.add(member);
    this.#define(name, { members: found, least: leastOf(least, found.length) });
  }

  /** @param {readonly string[]} words */
  #takeQuorum([name, ...more]) {
    if (name === undefined || more.length > 0) throw new PolicyError("policy-malformed");
    if (this.quorum) throw new PolicyError("policy-quorum");
    const found = name === "none" ? { members: [], least: 0 } : this.#named(name);
    this.quorum = "members" in found ? found : { members: [found], least: 1 };
  }

  /** @param {string | undefined} name @param {VerifierKey | Group} found */
  #define(name, found) {
    if (name === undefined || name === "none" || this.#names.has(name)) throw new PolicyError("policy-name");
    this.#names.set(name, found);
  }

  /** @param {string} name */
  #named(name) {
    const found = this.#names.get(name);
    if (!found) throw new PolicyError("policy-name");
    return found;
  }
}

/** @param {string} word @param {number} size */
function leastOf(word, size) {
  if (word === "any" || word === "all") return word === "any" ? 1 : size;
  if (!/^[1-9][0-9]{0,5}$/.test(word)) throw new PolicyError("policy-malformed");
  if (Number(word) > size) throw new PolicyError("policy-quorum");
  return Number(word);
}
