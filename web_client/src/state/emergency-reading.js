/** What the server tells of emergency access, checked: requests, answers, escrows (docs/protocol.md §13). */
import { openWords, peekAnswer, peekRequest, verifyAnswer, verifyRequest } from "../core/emergency.js";
import { ProtocolError } from "../core/errors.js";
import { peekStatement, verifyStatement } from "../core/escrow.js";
import { declined } from "./failure.js";

/** @typedef {import("../core/account.js").AccountState} AccountState */
/** @typedef {import("../core/emergency.js").EmergencyRequest} EmergencyRequest */
/** @typedef {import("../core/emergency.js").EmergencyAnswer} EmergencyAnswer */
/** @typedef {import("../core/escrow.js").EscrowStatement} EscrowStatement */
/** @typedef {import("../core/wire.d.ts").EmergencyRow} EmergencyRow */
/** @typedef {import("../core/wire.d.ts").EscrowRow} EscrowRow */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types-emergency.js").EmergencyView} EmergencyView */
/** @typedef {import("./types-emergency.js").EscrowView} EscrowView */
/** A request with all that belongs to it, every signature checked. @typedef {{ row: EmergencyRow, request: EmergencyRequest, statement: EscrowStatement, answers: readonly EmergencyAnswer[] }} Emergency */
/** An escrow as it is now; `shares`: those of one's own devices. @typedef {{ statement: EscrowStatement, shares: EscrowRow["mine"] }} Escrow */

/** Every request that concerns this member; one that does not hold is reported, and is nobody's. @param {Member} member @returns {Promise<Emergency[]>} */
export async function emergencies(member) {
  const { requests } = await member.transport.call("emergency.list", {});
  const peeked = await holding(member, requests, async (row) => ({
    row, request: await peekRequest(row.request), statement: peekStatement(row.statement), answers: row.answers.map(peekAnswer),
  }));
  await member.accounts.get(peeked.flatMap(({ request, statement }) => [request.account, statement.account, ...statement.guardians]), { isFresh: true });
  return holding(member, peeked, async (one) => {
    await check(member, one);
    return one;
  });
}

/** One of them, as it is now. Throws Failure `refused-here` `no-emergency`. @param {Member} member @param {string} id */
export async function emergencyOf(member, id) {
  const found = (await emergencies(member)).find(({ request }) => request.id === id);
  if (!found) throw declined("no-emergency");
  return found;
}

/** @param {Member} member @returns {Promise<Escrow[]>} */
export async function escrows(member) {
  const { escrows: rows } = await member.transport.call("escrow.list", {});
  const peeked = await holding(member, rows, async ({ account, statement, mine }) => ({ account, statement: peekStatement(statement), shares: mine }));
  await member.accounts.get(peeked.flatMap(({ account, statement }) => [account, ...statement.guardians]), { isFresh: true });
  return holding(member, peeked, async ({ account, statement, shares }) => {
    if (account !== statement.account) throw new ProtocolError("wrong-account");
    await verifyStatement(statement, member.accounts.require(account));
    return { statement, shares };
  });
}

/** One that is guarded here, by the device that is in force. Throws Failure `refused-here` `no-share`. @param {Member} member @param {EscrowStatement} statement */
export async function guarded(member, statement) {
  const found = (await escrows(member)).find((one) => one.statement.account === statement.account && one.statement.device === statement.device);
  if (!found) throw declined("no-share");
  return found;
}

/** @param {Member} member @param {Emergency} emergency */
async function check(member, { row, request, statement, answers }) {
  const { accounts } = member;
  if (request.id !== row.id) throw new ProtocolError("wrong-request");
  if (statement.account !== request.escrow) throw new ProtocolError("wrong-account");
  await verifyRequest(request, accounts.require(request.account));
  await verifyStatement(statement, accounts.require(statement.account), { isPast: true });
  if (new Set(answers.map(({ account }) => account)).size < answers.length) throw new ProtocolError("not-a-guardian");
  for (const answer of answers) {
    if (!statement.guardians.includes(answer.account)) throw new ProtocolError("not-a-guardian");
    await verifyAnswer(answer, accounts.require(answer.account), request.id);
  }
}

/** @template T, R @param {Member} member @param {readonly T[]} rows @param {(row: T) => Promise<R>} read @returns {Promise<R[]>} */
async function holding(member, rows, read) {
  /** @type {R[]} */
  const held = [];
  for (const row of rows) {
    try {
      held.push(await read(row));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      member.alarms.fault(error);
    }
  }
  return held;
}

/** @param {Member} member @param {EscrowStatement} statement @returns {EscrowView} */
export function escrowView(member, { account, quorum, guardians }) {
  const { name, organisation } = member.accounts.require(account).profile;
  return Object.freeze({ account, name, organisation, quorum, guardians: Object.freeze(guardians.map((one) => named(member, one))), mine: guardians.includes(member.account) });
}

/** @param {Member} member @param {Emergency} emergency @param {string | null} kept one's own words @returns {Promise<EmergencyView>} */
export async function emergencyView(member, emergency, kept) {
  const { row: { state }, request, statement, answers } = emergency;
  const { id, circle, account, reason, at, until } = request;
  const escrow = escrowView(member, statement);
  const by = (/** @type {boolean} */ approved) => Object.freeze(answers.filter((answer) => answer.approved === approved).map((answer) => named(member, answer.account)));
  const isAnswered = answers.some((answer) => answer.account === member.account);
  return Object.freeze({
    id, circle, escrow, requester: named(member, account), reason: /** @type {EmergencyView["reason"]} */ (reason), at, until, state,
    words: kept ?? (await wordsOf(member, emergency)), approvedBy: by(true), declinedBy: by(false),
    asked: escrow.mine && state === "open" && !isAnswered && account !== member.account, mayFinish: escrow.mine && state === "approved",
    mayWithdraw: account === member.account && (state === "open" || state === "approved"),
  });
}

/** Words that are not those of the request are shown to nobody. @param {Member} member @param {Emergency} emergency */
async function wordsOf(member, { row, request }) {
  const sealed = row.explained.find(({ device }) => device === member.keys.id)?.sealed;
  if (!sealed) return null;
  try {
    return await openWords(member.keys, sealed, request);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    member.alarms.fault(error);
    return null;
  }
}

/** @param {Member} member @param {string} account */
const named = (member, account) => Object.freeze({ account, ...member.accounts.require(account).profile, me: account === member.account });
