/** What may be attached to a note, told by its first bytes and never by its name: client/attachment_types.py. */

/** Bytes of one attachment, before sealing. */
export const MAX_ATTACHMENT_SIZE = 25 * 1024 * 1024;

export const IMAGE_TYPES = Object.freeze(["image/jpeg", "image/png", "image/webp", "image/heic"]);
export const ACCEPTED_TYPES = Object.freeze([...IMAGE_TYPES, "application/pdf"]);

const HEIC_BRANDS = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]);
const HEAD_SIZE = 64;

/**
 * A file that cannot be attached; another one can. `reason`, the same words in Python:
 * `unsupported-file` neither an accepted image nor a PDF · `too-large` over MAX_ATTACHMENT_SIZE ·
 * `broken-image` cut short or damaged · `too-many-pixels` more than is safe to decode ·
 * `heic-unsupported` no decoder for HEIC in this browser.
 */
export class AttachmentError extends Error {
  /** @param {string} reason @param {ErrorOptions} [options] */
  constructor(reason, options) {
    super(reason, options);
    this.name = "AttachmentError";
    this.reason = reason;
  }
}

/**
 * The accepted media type `data` begins like; its first 64 bytes are enough. Says nothing of what
 * follows. Throws AttachmentError `unsupported-file`.
 * @param {Uint8Array} data
 */
export function sniffMediaType(data) {
  const head = latin1(data);
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (head.startsWith("%PDF-")) return "application/pdf";
  if (head.startsWith("RIFF") && head.startsWith("WEBP", 8)) return "image/webp";
  if (head.startsWith("ftyp", 4) && isHeic(data, head)) return "image/heic";
  throw new AttachmentError("unsupported-file");
}

/**
 * The media type of a file that may be attached. Throws AttachmentError `unsupported-file` or
 * `too-large`.
 * @param {Blob} file
 */
export async function checkAttachment(file) {
  if (file.size > MAX_ATTACHMENT_SIZE) throw new AttachmentError("too-large");
  return sniffMediaType(new Uint8Array(await file.slice(0, HEAD_SIZE).arrayBuffer()));
}

/**
 * ISO/IEC 14496-12 §4.3: the major brand, or with the neutral `mif1`/`msf1` a compatible one.
 * @param {Uint8Array} data @param {string} head
 */
function isHeic(data, head) {
  const brand = head.slice(8, 12);
  if (HEIC_BRANDS.has(brand)) return true;
  if (brand !== "mif1" && brand !== "msf1") return false;
  const end = Math.min(new DataView(data.buffer, data.byteOffset).getUint32(0), HEAD_SIZE);
  for (let i = 16; i < end; i += 4) if (HEIC_BRANDS.has(head.slice(i, i + 4))) return true;
  return false;
}

/** @param {Uint8Array} data the first bytes, one character each */
function latin1(data) {
  return String.fromCharCode(...data.subarray(0, HEAD_SIZE));
}
