// What needs no browser; tests/web/test_prepare_image.py has the pixels.
import assert from "node:assert/strict";
import { test } from "node:test";

import { prepareAttachment, prepareImage } from "../../src/state/prepare-image.js";

const file = (head) => new Blob([new Uint8Array(Buffer.from(head, "latin1"))]);
const JPEG = file("\xff\xd8\xff");
const PNG = file("\x89PNG\r\n\x1a\n");
const HEIC = file("\0\0\0\x10ftypheic\0\0\0\0");

/** A canvas whose files are as large as a formula of its sides and the quality says, all pixels alike. */
class FakeCanvas {
  static sizes = ({ width, quality = 1 }) => width * quality;

  constructor(width, height) {
    Object.assign(this, { width, height });
  }

  getContext() {
    return {
      drawImage: () => {},
      fillRect: () => {},
      getImageData: () => ({ data: new Uint8Array(this.width * this.height * 4).fill(255) }),
    };
  }

  async convertToBlob({ type, quality }) {
    return new Blob([new Uint8Array(FakeCanvas.sizes({ width: this.width, quality, type }))], { type });
  }
}

function options({ size = { width: 400, height: 300 }, ...more } = {}) {
  const bitmap = { ...size, isClosed: false, close: () => void (bitmap.isClosed = true) };
  return { bitmap, decode: async () => bitmap, createCanvas: (width, height) => new FakeCanvas(width, height), ...more };
}

const failing = () => Promise.reject(new DOMException("no", "InvalidStateError"));
const withoutContext = (width, height) => ({ width, height, getContext: () => null });

test("a document passes as it is and is no picture", async () => {
  const pdf = file("%PDF-1.7");
  assert.deepEqual(await prepareAttachment(pdf, options()), { data: pdf, mediaType: "application/pdf" });
  await assert.rejects(prepareImage(pdf, options()), { reason: "unsupported-file" });
});

test("what cannot be decoded is named, and HEIC by its own name", async () => {
  await assert.rejects(prepareImage(JPEG, options({ decode: failing })), { name: "AttachmentError", reason: "broken-image" });
  await assert.rejects(prepareImage(HEIC, options({ decode: failing })), { name: "AttachmentError", reason: "heic-unsupported" });
});

test("HEIC becomes a JPEG where the browser can decode it", async () => {
  assert.equal((await prepareAttachment(HEIC, options())).mediaType, "image/jpeg");
});

test("more pixels than is safe are refused, and the memory given back", async () => {
  const large = options({ size: { width: 8001, height: 8000 } });
  await assert.rejects(prepareImage(JPEG, large), { reason: "too-many-pixels" });
  assert.ok(large.bitmap.isClosed);
  const enough = options({ size: { width: 8000, height: 8000 } });
  assert.equal((await prepareImage(JPEG, enough)).width, 2560);
  assert.ok(enough.bitmap.isClosed);
});

test("a device whose canvas gives no context says so", async () => {
  const given = options({ createCanvas: withoutContext });
  await assert.rejects(prepareImage(JPEG, given), { reason: "too-many-pixels" });
  assert.ok(given.bitmap.isClosed);
});

test("a thumbnail loses quality, then pixels, until it is small enough", async (t) => {
  const usual = FakeCanvas.sizes;
  t.after(() => void (FakeCanvas.sizes = usual));
  for (const [cost, size] of [[80, 19_200], [200, 19_200], [350, 16_800]]) {
    FakeCanvas.sizes = ({ width, quality }) => Math.round(width * cost * quality);
    const { thumbnail } = await prepareImage(JPEG, options());
    assert.equal(thumbnail.length, size);
  }
});

test("a graphic too large as PNG becomes a JPEG", async (t) => {
  const usual = FakeCanvas.sizes;
  t.after(() => void (FakeCanvas.sizes = usual));
  assert.equal((await prepareImage(PNG, options())).mediaType, "image/png");
  FakeCanvas.sizes = ({ type }) => (type === "image/png" ? 25 * 1024 * 1024 + 1 : 10);
  assert.equal((await prepareImage(PNG, options())).mediaType, "image/jpeg");
});
