/** @import { AccountRole, Person } from "./types.js" */

/**
 * @typedef {object} Audit  For auditors.
 * @property {(search: AuditSearch) => Promise<AuditPage>} search
 * @property {(filter: AuditFilter) => Promise<AuditVolume>} volume
 * @property {(rows: readonly AuditEntry[], onProgress: (share: number) => void) => Promise<Verification>} verify
 *   Checks in this browser: signature, inclusion of each row, and growth since the tree head last seen here.
 * @property {() => Promise<readonly string[] | null>} witnesses  The names of those this browser knows; null: it asks for none.
 * @property {(policy: Blob | null) => Promise<readonly string[] | null>} trust  From now on ask for what a policy file says; null: for the log's key alone.
 * @property {(filter: AuditFilter, format: AuditFormat) => Promise<Blob>} export
 */

/** The last three are made by the server (docs/audit-log.md). @typedef {"csv" | "ndjson" | "fhir-balp" | "fhir-ans" | "proof"} AuditFormat */

/**
 * @typedef {object} AuditFilter  Null is any.
 * @property {string | null} account
 * @property {string | null} circle
 * @property {string | null} organisation
 * @property {string | null} action
 * @property {"ok" | "refused" | null} outcome
 * @property {number | null} since
 * @property {number | null} until
 */

/** @typedef {AuditFilter & { before: number, limit: number }} AuditSearch  `before`: an index; 0 is the newest. */
/** @typedef {{ rows: readonly AuditEntry[], more: boolean, pruned: number }} AuditPage  `pruned`: entries of that time, of anybody, that have expired; told with the first page */

/**
 * @typedef {object} AuditEntry
 * @property {number} index
 * @property {number} at
 * @property {string} action
 * @property {"ok" | "refused"} outcome
 * @property {string | null} code  Of a refusal.
 * @property {string | null} account
 * @property {string | null} name  From the directory.
 * @property {string | null} profession
 * @property {string | null} device
 * @property {string | null} circle
 * @property {Readonly<Record<string, string | number | boolean | null>>} facts  What else the entry says.
 * @property {string} raw  The canonical JSON, byte for byte.
 */

/**
 * @typedef {object} AuditVolume
 * @property {readonly { from: number, until: number, ok: number, refused: number }[]} buckets  Oldest first, even widths.
 * @property {boolean} complete  False: there was more than was counted; what is missing is older.
 */

/**
 * @typedef {object} Verification
 * @property {boolean} ok
 * @property {string} origin  The log's name, as its checkpoint says it.
 * @property {number} size  Entries under the tree head.
 * @property {number} at  When the check was made.
 * @property {string} root  Hexadecimal.
 * @property {string} key  The verifying key's name and id.
 * @property {number} included  Rows proven to lie in the tree.
 * @property {number | null} grownFrom  The older size it was proven to extend; null: nothing was known here before.
 * @property {readonly { index: number | null, reason: string }[]} problems  Empty if `ok`.
 * @property {import("./log-policy.js").Witnesses} witnesses  Who cosigned, of those the policy knows; none known: none is asked for.
 */

/**
 * @typedef {object} Admin  For administrators.
 * @property {(form: { roles: readonly AccountRole[], organisation: string, days: number, resets?: string | null }) => Promise<{ url: string, expiresAt: number }>} invite
 *   `resets`: an account whose devices are all lost; who enrols takes its place.
 * @property {(page: { after: number, limit: number }) => Promise<{ rows: readonly AccountRow[], more: boolean }>} accounts
 */

/** @typedef {Person & { number: number, enrolledAt: number, lastSeen: number | null, replacedBy: string | null }} AccountRow `replacedBy`: the account that took its place. */

export {};
