/** What the parts of a running session share. */

/**
 * @typedef {object} World
 * @property {import("./member.js").Member} member
 * @property {import("./circle-book.js").CircleBook} book
 * @property {import("./outbox.js").Outbox} outbox
 * @property {import("./receipts.js").ReceiptSender} sender
 * @property {import("./drafts.js").Drafts} drafts
 * @property {import("./attachments.js").Prepare} prepare
 * @property {(circle: string) => void} changed something about this circle changed: the list shows it
 */

export {};
