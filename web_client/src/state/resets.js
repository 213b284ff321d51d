/** People who were reset: who waits to be let in again, by the accounts' own chains. */
import { activeMembers, isActive } from "../core/ledger.js";
import { mayReadmit } from "../core/ledger-rules.js";

/** @typedef {import("../core/ledger.js").CircleState} CircleState */
/** @typedef {import("./account-book.js").AccountBook} AccountBook */
/** @typedef {import("./types.js").WaitingMember} WaitingMember */
/** `account` was reset to `by` at that time. Nobody with the old keys says so. @typedef {{ account: string, by: string, at: number }} Reset */

/** @param {AccountBook} accounts @param {CircleState} state @param {number} now @returns {Reset[]} */
export function waitingOf(accounts, state, now) {
  return activeMembers(state, now).flatMap(({ account }) => {
    const newer = accounts.successor(account);
    if (!newer || isActive(state.members.get(newer.account), now)) return [];
    const [first] = newer.devices.values();
    return [{ account, by: newer.account, at: first?.addedAt ?? newer.at }];
  });
}

/** @param {{ accounts: AccountBook, state: CircleState | null, me: string, now: number }} scene @returns {WaitingMember[]} */
export function waitingRows({ accounts, state, me, now }) {
  if (!state || state.closed) return [];
  const mine = state.members.get(me);
  return waitingOf(accounts, state, now).map(({ account, by, at: resetAt }) => {
    const [old, member] = [accounts.require(account).profile, state.members.get(account)];
    const isAllowed = mine !== undefined && member !== undefined && isActive(mine, now) && mayReadmit(state, mine, member, now);
    return Object.freeze({ account, ...old, by: Object.freeze({ account: by, ...accounts.require(by).profile }), at: resetAt, mayReadmit: isAllowed });
  });
}
