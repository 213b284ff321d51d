/** @typedef {import("./member.js").Member} Member */

/** A circle's ledger as the server tells it, from entry 0: not checked here. @param {Member} member @param {string} circle */
export async function ledgerOf(member, circle) {
  /** @type {import("../core/bytes.js").Bytes[]} */ const entries = [];
  for (;;) {
    const page = await member.transport.call("circle.ledger", { circle, from_seq: entries.length });
    entries.push(...page.entries);
    if (!page.more || page.entries.length === 0) return entries;
  }
}
