/**
 * Who may post (docs/protocol.md §6): a pure function of the circle's ledger and an envelope's header. The server asks by
 * the ledger's head and its own clock; a reader, who may meet a note long after, by the head the author named.
 */
import { ProtocolError } from "./errors.js";
import { checkHead, epochAfter, lastPeriod, periodAfter, requireMember } from "./ledger-state.js";

/** @typedef {import("./envelope.js").Header} Header */
/** @typedef {import("./ledger-state.js").CircleState} CircleState */
/** @typedef {import("./ledger-state.js").Period} Period */

/**
 * A note that arrives at `at`, by the ledger as it stands. Throws ProtocolError `wrong-circle`, `circle-closed`, `fork`,
 * `rollback`, `not-a-member`, `not-allowed`, `wrong-method`, `key-missing`, `wrong-epoch` (not the current one).
 * @param {CircleState} state @param {Header} header @param {number} at
 */
export function checkMayPost(state, header, at) {
  checkCircle(state, header);
  if (state.closed) throw new ProtocolError("circle-closed");
  checkKeys(state, header, { period: lastPeriod(requireMember(state, header.account, at)), seq: state.seq });
}

/**
 * A note by the ledger as its author knew it. Throws ProtocolError `wrong-circle`, `fork`, `rollback` (the reader's ledger
 * ends before the author's: fetch first), `not-a-member`, `not-allowed`, `wrong-method`, `key-missing`, `wrong-epoch`.
 * @param {CircleState} state @param {Header} header
 */
export function checkCouldPost(state, header) {
  checkCircle(state, header);
  const member = state.members.get(header.account);
  const period = member ? periodAfter(member, header.ledger_seq) : null;
  if (!period || (period.until !== null && header.at >= period.until)) throw new ProtocolError("not-a-member");
  checkKeys(state, header, { period, seq: header.ledger_seq });
}

/** @param {CircleState} state @param {Header} header */
function checkCircle(state, header) {
  if (header.circle !== state.circle) throw new ProtocolError("wrong-circle");
  checkHead(state, header.ledger_seq, header.ledger_head);
}

/** @param {CircleState} state @param {Header} header @param {{ period: Period, seq: number }} author */
function checkKeys(state, header, { period, seq }) {
  if (header.kind === "profile") checkProfile(state, header, { period, seq });
  for (const key of header.keys) {
    const audience = state.audiences.get(key.audience);
    if (!audience || epochAfter(audience, seq) !== key.epoch) throw new ProtocolError("wrong-epoch");
    const isInside = period.audiences.includes(key.audience);
    if (!isInside && period.role !== "lead" && header.kind !== "profile") throw new ProtocolError("not-a-member");
    const isReader = isInside && period.role !== "bot";
    if ((key.method === "inbox") === isReader) throw new ProtocolError("wrong-method");
  }
}

/** A profile: by any member but a bot, to every audience. @param {CircleState} state @param {Header} header @param {{ period: Period, seq: number }} author */
function checkProfile(state, header, { period, seq }) {
  if (period.role === "bot") throw new ProtocolError("not-allowed");
  const names = [...state.audiences.values()].filter((audience) => epochAfter(audience, seq) > 0).map((audience) => audience.name);
  const sealed = header.keys.map((key) => key.audience);
  if (names.length !== sealed.length || !names.every((name) => sealed.includes(name))) throw new ProtocolError("key-missing");
}
