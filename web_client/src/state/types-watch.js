/** @import { AuditEntry } from "./types.js" */
/** @typedef {import("../core/wire.d.ts").Finding["rule"]} RuleName */
/** @typedef {NonNullable<import("../core/wire.d.ts").Finding["verdict"]>} Verdict */
/** @typedef {import("../core/wire.d.ts").Rules} AuditRules */
/** @typedef {import("../core/wire.d.ts").OpeningHours} OpeningHours */

/**
 * @typedef {object} AuditFinding  What a rule found at one entry.
 * @property {RuleName} rule
 * @property {number} index
 * @property {number} at
 * @property {string | null} account
 * @property {string | null} name
 * @property {string | null} circle
 * @property {string | null} about
 * @property {string | null} aboutName  Of the colleague who was looked up, or whom an alarm is about, or who was let in by emergency access.
 * @property {string | null} kind  The word of an alarm.
 * @property {number} count
 * @property {number} minutes
 * @property {number | null} due  Until when somebody has to look.
 * @property {boolean} own  About the reader, who then cannot review it.
 * @property {Verdict | null} verdict
 * @property {string | null} reviewerName
 * @property {number | null} reviewedAt
 */

/** @typedef {{ rows: readonly AuditFinding[], more: boolean, overdue: number }} FindingPage  `overdue`: of all findings. */

/**
 * @typedef {object} PersonMonth
 * @property {string} account
 * @property {string} month  YYYY-MM
 * @property {string} zone
 * @property {number} days
 * @property {readonly { day: number, hour: number, ok: number, refused: number, findings: number }[]} hours
 * @property {readonly number[]} usual  0 to 23 on weekdays, 24 to 47 at weekends; empty: not known yet.
 */

/**
 * @typedef {object} AuditWatch  For auditors; the rules for administrators too.
 * @property {(asked: { open: boolean, account: string | null, before: number, limit: number }) => Promise<FindingPage>} findings
 * @property {(finding: AuditFinding, verdict: Verdict) => Promise<AuditFinding>} review
 * @property {(index: number) => Promise<{ row: AuditEntry, findings: readonly AuditFinding[] }>} view  Recorded in the log.
 * @property {(account: string, month: string) => Promise<PersonMonth>} hours
 * @property {() => Promise<AuditRules>} rules
 * @property {(rules: AuditRules) => Promise<AuditRules>} setRules
 */

/**
 * @typedef {object} AccessesAsked  Null is any.
 * @property {number} before  An index; 0: from the newest.
 * @property {string | null} account
 * @property {number | null} since
 * @property {number | null} until
 */

/** @typedef {{ account: string, name: string | null, kind: "fetched" | "attachment", first: number, last: number, times: number }} NoteFetcher */
/** @typedef {{ rows: readonly NoteFetcher[], complete: boolean }} NoteFetchers  Not `complete`: what came much later was not looked through. */

export {};
