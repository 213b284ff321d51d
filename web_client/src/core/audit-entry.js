/**
 * What the audit log says of one access: who did what, when, from where, and with what outcome; what
 * crypto/audit_entry.py does. An entry is an object in canonical JSON with the fields below, every one present; these
 * bytes are the leaf's data, and one line of an export. They hold no content and no name.
 */
import { CanonicalJsonError, decodeCanonical, encodeCanonical } from "./canonical-json.js";
import { ProtocolError } from "./errors.js";
import { leafHash } from "./merkle.js";
import { MAX_ENTRY_SIZE } from "./tiles.js";

/** @typedef {string | number | boolean | null} SubjectValue */
/**
 * @typedef {object} AuditEntry
 * @property {1} v
 * @property {string} id UUIDv7 (RFC 9562), lowercase
 * @property {string} at RFC 3339 in UTC with milliseconds: 2026-03-01T07:30:00.000Z
 * @property {string} action a dotted word of at most 40 characters: note.post
 * @property {"ok" | "refused"} outcome
 * @property {string | null} reason the refusal's code; null if, and only if, it was done
 * @property {string | null} account
 * @property {string | null} device
 * @property {string | null} role
 * @property {string | null} organisation
 * @property {string | null} purpose purpose of use
 * @property {string | null} on_behalf_of the account it was done for
 * @property {string | null} circle
 * @property {string | null} source IP address
 * @property {string | null} request id of the request, to find it in the server's own logs
 * @property {Readonly<Record<string, SubjectValue>>} subject what it was done to
 */

export const VERSION = 1;

const WHO = /** @type {const} */ (["account", "device", "role", "organisation", "purpose", "on_behalf_of"]);
const WHERE = /** @type {const} */ (["circle", "source", "request"]);
const FIELDS = new Set([...WHO, ...WHERE, "v", "id", "at", "action", "outcome", "reason", "subject"]);
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const AT = /^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;
const ACTION = /^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$/;
const REASON = /^[a-z][a-z0-9_-]*$/;
const SUBJECT_KEY = /^[a-z][a-z0-9_]*$/;
const MAX_WORD = 40;

/** An entry that nobody following this module has written. */
export class AuditEntryError extends ProtocolError {
  /** @override */ name = "AuditEntryError";
}

/**
 * The canonical bytes: at most 65,535. Throws AuditEntryError: `bad-field`, `unknown-field`, `missing-field`,
 * `unknown-version`, `entry-too-large`.
 * @param {AuditEntry} entry
 */
export function encodeAuditEntry(entry) {
  check(entry);
  const data = spell(entry);
  checkSize(data);
  return data;
}

/** @param {AuditEntry} entry */
function spell(entry) {
  try {
    return encodeCanonical(entry);
  } catch (cause) {
    if (cause instanceof CanonicalJsonError) throw new AuditEntryError("bad-field", { cause });
    throw cause;
  }
}

/**
 * Read an entry; refuses what `encodeAuditEntry` would not have written. Throws AuditEntryError: `entry-too-large`,
 * `not-json`, `not-canonical`, `not-representable`, `too-deep`, `unknown-version`, `unknown-field`, `missing-field`,
 * `bad-field`.
 * @param {Uint8Array} data @returns {AuditEntry}
 */
export function decodeAuditEntry(data) {
  checkSize(data);
  const value = parse(data);
  check(value);
  return /** @type {AuditEntry} */ (value);
}

/** The hash of an entry's leaf in the tree. @param {AuditEntry} entry */
export const auditLeafHash = (entry) => leafHash(encodeAuditEntry(entry));

/** @param {Uint8Array} data */
function parse(data) {
  try {
    return decodeCanonical(data);
  } catch (cause) {
    if (cause instanceof CanonicalJsonError) throw new AuditEntryError(cause.reason, { cause });
    throw cause;
  }
}

/** @param {Uint8Array} data */
function checkSize(data) {
  if (data.length > MAX_ENTRY_SIZE) throw new AuditEntryError("entry-too-large");
}

/** @param {unknown} value */
function check(value) {
  if (!isRecord(value)) throw new AuditEntryError("bad-field");
  const { v } = /** @type {Partial<AuditEntry>} */ (value);
  const names = Object.keys(value);
  if (typeof v === "number" && v !== VERSION) throw new AuditEntryError("unknown-version");
  if (names.some((name) => !FIELDS.has(name))) throw new AuditEntryError("unknown-field");
  if (names.length !== FIELDS.size) throw new AuditEntryError("missing-field");
  if (!areFieldsGood(/** @type {AuditEntry} */ (value))) throw new AuditEntryError("bad-field");
}

/** @param {AuditEntry} entry */
function areFieldsGood(entry) {
  return (
    entry.v === VERSION &&
    isText(entry.id, ID) &&
    isTime(entry.at) &&
    isWord(entry.action, ACTION) &&
    isOutcome(entry) &&
    [...WHO, ...WHERE].every((name) => isTextOrNull(entry[name])) &&
    isSubject(entry.subject)
  );
}

/** @param {AuditEntry} entry */
function isOutcome({ outcome, reason }) {
  return outcome === "ok" ? reason === null : outcome === "refused" && isWord(reason, REASON);
}

/** @param {unknown} subject */
function isSubject(subject) {
  return (
    isRecord(subject) &&
    Object.entries(subject).every(
      ([key, value]) =>
        isWord(key, SUBJECT_KEY) && (isTextOrNull(value) || typeof value === "boolean" || Number.isSafeInteger(value)),
    )
  );
}

/** @param {unknown} value */
function isTime(value) {
  if (!isText(value, AT)) return false;
  const time = new Date(/** @type {string} */ (value));
  return !Number.isNaN(time.getTime()) && time.toISOString() === value;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {unknown} value */
const isTextOrNull = (value) => value === null || typeof value === "string";
/** @param {unknown} value @param {RegExp} pattern */
const isText = (value, pattern) => typeof value === "string" && pattern.test(value);
/** @param {unknown} value @param {RegExp} pattern */
const isWord = (value, pattern) => isText(value, pattern) && /** @type {string} */ (value).length <= MAX_WORD;
