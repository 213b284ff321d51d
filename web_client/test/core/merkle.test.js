import assert from "node:assert/strict";
import { test } from "node:test";

import {
  MAX_SIZE,
  consistencyProof,
  consistencySpans,
  emptyRoot,
  inclusionProof,
  inclusionSpans,
  leafHash,
  rootOf,
  subtrees,
  verifyConsistency,
  verifyInclusion,
} from "../../src/core/merkle.js";

const SIZE = 33;
const leaves = await Promise.all(Array.from({ length: SIZE }, (_, i) => leafHash(Uint8Array.of(i))));
const roots = await Promise.all(Array.from({ length: SIZE + 1 }, (_, size) => rootOf(leaves.slice(0, size))));
const head = (size) => ({ size, root: roots[size] });
const flipped = (hash) => hash.map((byte, at) => (at === 7 ? byte ^ 1 : byte));

async function hashAt(level, index) {
  const part = leaves.slice(index * 2 ** level, (index + 1) * 2 ** level);
  assert.equal(part.length, 2 ** level, "proofs are made of complete subtrees only");
  return rootOf(part);
}

test("every leaf of every tree is proven at its index, and with one bit changed at none", async () => {
  for (let size = 1; size <= SIZE; size += 1) {
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(hashAt, { index, size });
      await verifyInclusion(leaves[index], { index, head: head(size), proof });
      const changed = [...proof.slice(0, -1), ...proof.slice(-1).map(flipped)];
      const leaf = proof.length > 0 ? leaves[index] : flipped(leaves[index]);
      await assert.rejects(verifyInclusion(leaf, { index, head: head(size), proof: changed }), { reason: "root-mismatch" });
    }
  }
});

test("every beginning of every tree is proven to be one, and no other tree is", async () => {
  for (let newSize = 0; newSize <= SIZE; newSize += 1) {
    for (let oldSize = 0; oldSize <= newSize; oldSize += 1) {
      const proof = await consistencyProof(hashAt, { oldSize, newSize });
      await verifyConsistency(head(oldSize), head(newSize), proof);
      const fork = { size: oldSize, root: flipped(roots[oldSize]) };
      await assert.rejects(verifyConsistency(fork, head(newSize), proof), { reason: /^(old|new)-root-mismatch$/ });
    }
  }
});

test("sizes beyond 32 bits are counted exactly", async () => {
  assert.equal(inclusionSpans(MAX_SIZE - 1, MAX_SIZE).length, 52);
  assert.deepEqual(inclusionSpans(2 ** 40, 2 ** 40 + 1), [{ start: 0, end: 2 ** 40 }]);
  assert.deepEqual(subtrees({ start: 2 ** 40, end: 2 ** 40 + 3 }), [
    { level: 1, index: 2 ** 39 },
    { level: 0, index: 2 ** 40 + 2 },
  ]);
  const [leaf, other] = leaves;
  const root = await rootOf([other, leaf]);
  await verifyInclusion(leaf, { index: 2 ** 40, head: { size: 2 ** 40 + 1, root }, proof: [other] });
});

test("a leaf that does not exist and a tree that shrinks have no proof", () => {
  assert.deepEqual(inclusionSpans(0, 1), []);
  assert.deepEqual(consistencySpans(1, 2), [{ start: 1, end: 2 }]);
  for (const [index, size] of [[1, 1], [-1, 1], [0, 0], [0.5, 1], [0, 2 ** 53]]) {
    assert.throws(() => inclusionSpans(index, size), RangeError);
  }
  for (const [oldSize, newSize] of [[2, 1], [-1, 1], [0.5, 1]]) {
    assert.throws(() => consistencySpans(oldSize, newSize), RangeError);
  }
});

test("a tree without leaves has the root of nothing", async () => {
  const root = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  assert.equal(Buffer.from(await emptyRoot()).toString("hex"), root);
});
