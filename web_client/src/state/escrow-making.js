/** A new escrow: enrolled by its own keys, which nobody keeps. */
import { create, replay } from "../core/account.js";
import { deviceOf } from "../core/device.js";
import { ordered } from "../core/escrow.js";
import { asEscrow } from "./escrow-session.js";
import { ESCROW_LABEL, newKeys, shareOut } from "./escrow-shares.js";

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types-emergency.js").EscrowForm} EscrowForm */

const DAYS = 1; // of an invitation that is used at once

/** Enrol it, and share its key. @param {Member} member @param {EscrowForm} form @returns {Promise<string>} its account */
export async function make(member, { name, organisation, guardians: chosen, quorum, token }) {
  const guardians = ordered(chosen);
  const accounts = await member.accounts.get(guardians, { isFresh: true });
  const invitation = token ?? (await invite(member, organisation));
  const made = await newKeys({ quorum, guardians });
  const profile = { name, profession: "", organisation };
  const opening = await create(made.keys, { device: deviceOf(made.keys, "interactive", ESCROW_LABEL), profile, at: member.clock.now() });
  const { account } = await replay([opening]);
  await member.transport.http.exchange("/auth/enrol", { invitation, statement: opening });
  await member.accounts.get([account], { isFresh: true });
  await asEscrow(member, { keys: made.keys, account }, async ({ transport, clock }) => {
    const { statement, shares } = await shareOut(made, { account, at: clock.now(), quorum, guardians, accounts });
    await transport.call("escrow.share", { statement, possession: null, shares });
  });
  return account;
}

/** @param {Member} member @param {string} organisation @returns {Promise<string>} the invitation's secret */
async function invite(member, organisation) {
  const { path } = await member.transport.call("admin.invite", { roles: ["escrow"], organisation, days: DAYS, resets: null });
  return decodeURIComponent(path.slice(path.indexOf("#") + 1));
}
