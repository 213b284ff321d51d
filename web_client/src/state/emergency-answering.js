/** What guardians do: answer a request; and once enough have agreed, let the requester in. */
import { devicesInForce } from "../core/account.js";
import { openParts, sealParts, writeAnswer } from "../core/emergency.js";
import { assemble } from "../core/escrow.js";
import { ProtocolError } from "../core/errors.js";
import { Refusal, Unreachable } from "../core/refusal.js";
import { emergencyOf, guarded } from "./emergency-reading.js";
import { asEscrow, isRenewed, letIn, renew } from "./escrow-session.js";
import { ownParts } from "./escrow-shares.js";
import { declined } from "./failure.js";

/** @typedef {import("../core/escrow.js").Parts} Parts */
/** @typedef {import("./emergency-reading.js").Emergency} Emergency */
/** @typedef {import("./member.js").Member} Member */

/** @param {Member} member @param {string} id @param {boolean} approved @returns {Promise<import("./types-emergency.js").EmergencyState>} what has become of the request */
export async function answer(member, id, approved) {
  const asked = await emergencyOf(member, id);
  const parts = approved ? await sealedForOthers(member, asked) : [];
  const said = { request: id, account: member.account, escrow_device: asked.statement.device, at: member.clock.now(), approved, parts };
  const data = await writeAnswer(member.keys, said);
  const { state } = await member.transport.call("emergency.answer", { answer: data });
  if (!approved || state !== "approved") return state;
  await finish(member, id);
  return "released";
}

/** One's own parts, for each device in force of each other guardian, but the requester's. @param {Member} member @param {Emergency} asked */
async function sealedForOthers(member, { request, statement }) {
  const { shares } = await guarded(member, statement);
  const parts = await ownParts(member, statement, shares);
  const others = statement.guardians.filter((guardian) => guardian !== member.account && guardian !== request.account);
  const devices = others.flatMap((guardian) => devicesInForce(member.accounts.require(guardian)));
  return Promise.all(devices.map(async (device) => ({ device: device.id, sealed: await sealParts(member.keys, device, { request: request.id, parts }) })));
}

/** Let in whom enough guardians approved, and give the escrow another key; what was done before is not done again. @param {Member} member @param {string} id */
export async function finish(member, id) {
  const approved = await emergencyOf(member, id);
  if (!["approved", "released"].includes(approved.row.state)) throw declined("not-approved");
  const { statement } = approved;
  const keys = await assemble(statement, await gathered(member, approved));
  try {
    await asEscrow(member, { keys, account: statement.account }, async (escrow) => {
      if (approved.row.state === "released" || (await hasLetIn(member, escrow, approved))) await renew(escrow, statement);
    });
  } catch (error) {
    if (!(await isDone(member, approved, error))) throw error;
  }
}

/** The escrow's device may be cut off before it hears that it was revoked, by itself or by who was quicker: the guardian looks. @param {Member} member @param {Emergency} approved @param {unknown} error */
async function isDone(member, { request, statement }, error) {
  if (!(error instanceof Unreachable || error instanceof Refusal || error instanceof ProtocolError)) return false;
  return (await emergencyOf(member, request.id)).row.state === "released" && (await isRenewed(member, statement));
}

/** False where another guardian's device was quicker: it renews too. @param {Member} member @param {Member} escrow @param {Emergency} approved */
async function hasLetIn(member, escrow, { request }) {
  try {
    await letIn(escrow, request);
    return true;
  } catch (error) {
    const isMaybeDone = error instanceof Refusal || error instanceof ProtocolError;
    if (isMaybeDone && (await emergencyOf(member, request.id)).row.state === "released") return false;
    throw error;
  }
}

/** All parts this device can have: its own, and those of the others who approved. A false one is nobody's. @param {Member} member @param {Emergency} approved @returns {Promise<Parts>} */
async function gathered(member, { statement, answers }) {
  const { shares } = await guarded(member, statement);
  const parts = new Map(await ownParts(member, statement, shares));
  for (const one of answers.filter((answered) => isGood(answered, statement) && answered.account !== member.account)) {
    try {
      for (const [number, part] of await openParts(member.keys, one, statement)) parts.set(number, part);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (error.reason !== "parts-missing") member.alarms.fault(error); // one guardian's false share is not the end: others may do
    }
  }
  return parts;
}

/** An approval counts while its parts are of the escrow's device in force. @param {import("../core/emergency.js").EmergencyAnswer} one @param {import("../core/escrow.js").EscrowStatement} statement */
export const isGood = (one, statement) => one.approved && one.escrow_device === statement.device;
