/**
 * A circle as its ledger leaves it (docs/protocol.md §4): members, audiences, epochs, and what follows from them.
 * States are plain values: they survive a structured clone.
 */
import { devicesInForce } from "./account.js";
import { ProtocolError } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./account.js").AccountState} AccountState */
/** @typedef {import("./ledger-operations.js").CircleRole} CircleRole */
/**
 * A span in which one member had the same role, audiences and `until`. `seq` is the entry that began it, `endedSeq` the
 * one that ended it (removal, or a change, which begins the next period at once); `removedAt` is the time of that entry.
 * @typedef {{ since: number, until: number | null, removedAt: number | null, role: CircleRole, audiences: readonly string[],
 *   seq: number, endedSeq: number | null }} Period
 */
/** @typedef {{ account: string, accountHead: string, addedBy: string, history: number, periods: readonly Period[] }} Member */
/** @typedef {{ epoch: number, commitment: Bytes, inboxKey: Bytes, openedAt: number, seq: number }} Epoch */
/** @typedef {{ name: string, epoch: number, epochs: ReadonlyMap<number, Epoch> }} Audience */
/**
 * A circle after entry `seq`; `heads[n]` is the hash of entry n.
 * @typedef {{ circle: string, seq: number, head: string, at: number, closed: boolean, members: ReadonlyMap<string, Member>,
 *   audiences: ReadonlyMap<string, Audience>, heads: readonly string[] }} CircleState
 */
/** @typedef {ReadonlyMap<string, AccountState>} Accounts */
/** @typedef {{ account: string, device: string, audience: string, epoch: number }} Entitlement */

export const TEAM = "team";
export const EPOCH_LIFETIME = 30 * 24 * 3_600_000;

/** @param {Member} member @returns {Period} */
export const lastPeriod = (member) => /** @type {Period} */ (member.periods.at(-1));

/** When a period ended or will: what comes first. @param {Pick<Period, "until" | "removedAt">} period */
export const endOf = ({ until, removedAt }) => (until !== null && removedAt !== null ? Math.min(until, removedAt) : (removedAt ?? until));

/** @param {Member} member */
export const roleOf = (member) => lastPeriod(member).role;

/** @param {Member} member */
export const audiencesOf = (member) => lastPeriod(member).audiences;

/** The time to judge by: a clock may be behind whoever wrote the last entry, and that entry holds. @param {CircleState} state @param {number} now */
export const momentOf = (state, now) => Math.max(now, state.at);

/** since ≤ at < until, and not ended by an entry. @param {Member | undefined} member @param {number} at */
export function isActive(member, at) {
  if (!member) return false;
  const { removedAt, since, until } = lastPeriod(member);
  return removedAt === null && since <= at && (until === null || at < until);
}

/** The active member. Throws ProtocolError `not-a-member`. @param {CircleState} state @param {string} account @param {number} at @returns {Member} */
export function requireMember(state, account, at) {
  const member = state.members.get(account);
  if (!member || !isActive(member, at)) throw new ProtocolError("not-a-member");
  return member;
}

/** @param {Period} period @param {string} audience */
export const periodReads = (period, audience) => period.role !== "bot" && period.audiences.includes(audience);

/** May the member hold the audience's current key? @param {Member} member @param {string} audience @param {number} at */
export const reads = (member, audience, at) => isActive(member, at) && periodReads(lastPeriod(member), audience);

/** May the member, or might it once, hold a key of the audience? @param {Member | undefined} member @param {string} audience */
export const hasRead = (member, audience) => member?.periods.some((period) => periodReads(period, audience)) ?? false;

/** The period that entry `seq` left open. @param {Member} member @param {number} seq @returns {Period | null} */
export function periodAfter(member, seq) {
  const period = member.periods.findLast((one) => one.seq <= seq);
  return period && (period.endedSeq === null || period.endedSeq > seq) ? period : null;
}

/** In the order they first came. @param {CircleState} state @param {number} at */
export const activeMembers = (state, at) => [...state.members.values()].filter((member) => isActive(member, at));

/** The active members that may hold the audience's key. @param {CircleState} state @param {string} audience @param {number} at */
export const readers = (state, audience, at) => [...state.members.values()].filter((member) => reads(member, audience, at));

/** Throws ProtocolError `bad-audience`. @param {CircleState} state @param {string} name @returns {Epoch} */
export function currentEpoch(state, name) {
  const audience = state.audiences.get(name);
  const epoch = audience?.epochs.get(audience.epoch);
  if (!epoch) throw new ProtocolError("bad-audience");
  return epoch;
}

/** The epoch that was current after entry `seq`; 0 where there was none. @param {Audience} audience @param {number} seq */
export function epochAfter(audience, seq) {
  return Math.max(0, ...[...audience.epochs.values()].filter((epoch) => epoch.seq <= seq).map((epoch) => epoch.epoch));
}

/**
 * Which device may hold the key of which epoch (docs/protocol.md §5). Members whose account is not given are passed over.
 * @param {CircleState} state @param {Accounts} accounts @param {number} at @returns {Entitlement[]}
 */
export function entitled(state, accounts, at) {
  return activeMembers(state, at).flatMap((member) => {
    const account = accounts.get(member.account);
    const devices = account ? devicesInForce(account).filter((device) => device.kind !== "bot") : [];
    const epochs = readableEpochs(state, member);
    return devices.flatMap((device) => epochs.map((epoch) => ({ account: member.account, device: device.id, ...epoch })));
  });
}

/** @param {CircleState} state @param {Member} member @returns {{ audience: string, epoch: number }[]} */
export function readableEpochs(state, member) {
  const audiences = [...state.audiences.values()].filter((audience) => periodReads(lastPeriod(member), audience.name));
  return audiences.flatMap(({ name, epochs }) => [...epochs.values()]
    .filter((epoch) => member.history === 0 || epoch.openedAt >= member.history)
    .map((epoch) => ({ audience: name, epoch: epoch.epoch })));
}

/** When this stay began: a change begins the next period at once. @param {Member} member */
export function cameAt({ periods }) {
  let index = periods.length - 1;
  while (index > 0 && periods[index - 1]?.endedSeq === periods[index]?.seq) index -= 1;
  return /** @type {Period} */ (periods[index]).since;
}

/**
 * Is a version's own key the member's (docs/protocol.md §5): written from its `history` on, under an epoch current then?
 * @param {CircleState} state @param {Member} member
 * @param {{ keys: readonly { audience: string, epoch: number }[], at: number }} header
 */
export function isOwedKey(state, member, { keys, at }) {
  const { history } = member;
  if (history === 0 || history >= cameAt(member) || at < history) return false;
  return keys.some(({ audience, epoch }) => {
    const epochs = [...(state.audiences.get(audience)?.epochs.values() ?? [])].filter((one) => one.openedAt < history);
    return periodReads(lastPeriod(member), audience) && Math.max(0, ...epochs.map((one) => one.epoch)) === epoch;
  });
}

/**
 * Why the audience needs a new epoch before anybody posts under it (docs/protocol.md §4): somebody who could hold the key
 * no longer may (`left`), so does a device (`revoked`), or it is 30 days `old` (which the server does not refuse).
 * @param {CircleState} state @param {string} audience @param {{ at: number, accounts: Accounts }} now
 * @returns {"left" | "revoked" | "old" | null}
 */
export function rotationDue(state, audience, { at, accounts }) {
  const epoch = currentEpoch(state, audience);
  const hasLeft = [...state.members.values()].some((member) => !reads(member, audience, at) && outlived(member, audience, epoch));
  if (hasLeft) return "left";
  if (readers(state, audience, at).some((member) => hasLostDevice(accounts.get(member.account), epoch))) return "revoked";
  return at - epoch.openedAt >= EPOCH_LIFETIME ? "old" : null;
}

/** Did the member read the audience after the epoch opened? @param {Member} member @param {string} audience @param {Epoch} epoch */
const outlived = (member, audience, epoch) => member.periods.some((period) => periodReads(period, audience) && outlives(period, epoch));

/** Did the period reach into the time after the epoch opened? @param {Period} period @param {Epoch} epoch */
export function outlives(period, epoch) {
  if (period.endedSeq !== null && period.endedSeq <= epoch.seq) return false;
  return period.until === null || period.until > epoch.openedAt;
}

/** @param {AccountState | undefined} account @param {Epoch} epoch */
function hasLostDevice(account, epoch) {
  // Not later than: a revocation in the same millisecond may not have been known to who opened it.
  return [...(account?.devices.values() ?? [])].some(({ device, revokedAt }) =>
    device.kind !== "bot" && revokedAt !== null && revokedAt >= epoch.openedAt);
}

/**
 * Compare a head somebody has seen with this ledger. Throws ProtocolError `fork` (two entries for one seq), `rollback`
 * (this ledger ends before it).
 * @param {CircleState} state @param {number} seq @param {string} head
 */
export function checkHead(state, seq, head) {
  if (seq > state.seq) throw new ProtocolError("rollback");
  if (state.heads[seq] !== head) throw new ProtocolError("fork");
}
