import assert from "node:assert/strict";
import { test } from "node:test";

import { ACCEPTED_TYPES, MAX_ATTACHMENT_SIZE, checkAttachment, sniffMediaType } from "../../src/core/media-type.js";

const latin1 = (text) => new Uint8Array(Buffer.from(text, "latin1"));

const pdf = (size) => new Blob([latin1("%PDF-"), new Uint8Array(size - 5)]);

function brands(major, compatible = [], size = 16 + 4 * compatible.length) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(size);
  return Buffer.concat([length, latin1(`ftyp${major}\0\0\0\0${compatible.join("")}`)]);
}

test("each accepted type is told by its first bytes", () => {
  const heads = [
    ["\xff\xd8\xff\xe0", "image/jpeg"],
    ["\x89PNG\r\n\x1a\n", "image/png"],
    ["RIFF\x10\0\0\0WEBPVP8 ", "image/webp"],
    [brands("heic"), "image/heic"],
    [brands("mif1", ["miaf", "heic"]), "image/heic"],
    [brands("msf1", ["hevc"]), "image/heic"],
    ["%PDF-1.7", "application/pdf"],
  ];
  for (const [head, type] of heads) {
    assert.equal(sniffMediaType(typeof head === "string" ? latin1(head) : head), type);
    assert.ok(ACCEPTED_TYPES.includes(type));
  }
});

test("anything else is refused whatever its name", () => {
  const heads = ["", "%PDF", "\n%PDF-1.7", "GIF89a", "<svg/>", "MZ", "\xff\xd8", "\x89PNG\r\n", "RIFF\0\0\0\0WAVE", "RIFF"];
  const boxes = [
    brands("avif", ["mif1"]),
    brands("mif1", ["avif"]),
    brands("mif1", ["avif", "heic"], 20),
    brands("isom", ["heic"]),
    latin1("\0\0\0\x18ftyp"),
  ];
  for (const head of [...heads.map(latin1), ...boxes]) {
    assert.throws(() => sniffMediaType(head), { name: "AttachmentError", reason: "unsupported-file" });
  }
});

test("a view into a larger buffer is read from its own beginning", () => {
  const whole = Buffer.concat([latin1("....."), brands("mif1", ["heic"])]);
  assert.equal(sniffMediaType(new Uint8Array(whole.buffer, whole.byteOffset + 5, whole.length - 5)), "image/heic");
});

test("a file over the limit is refused and one at it is not", async () => {
  assert.equal(await checkAttachment(pdf(MAX_ATTACHMENT_SIZE)), "application/pdf");
  await assert.rejects(checkAttachment(pdf(MAX_ATTACHMENT_SIZE + 1)), { reason: "too-large" });
});
