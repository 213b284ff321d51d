/** Handing out one version of a note with its evidence (docs/protocol.md §11). */
import { replay } from "../core/account.js";
import { policy, verifyCheckpoint } from "../core/checkpoint.js";
import { contentKeyOf, peek } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { peekEntry } from "../core/ledger.js";
import { leafHash, verifyInclusion } from "../core/merkle.js";
import { encodeBundle } from "../core/proof-bundle.js";
import { peek as peekReceipt } from "../core/receipt.js";
import { parseVkey } from "../core/signed-note.js";
import { sealedSize } from "../core/stream.js";
import { Refusal } from "../core/refusal.js";
import { declined } from "./failure.js";
import { ledgerOf } from "./whole-ledger.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./note-log.js").Version} Version */
/** @typedef {import("./types.js").Disclosed} Disclosed */
/** `receipts`: who received and read it; `files`: its attachments themselves. @typedef {{ receipts: boolean, files: boolean }} Wanted */

const TRIES = 20;
const WAIT = 500; // milliseconds: an entry is in the log's published tree within a second or two

/**
 * One version, opened to whoever has the file. Throws Failure; ProtocolError where what it would be made of does not hold.
 * @param {Member} member @param {Version} version
 * @param {{ circle: string, keys: import("../core/epoch.js").EpochKeys, wanted: Wanted }} how
 * @returns {Promise<Disclosed>}
 */
export async function disclose(member, { note, version, content, envelope: known }, { circle, keys, wanted }) {
  if (!known || !content) throw declined("not-readable");
  const { notes } = await member.transport.call("note.get", { circle, note });
  const read = await Promise.all(notes.map(({ envelope }) => peek(envelope)));
  const sealed = read.find(({ digest }) => digest === known.digest);
  if (!sealed) throw new ProtocolError("wrong-version");
  const key = await contentKeyOf(sealed, keys);
  const ledger = (await ledgerOf(member, circle)).slice(0, sealed.header.ledger_seq + 1);
  const receipts = wanted.receipts ? await receiptsOf(member, circle, { note, envelope: sealed.digest }) : [];
  const blobs = wanted.files ? await blobsOf(member, circle, content.attachments) : {};
  const whole = new Set([sealed.header.account, ...receipts.map((data) => peekReceipt(data).account)]);
  const chains = await chainsOf(member, ledger, whole);
  const proven = await provenOf(member, { circle, note, version, receipts: wanted.receipts });
  await check(proven);
  const disclosed = { envelope: sealed.raw, key, accounts: [...chains.values()], ledger, receipts, blobs };
  const data = encodeBundle({ log: proven.vkey, checkpoint: proven.checkpoint, entries: proven.entries, older: null, note: disclosed });
  return { blob: new Blob([data], { type: "application/json" }), key: proven.vkey, people: chains.size };
}

/** @param {Member} member @param {string} circle @param {{ note: string, envelope: string }} of @returns {Promise<Bytes[]>} */
async function receiptsOf(member, circle, { note, envelope }) {
  const { receipts } = await member.transport.call("receipt.get", { circle, note });
  return receipts.map(({ receipt }) => receipt).filter((data) => peekReceipt(data).envelope === envelope);
}

/** @param {Member} member @param {string} circle @param {readonly import("../core/content.js").Attachment[]} attachments */
async function blobsOf(member, circle, attachments) {
  /** @type {Record<string, Bytes>} */ const blobs = {};
  for (const { blob: id, size } of attachments) {
    const sealed = await member.transport.http.download(id, { circle, size: sealedSize(size), signal: new AbortController().signal, onProgress: () => {} });
    blobs[id] = new Uint8Array(await sealed.arrayBuffer());
  }
  return blobs;
}

/**
 * Chains by account, ascending: those of `whole` to their end, of others as far as the ledger was signed under them.
 * @param {Member} member @param {readonly Bytes[]} ledger @param {ReadonlySet<string>} whole
 */
async function chainsOf(member, ledger, whole) {
  const entries = await Promise.all(ledger.map(peekEntry));
  const accounts = [...new Set([...whole, ...entries.map(({ account }) => account)])].sort();
  const { chains } = await member.transport.call("account.get", { accounts });
  /** @type {Map<string, readonly Bytes[]>} */ const found = new Map();
  for (const { statements } of [...chains].sort((one, other) => (one.account < other.account ? -1 : 1))) {
    const state = await replay(statements);
    const places = entries.filter(({ account }) => account === state.account).map((entry) => state.heads.indexOf(entry.account_head));
    found.set(state.account, whole.has(state.account) ? statements : statements.slice(0, Math.max(...places) + 1));
  }
  return found;
}

/** The log's part, once its entry has its place in the published tree. @param {Member} member @param {import("../core/wire.d.ts").DiscloseNote} asked */
async function provenOf(member, asked) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await member.transport.call("note.disclose", asked);
    } catch (error) {
      const isEarly = error instanceof Refusal && error.code === "unavailable";
      if (!isEarly || tries === TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT));
  }
}

/** What the log says holds, for the key it says is its own. @param {import("../core/wire.d.ts").NoteProven} proven */
async function check({ vkey, checkpoint, entries }) {
  const { checkpoint: { size, root } } = await verifyCheckpoint(checkpoint, policy([await parseVkey(vkey)]));
  for (const { index, entry, path } of entries) await verifyInclusion(await leafHash(entry), { index, head: { size, root }, proof: path });
}
