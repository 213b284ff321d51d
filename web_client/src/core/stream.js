/**
 * Attachments: one file, one key, sealed in chunks: the STREAM construction (Hoang, Reyhanitabar,
 * Rogaway, Vizár, CRYPTO 2015) as age uses it. Byte for byte what crypto/stream.py does:
 *
 *     key        = HKDF-SHA256(file key, salt = empty, info = "relais/1 file", 32 bytes)
 *     plaintext  = content || zeros up to padme(size)
 *     chunk i    = AES-256-GCM(key, nonce i, 64 KiB of plaintext), no associated data
 *     nonce i    = i as 11 bytes, big endian || 1 byte: 1 for the last chunk, else 0
 *     ciphertext = chunk 0 || chunk 1 || ...   every chunk but the last is full;
 *                                              it is empty only when the file is
 *     blob id    = SHA-256(ciphertext), hex
 *
 * The nonces are fixed by position, so a file key must never seal two different files. Sealing the
 * same file again gives the same ciphertext: an upload resumes. The content's true size travels
 * beside the key, in the note.
 */
import { ProtocolError } from "./errors.js";
import { padme } from "./padme.js";

export const FILE_KEY_SIZE = 32;
export const CHUNK_SIZE = 64 * 1024;
export const TAG_SIZE = 16;
export const SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {Blob | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>} ByteSource */
/** @typedef {(done: number, total: number) => void} OnProgress bytes of content, done and in all */
/** @typedef {{ blob: Blob, blobId: string, size: number }} SealedFile ciphertext, its SHA-256 in hex, its bytes */

/**
 * Bytes of ciphertext for `size` bytes of content: padding and a tag per chunk included.
 * @param {number} size
 */
export function sealedSize(size) {
  const length = padme(size);
  return length + TAG_SIZE * Math.max(1, Math.ceil(length / CHUNK_SIZE));
}

/**
 * Seal content of `size` bytes; memory stays at about one chunk.
 * Throws RangeError for a key that is not 32 bytes, ProtocolError `stream-size` when the content is
 * not `size` bytes long (it changed while it was read).
 * @param {Uint8Array} key @param {ByteSource} source
 * @param {{ size: number, onProgress?: OnProgress | undefined }} options
 * @returns {AsyncGenerator<Bytes, void, void>}
 */
export async function* sealStream(key, source, { size, onProgress }) {
  const cipher = await cipherOf(key);
  let index = 0;
  for await (const { piece, isLast } of pieces(padded(source, size), CHUNK_SIZE)) {
    yield new Uint8Array(await crypto.subtle.encrypt(gcm(index, isLast), cipher, piece));
    index += 1;
    onProgress?.(Math.min(size, index * CHUNK_SIZE), size);
  }
}

/**
 * Open ciphertext that arrives in pieces of any length. Every piece that comes out is authentic, but
 * only the end proves that the file is whole: whoever meets an error must throw away what came before.
 * Throws RangeError as `sealStream` does, and ProtocolError: `stream-tampered` (changed or reordered);
 * `stream-truncated`; `stream-extended`; `stream-size` (sealed with a length other than padme(size), or
 * what follows the content is not zero).
 * @param {Uint8Array} key @param {ByteSource} source
 * @param {{ size: number, onProgress?: OnProgress | undefined }} options
 * @returns {AsyncGenerator<Bytes, void, void>}
 */
export async function* openStream(key, source, { size, onProgress }) {
  let left = size;
  let padding = padme(size) - size;
  for await (const chunk of openChunks(await cipherOf(key), source, size)) {
    const content = chunk.subarray(0, left);
    const zeros = chunk.subarray(content.length);
    left -= content.length;
    padding -= zeros.length;
    if (padding < 0 || zeros.some((byte) => byte !== 0)) throw new ProtocolError("stream-size");
    if (content.length > 0) yield content;
    onProgress?.(size - left, size);
  }
}

/**
 * Seal content held in memory; see `sealStream`.
 * @param {Uint8Array} key @param {Uint8Array} content
 */
export async function sealBytes(key, content) {
  return joined(sealStream(key, content, { size: content.length }), sealedSize(content.length));
}

/**
 * Open ciphertext held in memory: all of it or an error; see `openStream`.
 * @param {Uint8Array} key @param {Uint8Array} sealed @param {{ size: number }} options
 */
export async function openBytes(key, sealed, { size }) {
  return joined(openStream(key, sealed, { size }), size);
}

/**
 * Seal a file into a blob, ready for the outbox and the upload.
 * @param {Uint8Array} key @param {Blob} source @param {{ onProgress?: OnProgress }} [options]
 * @returns {Promise<SealedFile>}
 */
export async function sealFile(key, source, { onProgress } = {}) {
  /** @type {Bytes[]} */
  const chunks = [];
  for await (const chunk of sealStream(key, source, { size: source.size, onProgress })) chunks.push(chunk);
  const blob = new Blob(chunks);
  return { blob, blobId: await blobId(blob), size: blob.size };
}

/**
 * Open a file into a blob of the media type the note names: all of it or an error.
 * @param {Uint8Array} key @param {ByteSource} source
 * @param {{ size: number, mediaType?: string, onProgress?: OnProgress }} options
 */
export async function openFile(key, source, { size, mediaType = "", onProgress }) {
  /** @type {Bytes[]} */
  const chunks = [];
  for await (const chunk of openStream(key, source, { size, onProgress })) chunks.push(chunk);
  return new Blob(chunks, { type: mediaType });
}

/**
 * The id of a blob, from its ciphertext: SHA-256, 64 hex digits.
 * @param {Blob | Uint8Array} sealed held in memory whole, for WebCrypto hashes in one piece only
 */
export async function blobId(sealed) {
  const bytes = sealed instanceof Blob ? await sealed.arrayBuffer() : new Uint8Array(sealed);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array} key */
async function cipherOf(key) {
  if (key.length !== FILE_KEY_SIZE) throw new RangeError("a file key is 32 bytes");
  const base = await crypto.subtle.importKey("raw", new Uint8Array(key), "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode("relais/1 file");
  const derive = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
  return crypto.subtle.deriveKey(derive, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** @param {number} index @param {boolean} isLast */
function gcm(index, isLast) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(3, BigInt(index));
  iv[11] = isLast ? 1 : 0;
  return { name: "AES-GCM", iv, tagLength: TAG_SIZE * 8 };
}

/**
 * @param {CryptoKey} cipher @param {ByteSource} source @param {number} size
 * @returns {AsyncGenerator<Bytes, void, void>}
 */
async function* openChunks(cipher, source, size) {
  let [index, received] = [0, 0];
  for await (const { piece, isLast } of pieces(byteChunks(source), SEALED_CHUNK_SIZE)) {
    received += piece.length;
    const content = await openChunk(cipher, piece, gcm(index, isLast));
    if (content === null) {
      const otherEnd = await openChunk(cipher, piece, gcm(index, !isLast));
      throw new ProtocolError(blame(isLast, received - sealedSize(size), otherEnd !== null));
    }
    yield content;
    index += 1;
  }
  if (received !== sealedSize(size)) throw new ProtocolError("stream-size");
}

/** @param {CryptoKey} cipher @param {Bytes} piece @param {AesGcmParams} nonce */
async function openChunk(cipher, piece, nonce) {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(nonce, cipher, piece));
  } catch (error) {
    if (error instanceof DOMException && error.name === "OperationError") return null; // it does not authenticate
    throw error;
  }
}

/**
 * Why a chunk did not open. `surplus`: bytes received so far beyond the length expected.
 * @param {boolean} isLast @param {number} surplus @param {boolean} isOtherEnd
 */
function blame(isLast, surplus, isOtherEnd) {
  if (isOtherEnd) return isLast ? "stream-truncated" : "stream-extended"; // authentic, but it goes on, or the reverse
  if (isLast && surplus < 0) return "stream-truncated";
  if (surplus > 0 || (surplus === 0 && !isLast)) return "stream-extended";
  return "stream-tampered";
}

/** @param {ByteSource} source @param {number} size */
async function* padded(source, size) {
  let left = size;
  for await (const chunk of byteChunks(source)) {
    left -= chunk.length;
    if (left < 0) throw new ProtocolError("stream-size");
    yield chunk;
  }
  if (left > 0) throw new ProtocolError("stream-size");
  for (let padding = padme(size) - size; padding > 0; padding -= CHUNK_SIZE) {
    yield new Uint8Array(Math.min(padding, CHUNK_SIZE));
  }
}

/**
 * Regroup into pieces of exactly `length` bytes; the last one is flagged and may be shorter.
 * @param {AsyncIterable<Uint8Array>} chunks @param {number} length
 * @returns {AsyncGenerator<{ piece: Bytes, isLast: boolean }, void, void>}
 */
async function* pieces(chunks, length) {
  let piece = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; ) {
      if (filled === length) { // only now: a full piece may yet turn out to be the last
        yield { piece, isLast: false };
        piece = new Uint8Array(length);
        filled = 0;
      }
      const part = chunk.subarray(offset, offset + length - filled);
      piece.set(part, filled);
      filled += part.length;
      offset += part.length;
    }
  }
  yield { piece: piece.subarray(0, filled), isLast: true };
}

/**
 * Any source as pieces of bytes; a blob is read slice by slice, never whole.
 * @param {ByteSource} source
 * @returns {AsyncGenerator<Uint8Array, void, void>}
 */
export async function* byteChunks(source) {
  if (source instanceof Uint8Array) yield source;
  else if (source instanceof Blob) yield* slices(source);
  else if (source instanceof ReadableStream) yield* drained(source);
  else yield* source;
}

/** @param {Blob} blob */
async function* slices(blob) {
  for (let start = 0; start < blob.size; start += CHUNK_SIZE) {
    yield new Uint8Array(await blob.slice(start, start + CHUNK_SIZE).arrayBuffer());
  }
}

/** @param {ReadableStream<Uint8Array>} stream by its reader: not every browser iterates streams */
async function* drained(stream) {
  const reader = stream.getReader();
  let isDone = false;
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
    isDone = true;
  } finally {
    if (!isDone) await reader.cancel(); // abandoned half-way: let the network stop too
  }
}

/** @param {AsyncIterable<Uint8Array>} chunks @param {number} length */
async function joined(chunks, length) {
  const whole = new Uint8Array(length);
  let offset = 0;
  for await (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
