/**
 * Pictures made ready for a note: upright, in sRGB, of a sensible size, and nothing but pixels, by the
 * rules of client/images.py. The file is never edited, which would keep whatever an editor does not
 * know: the browser decodes its pixels, and a canvas writes them into a new file.
 */
import { AttachmentError, IMAGE_TYPES, MAX_ATTACHMENT_SIZE, checkAttachment } from "../core/media-type.js";

export const MAX_SIDE = 2560;
export const MAX_PIXELS = 64_000_000;
export const THUMBNAIL_SIDE = 320;
export const THUMBNAIL_SIZE = 20 * 1024;
export const THUMBNAIL_TYPE = "image/jpeg";
const JPEG_QUALITY = 0.85;
const FEW_COLOURS = 256;
const SAMPLE_SIDE = 512;

/** @typedef {OffscreenCanvas | HTMLCanvasElement} Canvas */
/** @typedef {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} Context */
/** @typedef {(file: Blob, options: ImageBitmapOptions) => Promise<ImageBitmap>} Decode */
/**
 * @typedef {object} PrepareOptions
 * @property {(width: number, height: number) => Canvas} createCanvas where there is no OffscreenCanvas, the view's own
 * @property {Decode} [decode] createImageBitmap, or what stands for it
 * @property {boolean} [keepOriginal] keep the file itself, with its metadata
 * @property {number} [maxSide] pixels of the longest side
 */
/**
 * @typedef {object} PreparedImage a picture ready to be sealed, its size in pixels as seen upright
 * @property {Blob} data
 * @property {string} mediaType
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} thumbnail a JPEG of at most THUMBNAIL_SIZE bytes and THUMBNAIL_SIDE pixels
 */
/** @typedef {{ data: Blob, mediaType: string }} PreparedDocument a document ready to be sealed, as it is */

/**
 * Make any accepted file ready: pictures as `prepareImage` does, a PDF as it is. Throws what it throws.
 * @param {Blob} file @param {PrepareOptions} options
 * @returns {Promise<PreparedImage | PreparedDocument>}
 */
export async function prepareAttachment(file, options) {
  const mediaType = await checkAttachment(file);
  return IMAGE_TYPES.includes(mediaType) ? prepareImage(file, options) : { data: file, mediaType };
}

/**
 * Decode a picture (an animation's first frame) and write it anew: JPEG, or PNG where a PNG or WebP has
 * transparency or few colours. Throws AttachmentError `unsupported-file`, `too-large`, `broken-image`,
 * `too-many-pixels`, `heic-unsupported`.
 * @param {Blob} file @param {PrepareOptions} options
 * @returns {Promise<PreparedImage>}
 */
export async function prepareImage(file, { createCanvas, decode, keepOriginal = false, maxSide = MAX_SIDE }) {
  const fileType = await checkAttachment(file);
  if (!IMAGE_TYPES.includes(fileType)) throw new AttachmentError("unsupported-file");
  const bitmap = await decoded(file, fileType, decode);
  try {
    const canvas = drawn(createCanvas, bitmap, maxSide, mayStayPng(fileType) ? {} : { background: "white" });
    const { width, height } = canvas;
    const thumbnail = await smallest(createCanvas, bitmap);
    if (keepOriginal) return { data: file, mediaType: fileType, width, height, thumbnail };
    const isGraphic = mayStayPng(fileType) && (hasTransparency(canvas) || hasFewColours(createCanvas, bitmap));
    const data = await encoded(canvas, { createCanvas, isGraphic });
    return { data, mediaType: data.type, width, height, thumbnail };
  } finally {
    bitmap.close();
  }
}

/** @param {Blob} file @param {string} fileType @param {Decode} [decode] */
async function decoded(file, fileType, decode = (blob, options) => createImageBitmap(blob, options)) {
  const bitmap = await decode(file, { imageOrientation: "from-image" }).catch((cause) => {
    throw new AttachmentError(fileType === "image/heic" ? "heic-unsupported" : "broken-image", { cause });
  });
  if (bitmap.width * bitmap.height <= MAX_PIXELS) return bitmap;
  bitmap.close();
  throw new AttachmentError("too-many-pixels");
}

/** @param {string} fileType JPEG and HEIC are photographs */
function mayStayPng(fileType) {
  return fileType === "image/png" || fileType === "image/webp";
}

/**
 * @param {PrepareOptions["createCanvas"]} createCanvas @param {CanvasImageSource & { width: number, height: number }} picture
 * @param {number} side @param {{ background?: string, isSmooth?: boolean }} [options]
 */
function drawn(createCanvas, picture, side, { background, isSmooth = true } = {}) {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const canvas = createCanvas(width, height);
  const context = contextOf(canvas);
  context.imageSmoothingEnabled = isSmooth;
  context.imageSmoothingQuality = "high";
  if (background !== undefined) {
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

/** @param {Canvas} canvas @returns {Context} */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (context === null) throw new AttachmentError("too-many-pixels"); // more than this device's canvases hold
  return context;
}

/** @param {Canvas} canvas the pixels as 32-bit words, alpha in the highest byte */
function words(canvas) {
  const { data } = contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height);
  return new Uint32Array(data.buffer);
}

/** @param {Canvas} canvas */
function hasTransparency(canvas) {
  return words(canvas).some((word) => word >>> 24 !== 255);
}

/** @param {PrepareOptions["createCanvas"]} createCanvas @param {ImageBitmap} bitmap */
function hasFewColours(createCanvas, bitmap) {
  const colours = new Set();
  for (const word of words(drawn(createCanvas, bitmap, SAMPLE_SIDE, { isSmooth: false }))) {
    colours.add(word);
    if (colours.size > FEW_COLOURS) return false;
  }
  return true;
}

/** @param {Canvas} canvas @param {{ createCanvas: PrepareOptions["createCanvas"], isGraphic: boolean }} options */
async function encoded(canvas, { createCanvas, isGraphic }) {
  if (!isGraphic) return blobOf(canvas, "image/jpeg", JPEG_QUALITY);
  const png = await blobOf(canvas, "image/png");
  if (png.size <= MAX_ATTACHMENT_SIZE) return png;
  const opaque = drawn(createCanvas, canvas, Infinity, { background: "white" });
  return blobOf(opaque, "image/jpeg", JPEG_QUALITY);
}

/**
 * Ever smaller files; the last is within THUMBNAIL_SIZE even for noise.
 * @param {PrepareOptions["createCanvas"]} createCanvas @param {ImageBitmap} bitmap
 */
async function smallest(createCanvas, bitmap) {
  for (const side of [THUMBNAIL_SIDE, THUMBNAIL_SIDE * 0.75]) {
    const canvas = drawn(createCanvas, bitmap, side, { background: "white" });
    for (const quality of [0.75, 0.6, 0.45, 0.3]) {
      const jpeg = await blobOf(canvas, THUMBNAIL_TYPE, quality);
      if (jpeg.size <= THUMBNAIL_SIZE) return bytesOf(jpeg);
    }
  }
  return bytesOf(await blobOf(drawn(createCanvas, bitmap, THUMBNAIL_SIDE / 2, { background: "white" }), THUMBNAIL_TYPE, 0.3));
}

/** @param {Blob} blob */
async function bytesOf(blob) {
  return new Uint8Array(await blob.arrayBuffer());
}

/**
 * @param {Canvas} canvas @param {string} type @param {number} [quality]
 * @returns {Promise<Blob>}
 */
async function blobOf(canvas, type, quality) {
  const options = quality === undefined ? { type } : { type, quality };
  if ("convertToBlob" in canvas) return canvas.convertToBlob(options);
  const blob = await new Promise((resolve) => {
    canvas.toBlob(resolve, type, quality);
  });
  if (blob === null) throw new AttachmentError("too-many-pixels");
  return blob;
}
