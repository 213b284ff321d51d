/** What the views see of audiences, of keys that are on their way, and of how long somebody stays; a part of state/types.js. */

/** @typedef {import("./types.js").CircleRole} CircleRole */

/**
 * @typedef {object} AudienceView
 * @property {string} name  As the ledger has it; the views say it in people's words.
 * @property {boolean} mine  One reads it.
 * @property {readonly { account: string, name: string, profession: string, me: boolean }[]} people  Who reads it now.
 */

/**
 * @typedef {object} Help  A key one is entitled to is on its way.
 * @property {number} since
 * @property {readonly string[]} people  Names of those whose devices can give it; one's own first.
 * @property {boolean} mine  One of one's own devices can.
 * @property {number | null} lastSeen  When one of these devices was last here; null: never, or nobody can say.
 */

/** A time somebody was in the circle; `until` null: it has no end. @typedef {{ since: number, until: number | null }} Stay */

/**
 * How somebody comes in. `history`: a time, from which on they read.
 * @typedef {{ account: string, role: CircleRole, audiences: readonly string[], history: "all" | "none" | number, until: number | null }} Addition
 */

/** What a member becomes. @typedef {{ role: CircleRole, audiences: readonly string[], until: number | null }} Change */

/**
 * @typedef {object} MemberRow
 * @property {string} account
 * @property {string} name
 * @property {string} profession
 * @property {string} organisation
 * @property {CircleRole} role
 * @property {boolean} me
 * @property {boolean} active
 * @property {number} since
 * @property {number | null} until
 * @property {number | null} endedAt  Of somebody who is no longer here.
 * @property {readonly Stay[]} earlier  The times this person was here before.
 * @property {readonly string[]} audiences
 * @property {"all" | "none" | number} history  A number: from that time on.
 * @property {string | null} addedBy  A name.
 * @property {boolean} mayRemove  By this account, now.
 * @property {number} waitingDevices  Devices whose keys are still on the way.
 */

/**
 * A time in which one could read a version; `until` null: it has no end. `keys`: through which audiences, by which of their
 * keys; `byOwnKey`: by the version's own instead, for a history that begins at a date. `devices`: labels of those that were there.
 * @typedef {{ since: number, until: number | null, byOwnKey: boolean, keys: readonly { audience: string, epoch: number }[],
 *   devices: readonly string[] }} ReadingSpan
 */

/** Somebody who could read a version. @typedef {{ account: string, name: string, profession: string, me: boolean, still: boolean, spans: readonly ReadingSpan[] }} NoteReader */

export {};
