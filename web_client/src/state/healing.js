/** Curing what is missing: grants that other devices wait for, and epochs that are due (docs/protocol.md §5). */
import { activeMembers, entitled } from "../core/ledger.js";
import { Refusal, Unreachable } from "../core/refusal.js";
import { each } from "./lane.js";
import { isBot } from "./member.js";
import { append, dueFor, rotating, sealGrants } from "./membership.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./circle-keeper.js").CircleKeeper} CircleKeeper */
/** @typedef {import("../core/wire.d.ts").MissingGrant} MissingGrant */

const CIRCLES_AT_ONCE = 2;

/**
 * Make every missing grant this device can make, in one circle or in all; a circle that cannot be healed is reported and
 * does not keep the others from it.
 * @param {Member} member @param {{ circle: string | null, keeperOf: (circle: string) => CircleKeeper, isOwn?: boolean }} where `isOwn`: for one's own devices alone, of which one may be
 * about to go: what may do by itself later is thrown then (Refusal, Unreachable)
 * @returns {Promise<readonly MissingGrant[]>} what was missing
 */
export async function heal(member, { circle, keeperOf, isOwn = false }) {
  if (isBot(member)) return [];
  const asked = await member.transport.call("circle.missing", { circle });
  const isWanted = (/** @type {{ account: string }} */ row) => !isOwn || row.account === member.account;
  const [missing, notes] = [asked.missing.filter(isWanted), asked.notes.filter(isWanted)];
  const rows = [...missing, ...notes];
  await member.accounts.get(rows.map((row) => row.account), { isFresh: true });
  await each([...new Set(rows.map((row) => row.circle))], CIRCLES_AT_ONCE, async (one) => {
    const isHere = (/** @type {{ circle: string }} */ row) => row.circle === one;
    try {
      await healOne(member, keeperOf(one), { missing: missing.filter(isHere), notes: notes.filter(isHere) });
    } catch (error) {
      if (isOwn && isPassing(error)) throw error;
      member.alarms.fault(error, one);
    }
  });
  return missing;
}

/** @param {unknown} error */
const isPassing = (error) => error instanceof Unreachable || (error instanceof Refusal && error.passes);

/**
 * Grant what is missing and, by the ledger this device has checked, entitled.
 * @param {Member} member @param {CircleKeeper} keeper @param {import("../core/wire.d.ts").Missing} what
 */
async function healOne(member, keeper, { missing: rows, notes }) {
  await keeper.refresh();
  const state = keeper.known;
  const at = keeper.now;
  const accounts = await member.accounts.get(activeMembers(state, at).map((one) => one.account));
  const missing = new Set(rows.flatMap(({ device, audience, epochs }) => epochs.map((epoch) => `${device} ${audience} ${epoch}`)));
  const wanted = entitled(state, accounts, at).filter(({ device, audience, epoch }) => missing.has(`${device} ${audience} ${epoch}`));
  const epochs = [...keeper.keys].map(([name, key]) => {
    const [audience, epoch] = /** @type {[string, string]} */ (name.split(" "));
    return { audience, epoch: Number(epoch), key };
  });
  const single = notes.length > 0 ? await (await import("./note-keys.js")).sealNotes(member, keeper, notes) : [];
  const grants = [...(await sealGrants(member, state, { wanted, epochs })), ...single];
  if (grants.length > 0) await member.transport.call("circle.grant", { circle: keeper.circle, grants });
}

/** Open the next epochs where that is due; a rival that was quicker is welcome. @param {Member} member @param {CircleKeeper} keeper */
export async function rotateIfDue(member, keeper) {
  if (isBot(member)) return;
  await keeper.refresh();
  await member.accounts.get(keeper.known.members.keys());
  if (dueFor(member, keeper.known, keeper.now).length > 0) await append(member, keeper, rotating(member));
}
