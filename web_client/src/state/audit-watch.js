/** What deserves an auditor's look: findings, rules, and how much happened when (docs/audit-log.md). */
import { loadNames, pageOf } from "./audit-rows.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types.js").AuditFilter} AuditFilter */
/** @typedef {import("./types.js").AuditVolume} AuditVolume */
/** @typedef {import("./types-watch.js").AuditFinding} AuditFinding */
/** @typedef {import("./types-watch.js").AuditRules} AuditRules */
/** @typedef {import("./types-watch.js").Verdict} Verdict */
/** @typedef {import("../core/wire.d.ts").Finding} Finding */

/** @param {Member} member @param {import("../core/wire.d.ts").ListFindings} asked */
export async function findings(member, asked) {
  const { rows, more, overdue } = await member.transport.call("audit.findings", asked);
  return { rows: await named(member, rows), more, overdue };
}

/** @param {Member} member @param {AuditFinding} finding @param {Verdict} verdict */
export async function review(member, { rule, index }, verdict) {
  const [row] = await named(member, [await member.transport.call("audit.review", { rule, index, verdict })]);
  return /** @type {AuditFinding} */ (row);
}

/** @param {Member} member @param {number} index */
export async function view(member, index) {
  const viewed = await member.transport.call("audit.view", { index });
  const { rows: [row] } = await pageOf(member, { rows: [viewed.row], more: false, pruned: 0 });
  return { row: /** @type {import("./types.js").AuditEntry} */ (row), findings: await named(member, viewed.findings) };
}

/** @param {Member} member @param {string} account @param {string} month */
export async function hours(member, account, month) {
  const { zone, days, hours: cells, usual } = await member.transport.call("audit.hours", { account, month });
  return Object.freeze({ account, month, zone, days, hours: cells, usual });
}

/** @param {Member} member @returns {Promise<AuditRules>} */
export const rules = (member) => member.transport.call("audit.rules", {});

/** @param {Member} member @param {AuditRules} changed @returns {Promise<AuditRules>} */
export const setRules = (member, changed) => member.transport.call("audit.rules.set", { rules: changed });

/** @param {Member} member @param {AuditFilter} filter @returns {Promise<AuditVolume>} */
export async function volume(member, filter) {
  const { buckets, complete } = await member.transport.call("audit.volume", filter);
  return { buckets: buckets.map(({ since, until, ok, refused }) => ({ from: since, until, ok, refused })), complete };
}

/** @param {Member} member @param {readonly Finding[]} rows @returns {Promise<AuditFinding[]>} */
async function named(member, rows) {
  await loadNames(member, rows.flatMap(({ account, about, reviewed_by: reviewer }) => [account, about, reviewer].filter((one) => one !== null)));
  /** @param {string | null} account */
  const nameOf = (account) => (account === null ? null : member.accounts.known.get(account)?.profile.name ?? null);
  return rows.map(({ rule, index, at, account, circle, about, kind, count, minutes, due, verdict, reviewed_by: reviewer, reviewed_at: reviewedAt }) => Object.freeze({
    rule, index, at, account, name: nameOf(account), circle, about, aboutName: nameOf(about), kind, count, minutes, due, own: account === member.account,
    verdict, reviewerName: nameOf(reviewer), reviewedAt,
  }));
}
