/** What the views see of emergency access (docs/protocol.md §13); a part of state/types.js. */

/** @template T @typedef {import("./types.js").Readable<T>} Readable */
/** @typedef {import("../core/wire.d.ts").EmergencyRow["state"]} EmergencyState */
/** @typedef {(typeof import("../core/emergency.js").REASONS)[number]} EmergencyReason */
/** Somebody, as their own account says. @typedef {{ account: string, name: string, profession: string, organisation: string, me: boolean }} Named */

/**
 * @typedef {object} EscrowView  An account that lets people into circles when enough of its guardians agree.
 * @property {string} account
 * @property {string} name
 * @property {string} organisation
 * @property {number} quorum  How many guardians have to agree.
 * @property {readonly Named[]} guardians
 * @property {boolean} mine  One guards it.
 */

/**
 * @typedef {object} EmergencyView  Somebody who asks to be let into a circle, or was.
 * @property {string} id
 * @property {string} circle
 * @property {EscrowView} escrow  As it was when they asked.
 * @property {Named} requester
 * @property {EmergencyReason} reason
 * @property {number} at
 * @property {number} until
 * @property {EmergencyState} state
 * @property {string | null} words  For guardians, and the requester on the device that asked; null: not for this device.
 * @property {readonly Named[]} approvedBy
 * @property {readonly Named[]} declinedBy
 * @property {boolean} asked  It waits for one's own answer.
 * @property {boolean} mayFinish  Enough have agreed, nobody let them in yet, and this device could.
 * @property {boolean} mayWithdraw
 */

/** What a circle's card says. @typedef {{ circle: string, pinned: string | null }} Card `pinned`: the escrow it names; null: it was typed */
/** @typedef {Card & { escrow: EscrowView, open: string | null }} EmergencyLook `open`: the request one has made already */
/** @typedef {Card & { reason: EmergencyReason, words: string, note: string, hours: number }} EmergencyForm `note`: what the members read once one is in */
/** @typedef {{ name: string, organisation: string, guardians: readonly string[], quorum: number, token: string | null }} EscrowForm `token`: of an invitation; null: an administrator makes one */

/**
 * @typedef {object} Emergency
 * @property {Readable<readonly EmergencyView[]>} list  Newest first: those one made, guards against, or sees in one's circles.
 * @property {Readable<ReadonlyMap<string, EscrowView>>} escrows  By account: of one's organisation, that one guards, that are in one's circles.
 * @property {() => Promise<void>} refresh
 * @property {(card: Card) => Promise<EmergencyLook>} look  What a card leads to.
 * @property {(form: EmergencyForm) => Promise<string>} ask  The request's id.
 * @property {(id: string) => Promise<void>} withdraw
 * @property {(id: string, approved: boolean) => Promise<EmergencyState>} answer  The approval that completes the quorum lets the requester in.
 * @property {(id: string) => Promise<void>} finish  Lets in whom enough guardians approved.
 * @property {(form: EscrowForm) => Promise<string>} make  A new escrow's account.
 */

export {};
