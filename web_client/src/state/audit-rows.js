/** Entries of the audit log as the reader sees them: what the log says, with names from the accounts' own chains. */
import { AuditEntryError, decodeAuditEntry } from "../core/audit-entry.js";
import { Refusal } from "../core/refusal.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types.js").AuditEntry} AuditEntry */
/** @typedef {import("./types.js").AuditPage} AuditPage */
/** @typedef {import("../core/wire.d.ts").AuditFound} AuditFound */

const PAGE = 100;

/** A member's part: who looked at a circle. @param {Member} member @param {{ circle: string } & import("./types-watch.js").AccessesAsked} asked @returns {Promise<AuditPage>} */
export async function accessesOf(member, asked) {
  return pageOf(member, { ...(await member.transport.call("audit.circle", { ...asked, limit: PAGE })), pruned: 0 });
}

/** Who fetched one note. @param {Member} member @param {import("../core/wire.d.ts").NoteAccesses} asked @returns {Promise<import("./types-watch.js").NoteFetchers>} */
export async function fetchersOf(member, asked) {
  const { rows, complete } = await member.transport.call("audit.note", asked);
  await loadNames(member, rows.map(({ account }) => account));
  const named = rows.map(({ account, kind, first_at: first, last_at: last, times }) => ({ account, name: member.accounts.known.get(account)?.profile.name ?? null, kind, first, last, times }));
  return { rows: named, complete };
}

/** @param {Member} member @param {AuditFound} found @returns {Promise<AuditPage>} */
export async function pageOf(member, { rows, more, pruned }) {
  const read = rows.map(({ index, entry }) => ({ index, raw: new TextDecoder().decode(entry), entry: readEntry(entry) }));
  const accounts = read.flatMap(({ entry }) => entry?.account ?? []);
  await loadNames(member, accounts);
  return { rows: read.map((row) => Object.freeze(rowOf(member, row))), more, pruned };
}

/** Names are a help to the reader, no part of the log: an auditor may be refused some. @param {Member} member @param {readonly string[]} accounts */
export async function loadNames(member, accounts) {
  try {
    await member.accounts.get(accounts.filter((account) => !member.accounts.known.has(account)));
  } catch (error) {
    const isUnknown = error instanceof Refusal || (error instanceof Error && "reason" in error && error.reason === "wrong-account");
    if (!isUnknown) throw error;
  }
}

/** Null for bytes that are no entry: they are shown as they are. @param {Uint8Array} data */
function readEntry(data) {
  try {
    return decodeAuditEntry(data);
  } catch (error) {
    if (error instanceof AuditEntryError) return null;
    throw error;
  }
}

/** @param {Member} member @param {{ index: number, raw: string, entry: import("../core/audit-entry.js").AuditEntry | null }} row @returns {AuditEntry} */
function rowOf(member, { index, raw, entry }) {
  if (!entry) {
    return { index, at: 0, action: "", outcome: "refused", code: null, account: null, name: null, profession: null, device: null, circle: null, facts: {}, raw };
  }
  const profile = entry.account === null ? undefined : member.accounts.known.get(entry.account)?.profile;
  return {
    index, at: Date.parse(entry.at), action: entry.action, outcome: entry.outcome, code: entry.reason, account: entry.account,
    name: profile?.name ?? null, profession: profile?.profession ?? null, device: entry.device, circle: entry.circle,
    facts: Object.freeze({ ...entry.subject, role: entry.role, organisation: entry.organisation, purpose: entry.purpose, on_behalf_of: entry.on_behalf_of, source: entry.source, request: entry.request }), raw,
  };
}
