/** Handing over single versions: the notes of a history that begins in the middle of an epoch (docs/protocol.md §5). */
import { requireInForce } from "../core/account.js";
import { contentKeyOf, peek, verify } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { seal } from "../core/grant.js";
import { isActive, isOwedKey } from "../core/ledger.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./circle-keeper.js").CircleKeeper} CircleKeeper */
/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/envelope.js").Envelope} Envelope */
/** @typedef {import("../core/grant.js").NoteKey} NoteKey */
/** @typedef {import("../core/wire.d.ts").MissingNotes} MissingNotes */

const PAGE = 200;
const GRANT_MOST = 500; // so many names and keys stay under the wire's 64 KiB

/**
 * A grant of the versions that each device is owed, as far as this device reads them.
 * @param {Member} member @param {CircleKeeper} keeper @param {readonly MissingNotes[]} rows @returns {Promise<Bytes[]>}
 */
export async function sealNotes(member, keeper, rows) {
  const { known: state, circle } = keeper;
  const found = await envelopes(member, circle, new Set(rows.flatMap((row) => row.seqs)));
  /** @type {Bytes[]} */
  const grants = [];
  for (const { account, device, seqs } of rows) {
    const other = state.members.get(account);
    if (!other || !isActive(other, keeper.now)) continue;
    const to = requireInForce(member.accounts.require(account), device, member.clock.now());
    const owed = seqs.flatMap((seq) => found.get(seq) ?? []).filter(({ header }) => isOwedKey(state, other, header));
    const notes = await keysOf(owed, keeper.keys);
    for (let start = 0; start < notes.length; start += GRANT_MOST) {
      const what = { circle, account, granter: member.account, notes: notes.slice(start, start + GRANT_MOST), at: member.clock.now() };
      grants.push(await seal(member.keys, to, what));
    }
  }
  return grants;
}

/** What this device can read of it; the rest is somebody else's to give. @param {readonly Envelope[]} owed @param {ReadonlyMap<string, Bytes>} keys */
async function keysOf(owed, keys) {
  /** @type {NoteKey[]} */
  const notes = [];
  for (const envelope of owed) {
    const { note, version } = envelope.header;
    const key = await contentKeyOf(envelope, keys).catch((error) => {
      if (error instanceof ProtocolError) return null;
      throw error;
    });
    if (key) notes.push({ note, version, key });
  }
  return notes;
}

/** These versions by their numbers, each signed by its author. @param {Member} member @param {string} circle @param {ReadonlySet<number>} seqs */
async function envelopes(member, circle, seqs) {
  /** @type {Map<number, Envelope>} */
  const found = new Map();
  for (let left = [...seqs].sort((one, other) => one - other); left.length > 0;) {
    const first = /** @type {number} */ (left[0]);
    const { notes, others } = await member.transport.call("circle.sync", { circle, after: first - 1, limit: PAGE });
    for (const { seq, envelope } of notes) {
      const sealed = seqs.has(seq) ? await verified(member, envelope) : null;
      if (sealed) found.set(seq, sealed);
    }
    const reached = Math.max(first, ...others, ...notes.map(({ seq }) => seq));
    left = left.filter((seq) => seq > reached);
  }
  return found;
}

/** Null for what is not authentic: whoever reads is told, and the other versions are handed over. @param {Member} member @param {Bytes} data */
async function verified(member, data) {
  try {
    const envelope = await peek(data);
    const { account } = envelope.header;
    const authors = await member.accounts.get([account]);
    await verify(envelope, /** @type {import("../core/account.js").AccountState} */ (authors.get(account)));
    return envelope;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
