/** What somebody outside does: look at a circle by its card, ask its guardians, and once in, tell the members why. */
import { devicesInForce } from "../core/account.js";
import { randomBytes, utf8, uuid7 } from "../core/bytes.js";
import { explain, peekRequest, sealWords, writeRequest } from "../core/emergency.js";
import { ProtocolError } from "../core/errors.js";
import { audiencesOf, isActive } from "../core/ledger.js";
import { Refusal } from "../core/refusal.js";
import { audiencesFor } from "./audiences.js";
import { escrowView } from "./emergency-reading.js";
import { checkedStatement } from "./escrow-shares.js";
import { declined } from "./failure.js";
import { ownAccount } from "./member.js";

/** @typedef {import("./emergency-reading.js").Emergency} Emergency */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./types-emergency.js").EmergencyForm} EmergencyForm */
/** @typedef {import("./types-emergency.js").Card} Card */
/** What the requester said, until it is a note of the circle. @typedef {{ note: string, words: string, text: string }} Kept */

const HOUR = 3_600_000;

/** Where its words are kept. @param {string} id */
const nameOf = (id) => `emergency ${id}`;

/** Who guards the circle of a card. Throws Refusal `not_found`, Failure `refused-here` `other-escrow` (than the card's). @param {Member} member @param {Card} card @returns {Promise<import("./types-emergency.js").EmergencyLook>} */
export async function look(member, card) {
  const { statement, open } = await looked(member, card);
  return Object.freeze({ ...card, escrow: escrowView(member, statement), open });
}

/** The words are sealed to guardians whom the card vouches for, not the server. @param {Member} member @param {Card} card */
async function looked(member, { circle, pinned }) {
  const { escrow, statement: data, open } = await member.transport.call("emergency.look", { circle });
  const statement = await checkedStatement(member, data);
  if (statement.account !== escrow) throw new ProtocolError("wrong-account");
  if (pinned !== null && pinned !== escrow) throw declined("other-escrow");
  return { statement, open };
}

/** Ask the guardians. The words stay on this device until they are a note. @param {Member} member @param {EmergencyForm} form @returns {Promise<string>} the request's id */
export async function ask(member, { circle, pinned, reason, words, note, hours }) {
  const { statement } = await looked(member, { circle, pinned });
  const { plaintext, hash } = await explain(words, randomBytes(16));
  const at = member.clock.now();
  const { account, head } = ownAccount(member);
  const signed = await writeRequest(member.keys, { escrow: statement.account, circle, account, account_head: head, at, until: at + hours * HOUR, reason, explained: hash });
  const asked = await peekRequest(signed);
  const guardians = await member.accounts.get(statement.guardians, { isFresh: true });
  const devices = [...guardians.values()].flatMap(devicesInForce);
  const explained = await Promise.all(devices.map(async (device) => ({ device: device.id, sealed: await sealWords(asked, device, plaintext) })));
  await keep(member, asked.id, { note: uuid7(at), words, text: note });
  try {
    await member.transport.call("emergency.request", { request: signed, explained });
  } catch (error) {
    if (error instanceof Refusal) await forget(member, asked.id);
    throw error;
  }
  return asked.id;
}

/** @param {Member} member @param {string} id @param {Kept} said */
async function keep({ database, keyStore }, id, said) {
  await database.write([{ store: "values", key: nameOf(id), put: await keyStore.protect(utf8(JSON.stringify(said)), nameOf(id)) }]);
}

/** What one said when one asked, on the device that did. @param {Member} member @param {string} id @returns {Promise<Kept | null>} */
export async function kept({ database, keyStore }, id) {
  const data = await database.get("values", nameOf(id));
  return data ? JSON.parse(new TextDecoder().decode(await keyStore.unprotect(data, nameOf(id)))) : null;
}

/** One is in: the members are told why, by one's first note. @param {World} world @param {Emergency} emergency */
export async function tellWhy({ member, book, outbox }, { request: { id, circle } }) {
  const said = await kept(member, id);
  if (!said) return;
  const keeper = book.keeper(circle);
  await keeper.refresh({ isForced: true });
  const { self } = keeper;
  if (!self || !isActive(self, keeper.now)) return;
  const content = { type: /** @type {const} */ ("GEN"), text: said.text, form: null, attachments: [], reply_to: null, broadcast: null };
  const writing = {
    circle, note: said.note, version: 1, replaces: null, kind: /** @type {const} */ ("post"), at: member.clock.now(),
    audiences: [...audiencesFor(audiencesOf(self), null)], urgent: false, acknowledge: false, mentions: [], content,
  };
  await outbox.put([writing], { blobs: [], besides: [{ store: "values", delete: nameOf(id) }] });
}

/** What was never let in needs no words. @param {Member} member @param {string} id */
export const forget = ({ database }, id) => database.write([{ store: "values", delete: nameOf(id) }]);
