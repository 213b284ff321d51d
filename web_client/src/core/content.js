/** What a note says, once opened, and the padding around it (docs/protocol.md §6). */
import { concat } from "./bytes.js";
import { ProtocolError } from "./errors.js";
import { padme } from "./padme.js";
import { bytes, choice, id32, list, narrowed, optional, structure, text, uint, uuid } from "./structure.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./structure.js").ValueOf<typeof CONTENT>} Content */
/** @typedef {Content["attachments"][number]} Attachment */
/** @typedef {{ schema: string, data: Record<string, any> }} Form */

export const NOTE_TYPES = /** @type {const} */ (["OBS", "INST", "INTERV", "DEM-AVIS", "GEN", "PROFILE"]);
export const THUMBNAIL_MOST = 24 * 1024;
export const ATTACHMENTS_MOST = 20;
const FORM_DEPTH = 8;
const LENGTH_SIZE = 4;
const PADDED_LEAST = 256;

/** A map of text to CBOR: a plain object outside, of plain objects. @type {import("./structure.js").Kind<Record<string, any>>} */
const formData = {
  write: (value) => {
    if (!isMap(asPlain(value, 0))) throw new ProtocolError("wrong-type");
    return value;
  },
  read: (value) => {
    const data = asPlain(value, 0);
    if (!isMap(data)) throw new ProtocolError("wrong-type");
    return data;
  },
};

const FORM = structure({ schema: text(60), data: formData });
const ATTACHMENT = structure({
  id: uuid, blob: id32, key: bytes(32), name: text(200), media_type: text(100), size: uint, sha256: id32,
  width: optional(uint), height: optional(uint), thumbnail: optional(narrowed(bytes(), (image) => image.length <= THUMBNAIL_MOST)),
});
const CONTENT = structure({
  type: choice(NOTE_TYPES), text: text(20_000), form: optional(FORM),
  attachments: list(ATTACHMENT, { most: ATTACHMENTS_MOST }), reply_to: optional(uuid), broadcast: optional(uuid),
});

/** @param {Content} content @returns {Bytes} */
export const encode = (content) => CONTENT.encode(content);

/** @param {Uint8Array} data @returns {Content} */
export const decode = (data) => CONTENT.decode(data);

/** @param {Uint8Array} content @returns {Bytes} length ‖ content ‖ zeros */
export function pad(content) {
  const padded = new Uint8Array(paddedSize(content.length));
  new DataView(padded.buffer).setUint32(0, content.length);
  padded.set(content, LENGTH_SIZE);
  return padded;
}

/** Throws ProtocolError `bad-padding`. @param {Uint8Array} padded @returns {Bytes} */
export function unpad(padded) {
  if (padded.length < LENGTH_SIZE) throw new ProtocolError("bad-padding");
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  if (paddedSize(length) !== padded.length) throw new ProtocolError("bad-padding");
  const content = padded.subarray(LENGTH_SIZE, LENGTH_SIZE + length);
  if (padded.subarray(LENGTH_SIZE + length).some((byte) => byte !== 0)) throw new ProtocolError("bad-padding");
  return concat(content);
}

/** @param {number} length of the content */
const paddedSize = (length) => Math.max(PADDED_LEAST, padme(LENGTH_SIZE + length));

/** @param {unknown} value @param {number} depth @returns {any} maps as plain objects */
function asPlain(value, depth) {
  const isNested = typeof value === "object" && value !== null && !(value instanceof Uint8Array);
  if (!isNested) return value;
  if (depth >= FORM_DEPTH) throw new ProtocolError("wrong-type");
  if (Array.isArray(value)) return value.map((item) => asPlain(item, depth + 1));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  if (entries.some(([key]) => typeof key !== "string")) throw new ProtocolError("wrong-type");
  return Object.fromEntries(entries.map(([key, item]) => [key, asPlain(item, depth + 1)]));
}

/** @param {unknown} value */
const isMap = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
