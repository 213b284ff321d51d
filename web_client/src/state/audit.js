/** For auditors: search, and the proof that what was found lies in the log, which only grew (docs/audit-log.md). */
import { toHex, utf8 } from "../core/bytes.js";
import { ProtocolError } from "../core/errors.js";
import { leafHash, verifyConsistency, verifyInclusion } from "../core/merkle.js";
import { declined } from "./failure.js";
import { pageOf } from "./audit-rows.js";
import { logKey } from "./log-key.js";
import { trustedPolicy, verifyWitnessed } from "./log-policy.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types.js").AuditEntry} AuditEntry */
/** @typedef {import("./types.js").AuditFilter} AuditFilter */
/** @typedef {import("./types.js").AuditSearch} AuditSearch */
/** @typedef {import("./types.js").Verification} Verification */
/** @typedef {{ size: number, root: Uint8Array<ArrayBuffer> }} SeenHead */

const PAGE = 200;
const EXPORTED_MOST = 50_000;

/** @param {Member} member @param {AuditSearch} asked */
export async function search(member, asked) {
  return pageOf(member, await member.transport.call("audit.search", asked));
}

/** Everything a filter finds, newest first, up to a number. @param {Member} member @param {AuditFilter} filter @param {number} most */
async function collect(member, filter, most) {
  /** @type {AuditEntry[]} */
  const rows = [];
  for (let before = 0; ;) {
    const page = await search(member, { ...filter, before, limit: PAGE });
    rows.push(...page.rows);
    before = page.rows.at(-1)?.index ?? 0;
    if (!page.more || page.rows.length === 0 || before === 0) return { rows, complete: true };
    if (rows.length >= most) return { rows, complete: false };
  }
}

/**
 * Each row's inclusion in the newest tree head, under the log key this browser has known since it first met the log, and
 * the head's consistency with the one seen last. What fails is told row by row; the result is told to the server, which logs it.
 * @param {Member} member @param {readonly AuditEntry[]} rows @param {(share: number) => void} onProgress
 * @returns {Promise<Verification>}
 */
export async function verify(member, rows, onProgress) {
  const key = await logKey(member);
  const checking = new Checking(member, await trustedPolicy(member, key));
  /** @type {{ index: number | null, reason: string }[]} */
  const problems = [];
  const grownFrom = await problemOf(problems, null, () => checking.growth());
  let included = 0;
  for (const [done, row] of rows.entries()) {
    const isIncluded = await problemOf(problems, row.index, () => checking.row(row));
    if (isIncluded) included += 1;
    onProgress((done + 1) / rows.length);
  }
  const { head } = checking;
  const [worst] = problems;
  await member.transport.call("audit.verify", { size: head?.size ?? 0, root: head ? new Uint8Array(head.root) : new Uint8Array(32), entries: included, reason: worst?.reason ?? null });
  if (problems.length === 0 && head) await member.database.write([{ store: "values", key: "log head", put: { size: head.size, root: head.root } }]);
  return {
    ok: problems.length === 0, origin: head?.origin ?? key.name, size: head?.size ?? 0, at: member.clock.now(), root: toHex(head?.root ?? new Uint8Array(0)),
    key: `${key.name}+${toHex(key.keyId)}`, included, grownFrom, problems, witnesses: checking.witnesses,
  };
}

/** @template T @param {{ index: number | null, reason: string }[]} problems @param {number | null} index @param {() => Promise<T>} check @returns {Promise<T | null>} */
async function problemOf(problems, index, check) {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    problems.push({ index, reason: error.reason });
    return null;
  }
}

/** The tree heads of one check: each is signed, and they extend each other. */
class Checking {
  #member;
  #trusted;
  /** @type {import("../core/checkpoint.js").Checkpoint | null} the largest that was checked */ head = null;
  /** @type {import("./log-policy.js").Witnesses} of the newest that was looked at */ witnesses = { signed: [], known: [] };

  /** @param {Member} member @param {import("../core/checkpoint.js").Policy} trusted */
  constructor(member, trusted) {
    this.#member = member;
    this.#trusted = trusted;
  }

  /** From the head seen last to the newest; returns the old size, or null if none was seen. Raises an alarm where the log is not the same any more. */
  async growth() {
    const seen = /** @type {SeenHead | undefined} */ (await this.#member.database.get("values", "log head"));
    const { path, checkpoint } = await this.#member.transport.call("audit.consistency", { size: seen?.size ?? 0 });
    const newest = await this.#signed(checkpoint);
    this.head = newest;
    if (!seen) return null;
    try {
      await verifyConsistency(seen, newest, path);
    } catch (error) {
      const about = { of: toHex(newest.root), seq: newest.size };
      if (newest.size < seen.size) this.#member.alarms.raise("log-rollback", null, null, { kind: "rolled-back", ...about });
      else this.#member.alarms.raise("log-fork", null, null, { kind: "old-root-mismatch", ...about });
      throw error;
    }
    return seen.size;
  }

  /** @param {AuditEntry} row */
  async row(row) {
    const { index, entry, path, checkpoint } = await this.#member.transport.call("audit.prove", { index: row.index });
    const leaf = await leafHash(utf8(row.raw)); // of what the reader sees, not of what came with the proof
    const isSame = index === row.index && entry !== null && toHex(entry) === toHex(utf8(row.raw));
    if (!isSame) throw new ProtocolError("entry-differs");
    const head = await this.#signed(checkpoint);
    await verifyInclusion(leaf, { index, head, proof: path });
    await this.#follows(head);
    return true;
  }

  /** A tree head that the log and enough of the witnesses have signed. @param {Uint8Array} checkpoint */
  #signed(checkpoint) {
    return verifyWitnessed(checkpoint, this.#trusted, (witnesses) => (this.witnesses = witnesses));
  }

  /** A head that came with a proof belongs to the same log as the others. @param {import("../core/checkpoint.js").Checkpoint} head */
  async #follows(head) {
    const known = this.head;
    this.head = !known || head.size > known.size ? head : known;
    if (!known || (head.size === known.size && toHex(head.root) === toHex(known.root))) return;
    const [older, newer] = head.size > known.size ? [known, head] : [head, known];
    const { path, checkpoint } = await this.#member.transport.call("audit.consistency", { size: older.size });
    const newest = await this.#signed(checkpoint);
    await verifyConsistency(older, newest, path);
    if (newest.size === newer.size) return verifyConsistency(newer, newest, []);
    const further = await this.#member.transport.call("audit.consistency", { size: newer.size });
    const last = await this.#signed(further.checkpoint);
    await verifyConsistency(newer, last, further.path);
    this.head = last;
  }
}

/** @param {Member} member @param {AuditFilter} filter @param {import("./types-audit.js").AuditFormat} format @returns {Promise<Blob>} */
export async function exported(member, filter, format) {
  if (format !== "csv" && format !== "ndjson") return served(member, filter, format);
  const { rows, complete } = await collect(member, filter, EXPORTED_MOST);
  if (!complete) throw declined("too-many-rows");
  if (format === "ndjson") return new Blob(rows.map((row) => `${row.raw}\n`), { type: "application/x-ndjson" });
  const lines = [COLUMNS.join(","), ...rows.map(csvLine)];
  return new Blob([`\ufeff${lines.join("\r\n")}\r\n`], { type: "text/csv;charset=utf-8" });
}

/** A file the server makes. @param {Member} member @param {AuditFilter} filter @param {"fhir-balp" | "fhir-ans" | "proof"} format */
async function served(member, filter, format) {
  const query = new URLSearchParams({ format });
  for (const name of FILTERS) if (filter[name] !== null) query.set(name, String(filter[name]));
  const data = await member.transport.http.file(`/audit/export?${query}`);
  if (!data) throw declined("no-such-file");
  return new Blob([data], { type: format === "proof" ? "application/json" : "application/fhir+ndjson" });
}

const FILTERS = /** @type {const} */ (["account", "circle", "organisation", "action", "outcome", "since", "until"]);
const COLUMNS = /** @type {const} */ (["index", "at", "action", "outcome", "code", "account", "name", "profession", "device", "circle", "facts"]);

/** RFC 4180; a cell a spreadsheet would compute is led by an apostrophe. @param {AuditEntry} row */
function csvLine(row) {
  const cells = { ...row, at: new Date(row.at).toISOString(), facts: JSON.stringify(row.facts) };
  return COLUMNS.map((column) => {
    const text = String(cells[column] ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }).join(",");
}
