/**
 * The hash tree of an append-only log and the proofs a reader checks (RFC 9162 §2.1, SHA-256); what
 * crypto/merkle.py does.
 *
 *     leaf hash = SHA-256(0x00 || entry)
 *     node hash = SHA-256(0x01 || left || right)
 *     root of n = node(root of the first k, root of the rest), k the largest power of two below n
 *
 * A complete subtree is named by (level, index): the root over the 2^level leaves from index * 2^level on.
 * Sizes and indexes go up to 2^53 - 1, so they are halved and doubled, never shifted.
 */
import { concat, isSame } from "./bytes.js";
import { ProtocolError } from "./errors.js";
import { sha256 } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{ size: number, root: Uint8Array }} TreeHead a tree's number of leaves and its root, 32 bytes */
/** @typedef {{ level: number, index: number }} Subtree 2^level leaves from index * 2^level on */
/** @typedef {{ start: number, end: number }} Span the leaves start to end - 1 */
/** @typedef {(level: number, index: number) => Promise<Uint8Array>} HashAt root of that complete subtree */

export const HASH_SIZE = 32;
export const MAX_SIZE = Number.MAX_SAFE_INTEGER;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** A proof, or the tree head it is for, does not hold. The log is at fault. */
export class ProofError extends ProtocolError {
  /** @override */ name = "ProofError";
}

/** The root of the tree without leaves. */
export const emptyRoot = () => sha256(new Uint8Array(0));

/** @param {Uint8Array} entry */
export const leafHash = (entry) => sha256(concat(LEAF, entry));

/** @param {Uint8Array} left 32 bytes @param {Uint8Array} right 32 bytes */
export const nodeHash = (left, right) => sha256(concat(NODE, left, right));

/**
 * The root over neighbouring complete subtrees, largest first; of nothing, the empty root.
 * @param {readonly Uint8Array[]} peaks @returns {Promise<Uint8Array>}
 */
export async function fold(peaks) {
  let root = peaks.at(-1);
  if (!root) return emptyRoot();
  for (const peak of peaks.slice(0, -1).toReversed()) root = await nodeHash(peak, root);
  return root;
}

/**
 * The roots of the complete subtrees that a list of leaf hashes makes up, largest first.
 * @param {readonly Uint8Array[]} leaves
 */
export async function peaksOf(leaves) {
  /** @type {Uint8Array[]} */
  const peaks = [];
  for (const [index, leaf] of leaves.entries()) {
    let node = leaf;
    for (let size = index; isOdd(size); size = half(size)) {
      node = await nodeHash(/** @type {Uint8Array} */ (peaks.pop()), node);
    }
    peaks.push(node);
  }
  return peaks;
}

/** The root over a list of leaf hashes (RFC 9162 §2.1.1). @param {readonly Uint8Array[]} leaves */
export async function rootOf(leaves) {
  return fold(await peaksOf(leaves));
}

/** Complete subtrees of a span, largest first. @param {Span} span @returns {Subtree[]} */
export function subtrees({ start, end }) {
  /** @type {Subtree[]} */
  const found = [];
  for (let at = start; at < end; ) {
    let [level, width] = [0, 1];
    while (width * 2 <= end - at) [level, width] = [level + 1, width * 2];
    found.push({ level, index: at / width });
    at += width;
  }
  return found;
}

/** @param {HashAt} hashAt @param {Span} span */
export async function spanRoot(hashAt, span) {
  return fold(await Promise.all(subtrees(span).map(({ level, index }) => hashAt(level, index))));
}

/**
 * The siblings on the way from a leaf to the root, leaf first. Throws RangeError where there is no such leaf.
 * @param {number} index @param {number} size @returns {Span[]}
 */
export function inclusionSpans(index, size) {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError("no such leaf in a tree of that size");
  /** @type {Span[]} */
  const spans = [];
  for (let span = { start: 0, end: size }; span.end - span.start > 1; ) {
    const [left, right] = halves(span);
    spans.unshift(index < left.end ? right : left);
    span = index < left.end ? left : right;
  }
  return spans;
}

/**
 * The subtrees that join a tree to the later one it is the beginning of, lowest first. Throws RangeError
 * where the tree would shrink.
 * @param {number} oldSize @param {number} newSize @returns {Span[]}
 */
export function consistencySpans(oldSize, newSize) {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize) throw new RangeError("a tree grows only");
  if (oldSize === 0 || oldSize === newSize) return [];
  /** @type {Span[]} */
  const spans = [];
  let span = { start: 0, end: newSize };
  while (span.end !== oldSize) {
    const [left, right] = halves(span);
    spans.unshift(oldSize <= left.end ? right : left);
    span = oldSize <= left.end ? left : right;
  }
  // When the last span is the old tree itself, the verifier has its root.
  return span.start > 0 ? [span, ...spans] : spans;
}

/**
 * The audit path of a leaf (RFC 9162 §2.1.3.1).
 * @param {HashAt} hashAt @param {{ index: number, size: number }} of @returns {Promise<Uint8Array[]>}
 */
export function inclusionProof(hashAt, { index, size }) {
  return Promise.all(inclusionSpans(index, size).map((span) => spanRoot(hashAt, span)));
}

/**
 * Proof that the first `oldSize` leaves are unchanged (RFC 9162 §2.1.4.1).
 * @param {HashAt} hashAt @param {{ oldSize: number, newSize: number }} of @returns {Promise<Uint8Array[]>}
 */
export function consistencyProof(hashAt, { oldSize, newSize }) {
  return Promise.all(consistencySpans(oldSize, newSize).map((span) => spanRoot(hashAt, span)));
}

/**
 * Check that the tree has this leaf hash at this index (RFC 9162 §2.1.3.2). Does not check that the head is one
 * the log has signed. Throws ProofError: `hash-length`, `size-out-of-range`, `index-out-of-range`,
 * `proof-length`, `root-mismatch`.
 * @param {Uint8Array} leaf @param {{ index: number, head: TreeHead, proof: readonly Uint8Array[] }} claim
 */
export async function verifyInclusion(leaf, { index, head, proof }) {
  checkHashes(leaf, head.root, ...proof);
  checkSizes(head.size);
  if (!isCount(index) || index >= head.size) throw new ProofError("index-out-of-range");
  let [position, last, root] = [index, head.size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw new ProofError("proof-length");
    if (isOdd(position) || position === last) {
      root = await nodeHash(sibling, root);
      while (!isOdd(position)) [position, last] = [half(position), half(last)];
    } else {
      root = await nodeHash(root, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  if (last !== 0) throw new ProofError("proof-length");
  checkEqual(root, head.root, "root-mismatch");
}

/**
 * Check that the old tree is the beginning of the new one (RFC 9162 §2.1.4.2). Beyond the RFC, equal sizes need
 * equal roots and the empty tree begins every tree, both with an empty proof. Throws ProofError: `hash-length`,
 * `size-out-of-range`, `rolled-back` (the new tree is smaller), `proof-length`, `old-root-mismatch`,
 * `new-root-mismatch`.
 * @param {TreeHead} older @param {TreeHead} newer @param {readonly Uint8Array[]} proof
 */
export async function verifyConsistency(older, newer, proof) {
  checkHashes(older.root, newer.root, ...proof);
  checkSizes(older.size, newer.size);
  if (older.size > newer.size) throw new ProofError("rolled-back");
  if (older.size === 0 || older.size === newer.size) {
    if (proof.length > 0) throw new ProofError("proof-length");
    checkEqual(older.root, older.size === 0 ? await emptyRoot() : newer.root, "old-root-mismatch");
    return;
  }
  const [oldRoot, newRoot] = await consistencyRoots(older, newer, proof);
  checkEqual(oldRoot, older.root, "old-root-mismatch");
  checkEqual(newRoot, newer.root, "new-root-mismatch");
}

/**
 * Both roots as the proof has them, for 0 < old size < new size.
 * @param {TreeHead} older @param {TreeHead} newer @param {readonly Uint8Array[]} proof
 * @returns {Promise<[Uint8Array, Uint8Array]>}
 */
async function consistencyRoots(older, newer, proof) {
  if (proof.length === 0) throw new ProofError("proof-length");
  const path = isPowerOfTwo(older.size) ? [older.root, ...proof] : [...proof];
  let [position, last] = [older.size - 1, newer.size - 1];
  while (isOdd(position)) [position, last] = [half(position), half(last)];
  let oldRoot = /** @type {Uint8Array} */ (path[0]);
  let newRoot = oldRoot;
  for (const sibling of path.slice(1)) {
    if (last === 0) throw new ProofError("proof-length");
    if (isOdd(position) || position === last) {
      [oldRoot, newRoot] = await Promise.all([nodeHash(sibling, oldRoot), nodeHash(sibling, newRoot)]);
      while (!isOdd(position)) [position, last] = [half(position), half(last)];
    } else {
      newRoot = await nodeHash(newRoot, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  if (last !== 0) throw new ProofError("proof-length");
  return [oldRoot, newRoot];
}

/** Where the root over two or more leaves splits them. @param {Span} span @returns {[Span, Span]} */
function halves({ start, end }) {
  let width = 1;
  while (width * 2 < end - start) width *= 2;
  return [{ start, end: start + width }, { start: start + width, end }];
}

/** @param {Uint8Array[]} hashes */
function checkHashes(...hashes) {
  if (hashes.some((hash) => hash.length !== HASH_SIZE)) throw new ProofError("hash-length");
}

/** @param {number[]} sizes */
function checkSizes(...sizes) {
  if (!sizes.every(isCount)) throw new ProofError("size-out-of-range");
}

/** @param {Uint8Array} computed @param {Uint8Array} expected @param {string} reason */
function checkEqual(computed, expected, reason) {
  if (!isSame(computed, expected)) throw new ProofError(reason);
}

/** @param {number} value */
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
/** @param {number} value */
const isOdd = (value) => value % 2 === 1;
/** @param {number} value */
const half = (value) => Math.floor(value / 2);

/** @param {number} value positive */
function isPowerOfTwo(value) {
  let rest = value;
  while (!isOdd(rest)) rest = half(rest);
  return rest === 1;
}
