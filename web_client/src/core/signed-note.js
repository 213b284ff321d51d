/**
 * Text signed by one or more keys: C2SP signed-note, and cosignature/v1 (C2SP tlog-cosignature); what
 * crypto/signed_note.py does, without signing.
 *
 *     text, ends in a newline
 *     (an empty line)
 *     — <key name> base64(key id, 4 bytes || signature)
 *
 *     key id = SHA-256(key name || 0x0A || kind || public key)[:4]
 *     vkey   = <key name>+<key id in hex>+base64(kind || public key)
 *
 * Kind 0x01 is Ed25519 over the text. Kind 0x04 is a witness's cosignature: uint64 seconds since 1970 || Ed25519 over
 * "cosignature/v1\ntime <seconds>\n" || text. "Signed note" is C2SP's word, not the note posted in a circle.
 */
import { concat, isSame, toHex, utf8 } from "./bytes.js";
import { ProtocolError } from "./errors.js";
import { isSignedBy, sha256 } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{ name: string, public: Bytes, kind: number, keyId: Bytes }} VerifierKey public key of 32 bytes, id of 4 */
/** @typedef {{ name: string, keyId: Bytes, value: Bytes }} Signature one line: who says to have signed */
/** @typedef {{ text: string, signatures: readonly Signature[] }} SignedNote the text ends in a newline */
/** @typedef {{ key: VerifierKey, at: number | null }} Signed a signature that was checked; a cosignature's time in seconds */

/** The signature types we check. */
export const KeyKind = Object.freeze({ ED25519: 1, COSIGNATURE: 4 });
export const MAX_NOTE_SIZE = 256 * 1024;

const PUBLIC_SIZE = 32;
const SIGNATURE_SIZE = 64;
const TIME_SIZE = 8;
// White_Space of Unicode, spelled out: Python, JavaScript and Go disagree on their own classes.
const NAME = String.raw`[^+\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+`;
const SIGNATURE_LINE = new RegExp(`^— (${NAME}) ([A-Za-z0-9+/]+={0,2})$`, "u");
const VKEY = new RegExp(String.raw`^(${NAME})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$`, "u");
// eslint-disable-next-line no-control-regex -- finding them is the point
const CONTROL = /[\x00-\x09\x0b-\x1f]/;

/** A signed note, a signature on it or a verifier key is malformed, unknown or false. */
export class SignedNoteError extends ProtocolError {
  /** @override */ name = "SignedNoteError";
}

/**
 * The key of a vkey line, without a newline. Throws SignedNoteError: `vkey-malformed`, `vkey-kind` (a signature type
 * we do not check), `vkey-id` (the id is not that of the key).
 * @param {string} text @returns {Promise<VerifierKey>}
 */
export async function parseVkey(text) {
  const [, name = "", id = "", base64 = ""] = VKEY.exec(text) ?? [];
  const material = decodeBase64(base64);
  const [kind] = material ?? [];
  if (!material || kind === undefined) throw new SignedNoteError("vkey-malformed");
  if (kind !== KeyKind.ED25519 && kind !== KeyKind.COSIGNATURE) throw new SignedNoteError("vkey-kind");
  if (material.length !== 1 + PUBLIC_SIZE) throw new SignedNoteError("vkey-malformed");
  const keyId = (await sha256(concat(utf8(name), Uint8Array.of(10), material))).slice(0, 4);
  if (toHex(keyId) !== id) throw new SignedNoteError("vkey-id");
  return { name, public: material.slice(1), kind, keyId };
}

/**
 * Take a signed note apart; checks no signature. Throws SignedNoteError: `note-too-large`, `note-malformed`.
 * @param {Uint8Array} data @returns {SignedNote}
 */
export function parseSignedNote(data) {
  if (data.length > MAX_NOTE_SIZE) throw new SignedNoteError("note-too-large");
  const note = decodeUtf8(data);
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || CONTROL.test(note) || note.length === cut + 2 || !note.endsWith("\n")) {
    throw new SignedNoteError("note-malformed");
  }
  const lines = note.slice(cut + 2, -1).split("\n");
  return { text: note.slice(0, cut + 1), signatures: lines.map(parseSignature) };
}

/** @param {Uint8Array} data */
function decodeUtf8(data) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch (cause) {
    throw new SignedNoteError("note-malformed", { cause });
  }
}

/** @param {string} line @returns {Signature} */
function parseSignature(line) {
  const [, name = "", base64 = ""] = SIGNATURE_LINE.exec(line) ?? [];
  const value = decodeBase64(base64);
  if (!value || value.length <= 4) throw new SignedNoteError("note-malformed");
  return { name, keyId: value.slice(0, 4), value: value.slice(4) };
}

/**
 * Check every signature by a known key; those of unknown keys are ignored. One result per known key that signed, in the
 * order of the lines. Throws SignedNoteError: `bad-signature` (by a known key, so the whole note is refused),
 * `no-known-signature`, `ambiguous-key` (two of `keys` share name and id).
 * @param {SignedNote} note @param {readonly VerifierKey[]} keys @returns {Promise<Signed[]>}
 */
export async function verifySignedNote({ text, signatures }, keys) {
  const known = new Map(keys.map((key) => [nameOf(key), key]));
  if (keys.some((key) => !isSameKey(key, known.get(nameOf(key))))) throw new SignedNoteError("ambiguous-key");
  /** @type {Map<VerifierKey, Signed>} */
  const signed = new Map();
  for (const signature of signatures) {
    const key = known.get(nameOf(signature));
    if (!key) continue;
    const at = await verifySignature(text, key, signature.value);
    if (!signed.has(key)) signed.set(key, { key, at });
  }
  if (signed.size === 0) throw new SignedNoteError("no-known-signature");
  return [...signed.values()];
}

/** @param {{ name: string, keyId: Uint8Array }} of */
const nameOf = ({ name, keyId }) => `${name}+${toHex(keyId)}`;

/** @param {VerifierKey} one @param {VerifierKey | undefined} other */
export function isSameKey(one, other) {
  return other !== undefined && one.name === other.name && one.kind === other.kind && isSame(one.public, other.public);
}

/**
 * Check one signature; the time of a cosignature, in seconds.
 * @param {string} text @param {VerifierKey} key @param {Bytes} value @returns {Promise<number | null>}
 */
async function verifySignature(text, key, value) {
  const isTimed = key.kind === KeyKind.COSIGNATURE;
  if (value.length !== SIGNATURE_SIZE + (isTimed ? TIME_SIZE : 0)) throw new SignedNoteError("bad-signature");
  const at = isTimed ? Number(new DataView(value.buffer).getBigUint64(value.byteOffset)) : null;
  if (at !== null && !Number.isSafeInteger(at)) throw new SignedNoteError("bad-signature");
  const message = at === null ? text : `cosignature/v1\ntime ${at}\n${text}`;
  const isGood = await isSignedBy(key.public, value.slice(-SIGNATURE_SIZE), utf8(message));
  if (!isGood) throw new SignedNoteError("bad-signature");
  return at;
}

/**
 * Strict base64: only the one text that would have been written, else null.
 * @param {string} text @returns {Bytes | null}
 */
export function decodeBase64(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const binary = atob(text);
  return btoa(binary) === text ? Uint8Array.from(binary, (letter) => letter.charCodeAt(0)) : null;
}
