/**
 * Tree heads the log has signed: C2SP checkpoints, and whom to believe; what crypto/checkpoint.py does for a reader.
 *
 *     <origin>
 *     <tree size, decimal>
 *     base64(<root, 32 bytes>)
 *     <extension lines, if any>
 *
 *     — <log's key name = origin> <signature>
 *     — <witness's key name> <cosignature>
 */
import { HASH_SIZE } from "./merkle.js";
import { KeyKind, SignedNoteError, decodeBase64, isSameKey, parseSignedNote, verifySignedNote } from "./signed-note.js";

/** @typedef {import("./signed-note.js").VerifierKey} VerifierKey */
/** @typedef {import("./signed-note.js").Signed} Signed */
/** @typedef {{ origin: string, size: number, root: Uint8Array, extensions: readonly string[] }} Checkpoint a TreeHead with its log's name */
/** @typedef {{ members: readonly (VerifierKey | Group)[], least: number }} Group witnesses and groups that count as one once `least` of them have cosigned */
/** @typedef {{ logs: readonly VerifierKey[], witnesses: readonly (VerifierKey | Group)[], quorum: number }} Policy see `policy` */
/** @typedef {{ checkpoint: Checkpoint, note: import("./signed-note.js").SignedNote, signed: readonly Signed[] }} SignedCheckpoint */

/** A checkpoint's text is malformed, or not signed by whom the policy asks for. */
export class CheckpointError extends SignedNoteError {
  /** @override */ name = "CheckpointError";
}

/** The keys of all witnesses of a group, at any depth. @param {Group} group @returns {VerifierKey[]} */
const keysIn = ({ members }) => members.flatMap((one) => ("members" in one ? keysIn(one) : [one]));

/** Whether these keys' cosignatures are enough. @param {Group} group @param {(key: VerifierKey) => boolean} hasSigned @returns {boolean} */
function hasCosigned({ members, least }, hasSigned) {
  return members.filter((one) => ("members" in one ? hasCosigned(one, hasSigned) : hasSigned(one))).length >= least;
}

/**
 * Which keys must have signed: one of the logs', and `quorum` of the witnesses, each a key or a group of keys. Throws
 * RangeError where a key is of the wrong kind or listed twice (it would count twice), or there are fewer witnesses than the quorum.
 * @param {readonly VerifierKey[]} logs @param {{ witnesses?: readonly (VerifierKey | Group)[], quorum?: number }} [cosigned]
 * @returns {Policy}
 */
export function policy(logs, { witnesses = [], quorum = 0 } = {}) {
  const cosigners = keysIn({ members: witnesses, least: quorum });
  const keys = [...logs, ...cosigners];
  const areKinds =
    logs.every(({ kind }) => kind === KeyKind.ED25519) && cosigners.every(({ kind }) => kind === KeyKind.COSIGNATURE);
  if (!areKinds) throw new RangeError("a log signs with Ed25519, a witness cosigns");
  if (logs.length === 0 || quorum < 0 || quorum > witnesses.length) {
    throw new RangeError("a policy has a log, and no fewer witnesses than its quorum");
  }
  if (new Set(keys.map((key) => key.public.join())).size !== keys.length) throw new RangeError("a policy lists a key once");
  return { logs, witnesses, quorum };
}

/**
 * Take a signed note's text apart; checks no signature. Throws CheckpointError `checkpoint-malformed`.
 * @param {string} text @returns {Checkpoint}
 */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  const end = lines.pop();
  const [origin = "", size = "", root = "", ...extensions] = lines;
  const hash = decodeBase64(root);
  const isGood =
    lines.length >= 3 &&
    end === "" &&
    lines.every((line) => line !== "") &&
    /^(0|[1-9][0-9]{0,15})$/.test(size) &&
    Number.isSafeInteger(Number(size));
  if (!isGood || hash?.length !== HASH_SIZE) throw new CheckpointError("checkpoint-malformed");
  return { origin, size: Number(size), root: hash, extensions };
}

/** The keys of all witnesses that a policy knows. @param {Policy} trusted @returns {readonly VerifierKey[]} */
export const keysOf = ({ witnesses, quorum }) => keysIn({ members: witnesses, least: quorum });

/**
 * Read a checkpoint and check that the policy's keys signed it. Does not check that it extends a checkpoint seen before
 * (`verifyConsistency`). Throws SignedNoteError: `note-too-large`, `note-malformed`, `bad-signature`,
 * `no-known-signature`, `ambiguous-key`; CheckpointError: `checkpoint-malformed`, and what `verifyPolicy` throws.
 * @param {Uint8Array} data @param {Policy} trusted @returns {Promise<SignedCheckpoint>}
 */
export async function verifyCheckpoint(data, trusted) {
  const note = parseSignedNote(data);
  const signed = await verifySignedNote(note, [...trusted.logs, ...keysOf(trusted)]);
  const checkpoint = parseCheckpoint(note.text);
  verifyPolicy(trusted, checkpoint.origin, signed);
  return { checkpoint, note, signed };
}

/**
 * Check that enough of the right keys signed. Throws CheckpointError: `not-signed-by-log` (none of the logs' keys),
 * `wrong-origin` (signed by a log's key of another name), `too-few-witnesses`.
 * @param {Policy} trusted @param {string} origin @param {readonly Signed[]} signed
 */
export function verifyPolicy({ logs, witnesses, quorum }, origin, signed) {
  /** @param {VerifierKey} key */
  const hasSigned = (key) => signed.some((one) => isSameKey(key, one.key));
  const signedLogs = logs.filter(hasSigned);
  if (signedLogs.length === 0) throw new CheckpointError("not-signed-by-log");
  if (signedLogs.every((key) => key.name !== origin)) throw new CheckpointError("wrong-origin");
  if (!hasCosigned({ members: witnesses, least: quorum }, hasSigned)) throw new CheckpointError("too-few-witnesses");
}
