/** What the parts of a running session share. */

/** @template T @typedef {import("./signal.js").Signal<T>} Signal */
/**
 * @typedef {object} World
 * @property {import("./member.js").Member} member
 * @property {import("./circle-book.js").CircleBook} book
 * @property {import("./outbox.js").Outbox} outbox
 * @property {import("./receipts.js").ReceiptSender} sender
 * @property {import("./drafts.js").Drafts} drafts
 * @property {import("./attachments.js").Prepare} prepare
 * @property {Signal<ReadonlySet<string>>} escrows accounts that are nobody's: they let people in when guardians agree
 * @property {(circle: string) => void} changed something about this circle changed: the list shows it
 */

export {};
