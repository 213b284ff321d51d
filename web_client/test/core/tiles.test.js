import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { consistencyProof, inclusionProof, leafHash, rootOf, verifyConsistency, verifyInclusion } from "../../src/core/merkle.js";
import { VerifiedTiles, encodeEntries } from "../../src/core/tiles.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/vectors/merkle.json", import.meta.url), "utf8"));
const heads = vectors.counted.map(({ size, root }) => ({ size, root: new Uint8Array(Buffer.from(root, "hex")) }));
const SIZE = Math.max(...heads.map(({ size }) => size));
const head = heads.find(({ size }) => size === SIZE);
const leaves = await Promise.all(Array.from({ length: SIZE }, (_, i) => leafHash(new TextEncoder().encode(`entry ${i}`))));

/** The tiles of the first `size` leaves (fewer than 65,536), the plain way. */
async function tilesOf(size) {
  const files = new Map();
  const above = [];
  for (let start = 0; start < size; start += 256) {
    const row = leaves.slice(start, Math.min(start + 256, size));
    const name = `tile/0/${String(start / 256).padStart(3, "0")}`;
    files.set(row.length === 256 ? name : `${name}.p/${row.length}`, new Uint8Array(Buffer.concat(row)));
    if (row.length === 256) above.push(await rootOf(row));
  }
  if (above.length > 0) files.set(`tile/1/000.p/${above.length}`, new Uint8Array(Buffer.concat(above)));
  return files;
}

const files = await tilesOf(SIZE);
const read = (some) => async (path) => some.get(path) ?? null;
const changed = (data) => data.map((byte, at) => (at === 40 ? byte ^ 1 : byte));

test("entries, proofs and older trees of several tiles are checked against the signed root", async () => {
  const tiles = new VerifiedTiles(read(files), head);
  for (const index of [0, 255, 256, 511, 512, 599]) {
    await tiles.verifyLeaf(leaves[index], { index });
    const proof = await inclusionProof(tiles.hashAt, { index, size: SIZE });
    await verifyInclusion(leaves[index], { index, head, proof });
  }
  for (const older of heads) {
    await tiles.verifyExtends(older);
    const proof = await consistencyProof(tiles.hashAt, { oldSize: older.size, newSize: SIZE });
    await verifyConsistency(older, head, proof);
  }
});

test("each tile is fetched once, however many ask at the same time", async () => {
  const fetched = [];
  const tiles = new VerifiedTiles(async (path) => (fetched.push(path), files.get(path) ?? null), head);
  await Promise.all([0, 1, 2, 300].map((index) => tiles.verifyLeaf(leaves[index], { index })));
  assert.deepEqual(fetched.sort(), ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]);
});

test("a changed, short or missing tile is named", async () => {
  for (const [path, data, reason, named] of [
    ["tile/0/001", changed(files.get("tile/0/001")), "tile-changed", "tile/0/001"],
    ["tile/0/001", new Uint8Array(32), "tile-malformed", "tile/0/001"],
    ["tile/0/001", null, "tile-missing", "tile/0/001"],
    ["tile/0/002.p/88", changed(files.get("tile/0/002.p/88")), "tree-mismatch", null],
    ["tile/1/000.p/2", null, "tile-missing", "tile/1/000.p/2"],
  ]) {
    const tiles = new VerifiedTiles(read(new Map([...files, [path, data]])), head);
    await assert.rejects(tiles.verifyLeaf(leaves[300], { index: 300 }), { reason, path: named });
  }
});

test("a fetch that failed is tried again", async () => {
  let isOnline = false;
  const tiles = new VerifiedTiles(async (path) => {
    if (!isOnline) throw new TypeError("offline");
    return files.get(path) ?? null;
  }, head);
  await assert.rejects(tiles.verifyLeaf(leaves[300], { index: 300 }), TypeError);
  isOnline = true;
  await tiles.verifyLeaf(leaves[300], { index: 300 });
});

test("a full tile stands in for an unfilled one that was deleted", async () => {
  const small = heads.find(({ size }) => size === 257);
  const later = new Map([...files, ["tile/1/000.p/1", files.get("tile/1/000.p/2").slice(0, 32)]]);
  const full = new Map([...later, ["tile/0/001", files.get("tile/0/001")]]);
  await new VerifiedTiles(read(full), small).verifyLeaf(leaves[256], { index: 256 });
  full.delete("tile/0/001");
  const tiles = new VerifiedTiles(read(full), small);
  await assert.rejects(tiles.verifyLeaf(leaves[256], { index: 256 }), { reason: "tile-missing" });
});

test("another leaf, a fork and a rollback are told apart", async () => {
  const tiles = new VerifiedTiles(read(files), head);
  await assert.rejects(tiles.verifyLeaf(leaves[1], { index: 0 }), { reason: "leaf-mismatch" });
  await assert.rejects(tiles.verifyLeaf(leaves[0], { index: SIZE }), { reason: "index-out-of-range" });
  await assert.rejects(tiles.verifyExtends({ ...head, size: 300 }), { reason: "forked-tree" });
  await assert.rejects(tiles.verifyExtends({ ...head, size: SIZE + 1 }), { reason: "rolled-back" });
  await assert.rejects(tiles.hashAt(8, 2), RangeError);
});

test("only so many tiles are kept", async () => {
  const wide = Array.from({ length: 66 * 256 }, (_, i) => leaves[i % SIZE]);
  const some = new Map();
  const above = [];
  for (let start = 0; start < wide.length; start += 256) {
    const row = wide.slice(start, start + 256);
    some.set(`tile/0/${String(start / 256).padStart(3, "0")}`, new Uint8Array(Buffer.concat(row)));
    above.push(await rootOf(row));
  }
  some.set("tile/1/000.p/66", new Uint8Array(Buffer.concat(above)));
  const fetched = [];
  const wideHead = { size: wide.length, root: await rootOf(wide) };
  const tiles = new VerifiedTiles(async (path) => (fetched.push(path), some.get(path) ?? null), wideHead);
  for (let tile = 0; tile < 66; tile += 1) await tiles.hashAt(0, tile * 256);
  await tiles.hashAt(0, 65 * 256);
  assert.equal(fetched.length, 67);
  await tiles.hashAt(0, 0);
  assert.equal(fetched.length, 68);
});

test("a bundle holds 1 to 256 entries of at most 65,535 bytes", () => {
  assert.equal(encodeEntries([new Uint8Array(65_535)]).length, 65_537);
  const tooMany = Array.from({ length: 257 }, () => new Uint8Array(0));
  for (const entries of [[], tooMany, [new Uint8Array(65_536)]]) assert.throws(() => encodeEntries(entries), RangeError);
});
