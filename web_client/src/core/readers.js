/**
 * Who could read a version, and when: from the circle's ledger and what stands on the envelope (docs/protocol.md §4, §5).
 * Not who did read it: that is what receipts say.
 */
import { endOf, isOwedKey, lastPeriod, outlives, periodReads } from "./ledger-state.js";

/** @typedef {import("./account.js").AccountState} AccountState */
/** @typedef {import("./account.js").DeviceRecord} DeviceRecord */
/** @typedef {import("./ledger-state.js").CircleState} CircleState */
/** @typedef {import("./ledger-state.js").Member} Member */
/** @typedef {import("./ledger-state.js").Period} Period */
/** @typedef {{ keys: readonly { audience: string, epoch: number }[], at: number }} Sealed of a version's header */
/**
 * A span in which an account's devices could read a version, through one audience; `until` null: it still can. What was
 * fetched before `until` may have been kept. `byOwnKey`: not by the epoch's key but by the version's own.
 * @typedef {{ account: string, audience: string, epoch: number, since: number, until: number | null, byOwnKey: boolean,
 *   devices: string[] }} Reader
 */
/** A member as one entry made it, with the history it came with, and the ledger as it stands by now. @typedef {{ circle: CircleState, member: Member, account: AccountState }} Stay */

/**
 * Every span of every member, in the order in which they came to the circle.
 * @param {readonly CircleState[]} states the ledger after each of its entries, from 0; each stay of a member is judged by
 *   the history it came with
 * @param {(account: string) => AccountState} accountOf @param {Sealed} sealed
 * @returns {Reader[]}
 */
export function readersOf(states, accountOf, sealed) {
  const circle = states.at(-1);
  if (!circle) return [];
  return states.flatMap(({ members }, seq) => [...members.values()]
    .filter((member) => lastPeriod(member).seq === seq)
    .flatMap((member) => spans({ circle, member, account: accountOf(member.account) }, sealed)));
}

/** @param {Stay} stay @param {Sealed} sealed @returns {Reader[]} */
function spans({ circle, member, account }, { keys, at }) {
  const period = periodOf({ circle, member });
  const [since, until] = [Math.max(period.since, at), endOf(period)];
  if (until !== null && since >= until) return [];
  const devices = devicesIn([...account.devices.values()], since, until);
  return keys.flatMap(({ audience, epoch }) => {
    const opened = circle.audiences.get(audience)?.epochs.get(epoch);
    if (!opened || !periodReads(period, audience) || !outlives(period, opened)) return [];
    const byEpoch = member.history === 0 || opened.openedAt >= member.history;
    if (!byEpoch && !isOwedKey(circle, member, { keys: [{ audience, epoch }], at })) return [];
    return [{ account: member.account, audience, epoch, since, until, byOwnKey: !byEpoch, devices }];
  });
}

/** The period that the entry began, with the end it has by now. @param {Pick<Stay, "circle" | "member">} stay @returns {Period} */
function periodOf({ circle, member }) {
  const { seq } = lastPeriod(member);
  return circle.members.get(member.account)?.periods.find((period) => period.seq === seq) ?? lastPeriod(member);
}

/** Those in force at some time of the span, but machines that only write. @param {readonly DeviceRecord[]} records @param {number} since @param {number | null} until */
function devicesIn(records, since, until) {
  return records.filter(({ device, addedAt, revokedAt }) =>
    device.kind !== "bot" && (until === null || addedAt < until) && (revokedAt === null || revokedAt > since)).map(({ device }) => device.id);
}
