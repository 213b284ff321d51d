import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import {
  CHUNK_SIZE,
  SEALED_CHUNK_SIZE,
  blobId,
  openBytes,
  openFile,
  openStream,
  sealBytes,
  sealFile,
  sealStream,
  sealedSize,
} from "../../src/core/stream.js";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const EDGES = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 7];
const made = (size) => new Uint8Array(createHash("shake128", { outputLength: size || 1 }).update("content").digest().subarray(0, size));

/** The same "random" numbers at every run: SHA-256 of a counter. */
function chances(seed) {
  let count = 0;
  return (below) => createHash("sha256").update(`${seed} ${(count += 1)}`).digest().readUInt32BE() % below;
}

function* cut(data, lengths) {
  let offset = 0;
  for (const length of lengths) {
    yield data.subarray(offset, offset + length);
    offset += length;
  }
  yield data.subarray(offset);
}

async function collected(chunks) {
  const all = [];
  for await (const chunk of chunks) all.push(chunk);
  return new Uint8Array(Buffer.concat(all));
}

const same = (one, other) => assert.ok(Buffer.from(one).equals(other), `${one.length} bytes differ from ${other.length}`);
const refused = (sealed, size, reason, key = KEY) =>
  assert.rejects(openBytes(key, sealed, { size }), { name: "ProtocolError", reason });

test("however a file is cut on its way it seals alike and opens", async () => {
  const chance = chances("cut");
  for (const size of [...EDGES, ...Array.from({ length: 15 }, () => chance(4 * CHUNK_SIZE))]) {
    const lengths = Array.from({ length: chance(6) }, () => chance(100_000));
    const content = made(size);
    const sealed = await collected(sealStream(KEY, cut(content, lengths), { size }));
    same(sealed, await sealBytes(KEY, content));
    assert.equal(sealed.length, sealedSize(size));
    same(await collected(openStream(KEY, cut(sealed, lengths), { size })), content);
  }
});

test("a bit flipped, a cut and a byte too many each have their own name, wherever they are", async () => {
  const chance = chances("change");
  for (const size of [...EDGES, ...EDGES]) {
    const sealed = await sealBytes(KEY, made(size));
    const flipped = sealed.slice();
    flipped[chance(sealed.length)] ^= 1 << chance(8);
    await refused(flipped, size, "stream-tampered");
    await refused(sealed.subarray(0, chance(sealed.length)), size, "stream-truncated");
    await refused(new Uint8Array([...sealed, ...made(1 + chance(99))]), size, "stream-extended");
  }
});

test("chunks in another order are tampering", async () => {
  const size = 3 * CHUNK_SIZE;
  const sealed = await sealBytes(KEY, made(size));
  const chunk = (i) => sealed.subarray(i * SEALED_CHUNK_SIZE, (i + 1) * SEALED_CHUNK_SIZE);
  const ordered = (...order) => new Uint8Array(Buffer.concat(order.map(chunk)));
  for (const order of [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
    await refused(ordered(...order), size, "stream-tampered");
  }
  same(await openBytes(KEY, ordered(0, 1, 2), { size }), made(size));
});

test("a file opens with its own size and key only", async () => {
  const content = new Uint8Array(1000).fill(1);
  const sealed = await sealBytes(KEY, content);
  same(await openBytes(KEY, sealed, { size: 1000 }), content);
  for (const size of [0, 999, 1025, 100_000]) await refused(sealed, size, "stream-size");
  await refused(sealed, 1000, "stream-tampered", new Uint8Array(32));
});

test("content of another length than announced is not sealed", async () => {
  for (const size of [9, 11]) {
    await assert.rejects(collected(sealStream(KEY, made(10), { size })), { reason: "stream-size" });
  }
});

test("a key of another length is a mistake of the caller", async () => {
  for (const length of [0, 31, 33]) {
    await assert.rejects(sealBytes(new Uint8Array(length), made(1)), RangeError);
    await assert.rejects(openBytes(new Uint8Array(length), made(32), { size: 16 }), RangeError);
  }
});

test("a blob seals to a blob with its id, tells its progress, and opens with its media type", async () => {
  const content = made(200_001);
  const seen = [];
  const { blob, blobId: id, size } = await sealFile(KEY, new Blob([content]), { onProgress: (...at) => seen.push(at) });
  same(new Uint8Array(await blob.arrayBuffer()), await sealBytes(KEY, content));
  assert.equal(id, createHash("sha256").update(Buffer.from(await blob.arrayBuffer())).digest("hex"));
  assert.equal(id, await blobId(blob));
  assert.equal(size, blob.size);
  assert.deepEqual(seen.map(([done]) => done), [65_536, 131_072, 196_608, 200_001]);
  const opened = await openFile(KEY, blob, { size: 200_001, mediaType: "image/png", onProgress: (...at) => seen.push(at) });
  assert.equal(opened.type, "image/png");
  same(new Uint8Array(await opened.arrayBuffer()), content);
  assert.deepEqual(seen.at(-1), [200_001, 200_001]);
});

test("a response's stream opens, and is cancelled when opening fails", async () => {
  const sealed = await sealBytes(KEY, made(300_000));
  same(await collected(openStream(KEY, new Blob([sealed]).stream(), { size: 300_000 })), made(300_000));
  let isCancelled = false;
  const source = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(SEALED_CHUNK_SIZE)),
    cancel: () => void (isCancelled = true),
  });
  await assert.rejects(collected(openStream(KEY, source, { size: 300_000 })), { reason: "stream-tampered" });
  assert.ok(isCancelled);
});

function* broken() {
  yield made(10);
  throw new TypeError("network");
}

test("an error of the source comes through as it is", async () => {
  await assert.rejects(collected(openStream(KEY, broken(), { size: 10 })), { name: "TypeError", message: "network" });
});
