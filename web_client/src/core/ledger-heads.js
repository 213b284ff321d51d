/**
 * Are the ledgers one is shown those that everybody is shown? Their heads, as the audit log has them; what
 * crypto/ledger_heads.py does.
 */
import { decodeAuditEntry } from "./audit-entry.js";
import { verifyCheckpoint } from "./checkpoint.js";
import { ProtocolError } from "./errors.js";
import { leafHash, verifyConsistency, verifyInclusion } from "./merkle.js";

/** @typedef {import("./merkle.js").TreeHead} TreeHead */
/** @typedef {{ index: number, ledger: string, seq: number, head: string }} ProvenHead an entry of the log: the ledger's hash at that seq */
/** @typedef {{ index: number, entry: Uint8Array, path: readonly Uint8Array[] }} HeadProof */

export const LEDGER_HEAD = "ledger.head";

/** What the log says of a ledger contradicts the ledger, or is no such thing. The server is at fault. */
export class LedgerHeadError extends ProtocolError {
  /** @override */ name = "LedgerHeadError";
}

/**
 * Check a checkpoint, and that it extends the tree seen last (of size 0 before the first). Throws what `verifyCheckpoint`
 * and `verifyConsistency` throw.
 * @param {Uint8Array} checkpoint @param {import("./checkpoint.js").Policy} trusted @param {{ seen: TreeHead, proof: readonly Uint8Array[] }} grown
 */
export async function verifyGrowth(checkpoint, trusted, { seen, proof }) {
  const signed = await verifyCheckpoint(checkpoint, trusted);
  await verifyConsistency(seen, signed.checkpoint, proof);
  return signed;
}

/**
 * Check that the log has this entry, and read which ledger's head it tells. Throws ProofError, AuditEntryError and
 * LedgerHeadError `not-a-ledger-head`.
 * @param {HeadProof} proof @param {TreeHead} head @returns {Promise<ProvenHead>}
 */
export async function verifyHead({ index, entry: data, path }, head) {
  await verifyInclusion(await leafHash(data), { index, head, proof: path });
  const { action, subject } = decodeAuditEntry(data);
  const { ledger, seq, head: digest } = subject;
  const isOne = action === LEDGER_HEAD && Object.keys(subject).toSorted().join() === "head,ledger,seq";
  if (!isOne || typeof ledger !== "string" || typeof seq !== "number" || seq < 0 || typeof digest !== "string") {
    throw new LedgerHeadError("not-a-ledger-head");
  }
  return { index, ledger, seq, head: digest };
}

/**
 * Compare what the log says of a ledger with the ledger, `heads[n]` being the hash at seq n. Returns how many entries, in
 * their order, were judged: one beyond the ledger's end is not, nor what follows it. Throws LedgerHeadError
 * `another-ledger`, `forked-ledger`.
 * @param {readonly ProvenHead[]} proven @param {string} ledger @param {readonly string[]} heads
 */
export function checkHeads(proven, ledger, heads) {
  for (const [count, one] of proven.entries()) {
    if (one.ledger !== ledger) throw new LedgerHeadError("another-ledger");
    if (one.seq >= heads.length) return count;
    if (heads[one.seq] !== one.head) throw new LedgerHeadError("forked-ledger");
  }
  return proven.length;
}
