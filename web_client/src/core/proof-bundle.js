/**
 * Proof bundles (docs/audit-log.md): entries of the audit log with their proofs, and at times one disclosed note, in one file; what
 * crypto/proof_bundle.py does. Only written here; what is written is checked by verifier/relais_verify.py.
 */
import { toBase64url } from "./bytes.js";
import { encodeCanonical } from "./canonical-json.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{ index: number, entry: Bytes, path: readonly Bytes[] }} ProvenEntry its place, its bytes, its path in the bundle's tree */
/** @typedef {{ size: number, root: Bytes, path: readonly Bytes[] }} OlderTree an earlier tree, and the proof that the bundle's continues it */
/**
 * One version of one note, opened to whoever has the bundle. `key`: its content key; `accounts`: chains of statements; `ledger`: the circle's
 * entries up to the one the envelope names; `blobs`: ciphertexts of its attachments, by their ids.
 * @typedef {object} DisclosedNote
 * @property {Bytes} envelope
 * @property {Bytes} key
 * @property {readonly (readonly Bytes[])[]} accounts
 * @property {readonly Bytes[]} ledger
 * @property {readonly Bytes[]} receipts
 * @property {Readonly<Record<string, Bytes>>} blobs
 */
/**
 * What one checkpoint of the log proves. `log`: the log's vkey; `entries` in the order of their places.
 * @typedef {{ log: string, checkpoint: Bytes, entries: readonly ProvenEntry[], older: OlderTree | null, note: DisclosedNote | null }} ProofBundle
 */

const FORMAT = "relais-proof";
const VERSION = 1;

/** The file: canonical JSON (RFC 8785), byte strings as base64url without padding. @param {ProofBundle} bundle @returns {Bytes} */
export function encodeBundle({ log, checkpoint, entries, older, note }) {
  return encodeCanonical({
    format: FORMAT, version: VERSION, log, checkpoint: textOf(checkpoint),
    consistency: older && { size: older.size, root: toBase64url(older.root), path: older.path.map(toBase64url) },
    entries: entries.map(({ index, entry, path }) => ({ index, entry: textOf(entry), path: path.map(toBase64url) })),
    note: note && noteJson(note),
  });
}

/** @param {DisclosedNote} note */
function noteJson({ envelope, key, accounts, ledger, receipts, blobs }) {
  return {
    envelope: toBase64url(envelope), key: toBase64url(key), accounts: accounts.map((chain) => chain.map(toBase64url)),
    ledger: ledger.map(toBase64url), receipts: receipts.map(toBase64url),
    blobs: Object.fromEntries(Object.entries(blobs).map(([id, data]) => [id, toBase64url(data)])),
  };
}

/** @param {Bytes} data */
const textOf = (data) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
