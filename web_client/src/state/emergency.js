/** Emergency access, as it is kept up to date: what state/emergency-door.js loads when there is something to know. */
import { answer, finish, isGood } from "./emergency-answering.js";
import { forget, kept, tellWhy } from "./emergency-asking.js";
import { emergencies, emergencyView, escrows, escrowView } from "./emergency-reading.js";
import { isRenewed } from "./escrow-session.js";
import { reshare } from "./escrow-shares.js";

/** @typedef {import("./emergency-reading.js").Emergency} Emergency */
/** @typedef {import("./emergency-reading.js").Escrow} Escrow */
/** @typedef {import("./types-emergency.js").EmergencyView} EmergencyView */
/** @typedef {import("./types-emergency.js").EscrowView} EscrowView */
/** @typedef {import("./world.js").World} World */

const NEVER_LET_IN = new Set(["declined", "expired", "withdrawn"]);

export { answer, finish } from "./emergency-answering.js";
export { ask, look } from "./emergency-asking.js";
export { make } from "./escrow-making.js";

/** Everything as it is now. @param {World} world @returns {Promise<{ list: readonly EmergencyView[], escrows: ReadonlyMap<string, EscrowView> }>} */
export async function read(world) {
  const { member } = world;
  const guarding = await escrows(member);
  const asked = await emergencies(member);
  const list = await Promise.all(asked.map(async (one) => emergencyView(member, one, (await kept(member, one.request.id))?.words ?? null)));
  for (const one of asked.filter(({ request }) => request.account === member.account)) await settle(world, one);
  return { list: Object.freeze(list), escrows: new Map(guarding.map(({ statement }) => [statement.account, escrowView(member, statement)])) };
}

/** What one asked for oneself came to an end. @param {World} world @param {Emergency} one */
async function settle(world, one) {
  if (one.row.state === "released") await tellWhy(world, one);
  if (NEVER_LET_IN.has(one.row.state)) await forget(world.member, one.request.id);
}

/**
 * What a guardian's device owes: its own further devices their shares; its approval once more, where the escrow was given
 * another key since; and that other key, where the device that let somebody in was cut off before it could.
 * @param {World} world
 */
export async function catchUp({ member }) {
  for (const { statement, shares } of await escrows(member)) if (statement.guardians.includes(member.account)) await reshare(member, statement, shares);
  for (const one of await emergencies(member)) {
    if (isOutdated(member, one)) await answer(member, one.request.id, true);
    else if (await isHalfDone(member, one)) await finish(member, one.request.id);
  }
}

/** @param {import("./member.js").Member} member @param {Emergency} one */
function isOutdated({ account }, { row, statement, answers }) {
  const isOpen = row.state === "open" || row.state === "approved";
  return isOpen && answers.some((mine) => mine.account === account && mine.approved && !isGood(mine, statement));
}

/** @param {import("./member.js").Member} member @param {Emergency} one */
async function isHalfDone(member, { row, statement, answers }) {
  const hasApproved = answers.some((mine) => mine.account === member.account && isGood(mine, statement));
  return row.state === "released" && hasApproved && !(await isRenewed(member, statement));
}
