/** The server over HTTP: logins and joining as JSON, blobs of ciphertext in resumable pieces (docs/protocol.md §9). */
import { toBase64url } from "./bytes.js";
import { ProtocolError } from "./errors.js";
import { Refusal, Unreachable } from "./refusal.js";
import { sha256Hex } from "./suite.js";
import { BODIES } from "./wire-shapes.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./wire.d.ts").Exchanges} Exchanges */
/** @typedef {{ signal?: AbortSignal | undefined, onProgress?: ((done: number, total: number) => void) | undefined }} Following */

export const PIECE_SIZE = 1024 * 1024;
const EXCHANGE_TIMEOUT = 40_000; // longer than `/auth/join/wait` keeps one waiting
const PIECE_TIMEOUT = 60_000;
const CONFLICT = 409;
const NOT_FOUND = 404;

export class Http {
  #origin;
  #fetch;
  #token;

  /** @param {{ origin: string, fetch: typeof globalThis.fetch, token: () => Promise<string> }} parts `token`: one that is good now */
  constructor({ origin, fetch, token }) {
    this.#origin = origin;
    this.#fetch = fetch;
    this.#token = token;
  }

  /**
   * POST a body and read its answer. Throws Refusal, Unreachable; ProtocolError `wrong-type` for an answer that is none.
   * @template {keyof Exchanges} P
   * @param {P} path @param {Exchanges[P]["request"]} body @param {Following} [following]
   * @returns {Promise<Exchanges[P]["answer"]>}
   */
  async exchange(path, body, { signal } = {}) {
    const headers = { "Content-Type": "application/json" };
    const answer = await this.#ask(path, { method: "POST", headers, body: JSON.stringify(asJson(body)) }, { signal, timeout: EXCHANGE_TIMEOUT });
    const read = await jsonOf(answer);
    if (!answer.ok) throw refusalOf(answer, read);
    return BODIES[path]?.(read, true);
  }

  /**
   * Send ciphertext, from where the server's copy ends. Sending what it has already costs one request.
   * @param {string} blobId @param {Blob} blob
   * @param {Following & { isBegun?: boolean }} [following] `isBegun`: some of it may be there, ask first
   */
  async upload(blobId, blob, { signal, onProgress, isBegun = true } = {}) {
    let offset = isBegun ? await this.#uploaded(blobId, signal) : 0;
    onProgress?.(offset, blob.size);
    while (offset < blob.size) {
      offset = await this.#sendPiece(blobId, blob, { offset, signal });
      onProgress?.(offset, blob.size);
    }
  }

  /**
   * Fetch ciphertext of at most `size` bytes, from where the last try ended, and check its hash.
   * Throws ProtocolError `blob-differs`.
   * @param {string} blobId @param {{ circle: string, size: number } & Following} what
   * @returns {Promise<Blob>}
   */
  async download(blobId, { circle, size, signal, onProgress }) {
    /** @type {Bytes[]} */
    const pieces = [];
    let [received, before] = [0, -1];
    while (received < size) {
      if (received === before) throw new Unreachable();
      before = received;
      received = await this.#receive(blobId, { circle, size, signal, received, pieces, onProgress });
    }
    const blob = new Blob(pieces);
    if ((await sha256Hex(new Uint8Array(await blob.arrayBuffer()))) !== blobId) throw new ProtocolError("blob-differs");
    return blob;
  }

  /** A file of the log, as bytes; null where there is none. @param {string} path @returns {Promise<Bytes | null>} */
  async file(path) {
    const answer = await this.#ask(path, { headers: await this.#bearer() }, { timeout: EXCHANGE_TIMEOUT });
    if (answer.status === NOT_FOUND) return null;
    if (!answer.ok) throw refusalOf(answer, await jsonOf(answer));
    return new Uint8Array(await reached(answer.arrayBuffer()));
  }

  /** @param {string} blobId @param {AbortSignal | undefined} signal */
  async #uploaded(blobId, signal) {
    const answer = await this.#ask(`/blobs/${blobId}`, { method: "HEAD", headers: await this.#bearer() }, { signal, timeout: EXCHANGE_TIMEOUT });
    if (answer.status === NOT_FOUND) return 0;
    if (!answer.ok) throw refusalOf(answer, null);
    return offsetOf(answer);
  }

  /** @param {string} blobId @param {Blob} blob @param {{ offset: number, signal: AbortSignal | undefined }} from */
  async #sendPiece(blobId, blob, { offset, signal }) {
    const headers = { ...(await this.#bearer()), "Upload-Offset": String(offset), "Content-Type": "application/octet-stream" };
    const body = blob.slice(offset, offset + PIECE_SIZE);
    const answer = await this.#ask(`/blobs/${blobId}?size=${blob.size}`, { method: "PATCH", headers, body }, { signal, timeout: PIECE_TIMEOUT });
    const isElsewhere = answer.status === CONFLICT && answer.headers.has("Upload-Offset");
    if (!answer.ok && !isElsewhere) throw refusalOf(answer, await jsonOf(answer));
    return offsetOf(answer);
  }

  /**
   * @param {string} blobId
   * @param {{ circle: string, size: number, received: number, pieces: Bytes[] } & Following} into
   * @returns {Promise<number>} bytes there are now; a cut connection ends early and is taken up again
   */
  async #receive(blobId, { circle, size, signal, received, pieces, onProgress }) {
    const headers = { ...(await this.#bearer()), ...(received > 0 ? { Range: `bytes=${received}-` } : {}) };
    const answer = await this.#ask(`/blobs/${blobId}?circle=${circle}`, { headers }, { signal, timeout: 0 });
    if (!answer.ok) throw refusalOf(answer, await jsonOf(answer));
    if (!answer.body || (received > 0 && answer.status !== 206)) throw new ProtocolError("wrong-type");
    const reader = answer.body.getReader();
    let length = received;
    for (let step = await readOrEnd(reader, signal); step && !step.done; step = await readOrEnd(reader, signal)) {
      length += step.value.length;
      if (length > size) throw new ProtocolError("blob-differs");
      pieces.push(new Uint8Array(step.value));
      onProgress?.(length, size);
    }
    return length;
  }

  async #bearer() {
    return { Authorization: `Bearer ${await this.#token()}` };
  }

  /** @param {string} path @param {RequestInit} request @param {{ signal?: AbortSignal | undefined, timeout: number }} until 0: no timeout */
  async #ask(path, request, { signal, timeout }) {
    const ending = new AbortController();
    const timer = timeout > 0 ? setTimeout(() => ending.abort(), timeout) : null;
    const abort = () => ending.abort(signal?.reason);
    signal?.addEventListener("abort", abort);
    try {
      signal?.throwIfAborted();
      return await this.#fetch(this.#origin + path, { ...request, signal: ending.signal, cache: "no-store", credentials: "omit", redirect: "error" });
    } catch (error) {
      signal?.throwIfAborted();
      throw new Unreachable({ cause: error });
    } finally {
      if (timer !== null) clearTimeout(timer);
      if (timeout > 0) signal?.removeEventListener("abort", abort); // else the body is still to be read
    }
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader @param {AbortSignal | undefined} signal @returns {Promise<ReadableStreamReadResult<Uint8Array> | null>} null: cut */
async function readOrEnd(reader, signal) {
  try {
    return await reader.read();
  } catch {
    signal?.throwIfAborted();
    return null; // the caller asks for the rest
  }
}

/** @template T @param {Promise<T>} reading @returns {Promise<T>} */
async function reached(reading) {
  try {
    return await reading;
  } catch (error) {
    throw new Unreachable({ cause: error });
  }
}

/** @param {Response} answer @returns {Promise<unknown>} null where it is not JSON: a proxy's page, for one */
async function jsonOf(answer) {
  const text = await reached(answer.text());
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @type {Record<number, import("./refusal.js").Code>} for answers without a body of ours */
const CODE_OF = { 400: "malformed", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 409: "conflict", 413: "too_large", 429: "rate_limited" };

/** @param {Response} answer @param {any} body */
function refusalOf(answer, body) {
  if (typeof body?.error?.code === "string") return Refusal.fromWire(body.error);
  return new Refusal(CODE_OF[answer.status] ?? "unavailable");
}

/** @param {Response} answer */
function offsetOf(answer) {
  const offset = Number(answer.headers.get("Upload-Offset") ?? NaN);
  if (!Number.isSafeInteger(offset) || offset < 0) throw new ProtocolError("wrong-type");
  return offset;
}

/** @param {unknown} value @returns {unknown} */
function asJson(value) {
  if (value instanceof Uint8Array) return toBase64url(value);
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, asJson(item)]));
}
