// The shared vectors of attachments; tests/crypto/test_stream_vectors.py reads the same file.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { padme } from "../../src/core/padme.js";
import { SEALED_CHUNK_SIZE, blobId, openBytes, sealBytes, sealedSize } from "../../src/core/stream.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/vectors/stream.json", import.meta.url), "utf8"));
const good = new Map(vectors.good.map((one) => [one.name, one]));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");

function content({ seed, size }) {
  const blocks = [];
  for (let i = 0; i * 32 < size; i += 1) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(i);
    blocks.push(createHash("sha256").update(seed).update(counter).digest());
  }
  return new Uint8Array(Buffer.concat(blocks).subarray(0, size));
}

/** Key, ciphertext and claimed size of a bad case. */
async function altered(one) {
  if (!one.of) return { key: bytes(one.key), sealed: bytes(one.sealed), size: one.size };
  const of = good.get(one.of);
  const sealed = await sealBytes(bytes(of.key), content(of));
  return { key: bytes(one.key ?? of.key), sealed: change(sealed, one), size: one.size ?? of.size };
}

function change(sealed, { cut = sealed.length, append = "", swap, drop, repeat, flip }) {
  const whole = Buffer.concat([sealed.subarray(0, cut), bytes(append)]);
  const chunks = [];
  for (let i = 0; i < whole.length; i += SEALED_CHUNK_SIZE) chunks.push(whole.subarray(i, i + SEALED_CHUNK_SIZE));
  if (swap) [chunks[swap[0]], chunks[swap[1]]] = [chunks[swap[1]], chunks[swap[0]]];
  if (drop !== undefined) chunks.splice(drop, 1);
  if (repeat !== undefined) chunks.splice(repeat, 0, chunks[repeat]);
  const changed = Buffer.concat(chunks);
  if (flip !== undefined) changed[flip] ^= 1;
  return new Uint8Array(changed);
}

test("lengths are padded as the vectors say", () => {
  assert.ok(vectors.padme.length > 50);
  for (const [length, padded] of vectors.padme) assert.equal(padme(length), padded, `padme(${length})`);
});

for (const one of vectors.good) {
  test(`a file of ${one.name} seals to the blob of the vector and opens again`, async () => {
    const sealed = await sealBytes(bytes(one.key), content(one));
    assert.equal(await blobId(sealed), one.blob_id);
    assert.equal(sealed.length, one.sealed_size);
    assert.equal(sealedSize(one.size), one.sealed_size);
    if (one.sealed !== undefined) assert.equal(hex(sealed), one.sealed);
    const opened = await openBytes(bytes(one.key), sealed, { size: one.size });
    assert.ok(Buffer.from(content(one)).equals(opened));
  });
}

for (const one of vectors.bad) {
  test(`refused as ${one.reason}: ${one.name}`, async () => {
    const { key, sealed, size } = await altered(one);
    await assert.rejects(openBytes(key, sealed, { size }), { name: "ProtocolError", reason: one.reason });
  });
}
