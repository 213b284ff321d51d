/** Files on their way into a note and out of it: cleaned, sealed, fetched, opened. */
import { randomBytes, uuid7 } from "../core/bytes.js";
import { ATTACHMENTS_MOST } from "../core/content.js";
import { ProtocolError } from "../core/errors.js";
import { FILE_KEY_SIZE, openFile, sealedSize, sealFile } from "../core/stream.js";
import { sha256Hex } from "../core/suite.js";
import { declined } from "./failure.js";

/** @typedef {import("../core/content.js").Attachment} Attachment */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {{ data: Blob, mediaType: string, width?: number, height?: number, thumbnail?: Uint8Array }} Prepared */
/** Cleans a file: state/prepare-image.js, or what stands for it. @typedef {(file: File) => Promise<Prepared>} Prepare */
/** @typedef {{ attachment: Attachment, blob: Blob }} SealedAttachment what the note says, and the ciphertext */

const NAME_MOST = 200;
const CONTROL = /\p{Control}/gu;

/**
 * Prepare and seal, one after the other: a phone has little memory.
 * Throws AttachmentError; Failure `refused-here` `too-many-files`.
 * @param {Member} member @param {readonly File[]} files @param {{ prepare: Prepare, besides: number }} how `besides`: attachments the note has already
 * @returns {Promise<SealedAttachment[]>}
 */
export async function sealFiles(member, files, { prepare, besides }) {
  if (files.length + besides > ATTACHMENTS_MOST) throw declined("too-many-files");
  const sealed = [];
  for (const file of files) sealed.push(await sealOne(member, file, prepare));
  return sealed;
}

/** @param {Member} member @param {File} file @param {Prepare} prepare @returns {Promise<SealedAttachment>} */
async function sealOne(member, file, prepare) {
  const { data, mediaType, width, height, thumbnail } = await prepare(file);
  const key = randomBytes(FILE_KEY_SIZE);
  const { blob, blobId } = await sealFile(key, data);
  const sha256 = await sha256Hex(new Uint8Array(await data.arrayBuffer()));
  const attachment = {
    id: uuid7(member.clock.now()), blob: blobId, key, name: file.name.replace(CONTROL, " ").slice(0, NAME_MOST), media_type: mediaType,
    size: data.size, sha256, width: width ?? null, height: height ?? null, thumbnail: thumbnail ? new Uint8Array(thumbnail) : null,
  };
  return { attachment, blob };
}

/**
 * The file itself: from this device where it is still on its way, else from the server. Throws ProtocolError for what
 * does not hold: `blob-differs`, those of a stream, `file-differs`.
 * @param {Member} member @param {Attachment} attachment
 * @param {{ circle: string, signal: AbortSignal, onProgress: (share: number) => void }} following
 * @returns {Promise<Blob>}
 */
export async function fetchAttachment(member, attachment, { circle, signal, onProgress }) {
  const sealed = await sealedBlob(member, attachment, { circle, signal, onProgress });
  const opened = await openFile(attachment.key, sealed, { size: attachment.size, mediaType: attachment.media_type });
  if ((await sha256Hex(new Uint8Array(await opened.arrayBuffer()))) !== attachment.sha256) throw new ProtocolError("file-differs");
  return opened;
}

/** @param {Member} member @param {Attachment} attachment @param {{ circle: string, signal: AbortSignal, onProgress: (share: number) => void }} following */
async function sealedBlob(member, { blob: blobId, size }, { circle, signal, onProgress }) {
  const waiting = await member.database.get("blobs", blobId);
  if (waiting) return /** @type {Blob} */ (waiting.blob);
  const whole = sealedSize(size);
  return member.transport.http.download(blobId, { circle, size: whole, signal, onProgress: (done) => onProgress(done / whole) });
}

/** @type {WeakMap<Attachment, import("./types.js").AttachmentView>} the same view, and so the same thumbnail, for the same attachment */
const views = new WeakMap();

/** @param {Attachment} attachment @returns {import("./types.js").AttachmentView} */
export function attachmentView(attachment) {
  const known = views.get(attachment);
  if (known) return known;
  const { id, name, media_type: mediaType, size, width, height, thumbnail } = attachment;
  const view = Object.freeze({ id, name, mediaType, size, width, height, thumbnail: thumbnail && new Blob([thumbnail], { type: "image/jpeg" }) });
  views.set(attachment, view);
  return view;
}
