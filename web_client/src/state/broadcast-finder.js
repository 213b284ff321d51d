/** What this account broadcast from another device: its own notes on this one say so, to whoever can open them. */
import { openEnvelope, peek } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { beginningWith } from "./database.js";
import { each } from "./lane.js";

/** @typedef {import("./types.js").NoteType} NoteType */
/** @typedef {import("./world.js").World} World */
/** @typedef {{ type: NoteType, text: string, acknowledge: boolean }} Said */
/** @typedef {{ broadcast: string, at: number, circle: string, note: string, said: Said }} Found */
/** The span of notes that was looked at; those below came when more of the history was fetched. @typedef {{ from: number, to: number }} Looked */

const AT_ONCE = 4;

/**
 * Notes of broadcasts among what this device did not look at before.
 * @param {World} world @param {string} circle
 * @returns {Promise<{ found: Found[], looked: Looked | null }>} `looked`: to be remembered with what was found; null where a
 *   key is on its way, and all is looked at again the next time
 */
export async function findOwn({ member, book }, circle) {
  const before = /** @type {Looked | undefined} */ (await member.database.get("values", lookedKey(circle)));
  const rows = await member.database.all("notes", beginningWith(circle));
  const keeper = book.keeper(circle);
  await keeper.load();
  const reader = { account: member.account, keys: keeper.keys };
  const fresh = rows.filter(({ seq, damaged }) => damaged === null && (!before || seq < before.from || seq > before.to));
  const contents = await each(fresh, AT_ONCE, ({ raw }) => opened(raw, reader));
  const found = contents.flatMap((content) => (content && content !== "locked" ? { circle, ...content } : []));
  const looked = { from: rows[0]?.seq ?? 1, to: rows.at(-1)?.seq ?? 0 };
  return { found, looked: contents.includes("locked") ? null : looked };
}

/** @param {string} circle */
export const lookedKey = (circle) => `broadcasts ${circle}`;

/**
 * @param {import("../core/bytes.js").Bytes} raw @param {{ account: string, keys: import("../core/envelope.js").EpochKeys }} reader
 * @returns {Promise<Omit<Found, "circle"> | "locked" | null>} null: no broadcast of this account's
 */
async function opened(raw, { account, keys }) {
  const envelope = await peek(raw);
  const { note, at, kind, acknowledge, account: author } = envelope.header;
  if (author !== account || kind !== "post") return null;
  try {
    const { broadcast, type, text } = await openEnvelope(envelope, keys);
    return broadcast === null ? null : { broadcast, at, note, said: { type: /** @type {NoteType} */ (type), text, acknowledge } };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.reason === "key-missing" ? "locked" : null;
  }
}
