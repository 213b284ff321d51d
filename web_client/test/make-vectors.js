// Objects made in JavaScript, as JSON on standard output, for Python to read: a story of three people and one circle.
// Every run makes other keys; tests/crypto/test_javascript_vectors.py runs this and checks all of it.
import * as account from "../src/core/account.js";
import { fromHex, randomBytes, toHex, uuid7 } from "../src/core/bytes.js";
import { deviceOf, keysFromRandom } from "../src/core/device.js";
import * as emergency from "../src/core/emergency.js";
import * as envelope from "../src/core/envelope.js";
import { openOperation } from "../src/core/epoch.js";
import * as escrow from "../src/core/escrow.js";
import * as grant from "../src/core/grant.js";
import * as join from "../src/core/join.js";
import * as kit from "../src/core/kit.js";
import * as ledger from "../src/core/ledger.js";
import * as login from "../src/core/login.js";
import * as receipt from "../src/core/receipt.js";
import { number as safetyNumber } from "../src/core/safety.js";
import { sha256Hex } from "../src/core/suite.js";
import { spoil } from "./support/spoil.js";

const START = 1_790_000_000_000;
const PROFILE = { name: "Zoé Ménard 🩺", profession: "Infirmière", organisation: "Cabinet des Tilleuls" };

/** An account of one device. */
async function person(name, kind, at) {
  const seeds = randomBytes(64);
  const keys = await keysFromRandom(seeds);
  const device = deviceOf(keys, kind, `${name}’s phone`);
  const statements = [await account.create(keys, { device, profile: { ...PROFILE, name }, at })];
  return { keys, seeds, statements, state: await account.replay(statements) };
}

/** A second device and a kit come, one is renamed, the profile changes, the second device goes. */
async function lived(one) {
  const [second, seed] = [await keysFromRandom(randomBytes(64)), randomBytes(32)];
  const recovery = await kit.keysOf(seed);
  const { statements } = one;
  const append = async (make) => {
    statements.push(await make(one.state));
    one.state = await account.apply(one.state, statements.at(-1));
  };
  for (const [keys, kind, at] of [[second, "interactive", START + 1], [recovery, "recovery", START + 2]]) {
    const device = deviceOf(keys, kind, "ordinateur");
    await append(async (state) => account.addDevice(state, one.keys, { device, possession: await account.possess(keys, device, state.account), at }));
  }
  await append((state) => account.renameDevice(state, second, { device: one.keys.id, label: "Téléphone", at: START + 3 }));
  await append((state) => account.changeProfile(state, one.keys, { profile: PROFILE, at: START + 4 }));
  return { second, seed, recovery, append };
}

/** The operation that adds somebody to `team`. */
const adds = (who, role, since, history) => ({
  op: "member.add", account: who.state.account, account_head: who.state.head, role, audiences: ["team"], since, until: null, history,
});

/** Entry 0, two members, a rotation. */
async function foundCircle(lead, colleague, bot) {
  const keys = [1, 2].map((epoch) => ({ audience: "team", epoch, key: randomBytes(32) }));
  const [first, next] = keys;
  const act = (at, operations) => ({ account: lead.state.account, accountHead: lead.state.head, at, operations });
  const entries = [await ledger.writeEntry(null, lead.keys, act(START + 10, [
    { op: "create", nonce: randomBytes(16) }, adds(lead, "lead", START + 10, 0), await openOperation("team", first.epoch, first.key)]))];
  let state = await ledger.apply(null, entries[0], lead.state);
  const later = [
    act(START + 20, [adds(colleague, "professional", START + 20, 0), adds(bot, "bot", START + 20, 0)]),
    act(START + 30, [await openOperation("team", next.epoch, next.key)]),
  ];
  for (const one of later) {
    entries.push(await ledger.writeEntry(state, lead.keys, one));
    state = await ledger.apply(state, entries.at(-1), lead.state);
  }
  return { entries, state, keys };
}

/** A post with everything in it, its correction, its withdrawal; a bot's result; the profile. */
async function notesOf({ lead, bot, circle }) {
  const { state, keys: [, { epoch, key }] } = circle;
  const attachment = {
    id: uuid7(START), blob: await sha256Hex(randomBytes(8)), key: randomBytes(32), name: "plaie n° 3.jpg", media_type: "image/jpeg",
    size: 123_456, sha256: await sha256Hex(randomBytes(8)), width: 1024, height: 768, thumbnail: randomBytes(900),
  };
  const said = { type: "OBS", text: "Pansement refait : 12 × 8 mm.\nRevoir demain 🩹", form: null, attachments: [attachment], reply_to: null, broadcast: null };
  const form = { schema: "relais/patient/1", data: { name: "Mme D.", nested: { list: [1, "deux", true, null, randomBytes(3)] } } };
  const [note, notes] = [uuid7(START + 40), []];
  const post = async (by, fields, content, to) => {
    const draft = {
      circle: state.circle, note, version: 1, replaces: null, kind: "post", account: by.state.account, at: START + 40,
      ledger_seq: state.seq, ledger_head: state.head, urgent: false, acknowledge: false, mentions: [], ...fields,
    };
    const data = await envelope.seal(by.keys, draft, content, { to: [to], entropy: randomBytes(envelope.ENTROPY_SIZE) });
    const { digest } = await envelope.peek(data);
    notes.push({ envelope: toHex(data), digest, previous: notes.filter((one) => one.note === draft.note).map((one) => one.envelope), note: draft.note, text: content.text });
    return digest;
  };
  const held = { audience: "team", epoch, key };
  const first = await post(lead, { urgent: true, acknowledge: true, mentions: [bot.state.account] }, said, held);
  const second = await post(lead, { version: 2, replaces: first, kind: "correction", at: START + 41 }, { ...said, text: "Corrigé" }, held);
  await post(lead, { version: 3, replaces: second, kind: "withdrawal", at: START + 42 }, { ...said, text: "Mauvais patient", attachments: [] }, held);
  const { inboxKey } = ledger.currentEpoch(state, "team");
  await post(bot, { note: uuid7(START + 43) }, { ...said, attachments: [], form, reply_to: note }, { audience: "team", epoch, inboxKey });
  await post(lead, { note: uuid7(START + 44), kind: "profile" }, { ...said, type: "PROFILE", attachments: [], form }, held);
  return notes;
}

async function receiptsOf(reader, circle, { note, digest }) {
  const kinds = ["stored", "read", "acknowledged"];
  return Promise.all(kinds.map(async (kind) => ({
    kind,
    receipt: toHex(await receipt.write(reader.keys, { circle, note, version: 1, envelope: digest, kind, account: reader.state.account, at: START + 50 })),
  })));
}

async function joined() {
  const [secret, possession, statement] = [randomBytes(10), randomBytes(60), randomBytes(70)];
  return {
    secret: toHex(secret), code: join.makeCode(secret), ticket: await join.ticket(secret), possession: toHex(possession), statement: toHex(statement),
    request_mac: toHex(await join.requestMac(secret, possession)), answer_mac: toHex(await join.answerMac(secret, statement)),
  };
}

/** What asks for emergency access and what answers it, each by somebody who may. */
async function emergencies({ lead, colleague, bot, circle }) {
  const guardians = escrow.ordered([lead.state.account, bot.state.account]);
  const statement = await escrow.writeStatement(colleague.keys, {
    account: colleague.state.account, at: START + 70, quorum: 2, guardians, parts: [randomBytes(32), randomBytes(32)],
  });
  const { hash } = await emergency.explain("Chute, seule chez elle", randomBytes(16));
  const request = await emergency.writeRequest(colleague.keys, {
    escrow: lead.state.account, circle: circle.state.circle, account: colleague.state.account, account_head: colleague.state.head,
    at: START + 71, until: START + 72_000, reason: "night", explained: hash,
  });
  const { id } = await emergency.peekRequest(request);
  const declined = { request: id, account: colleague.state.account, escrow_device: lead.keys.id, at: START + 73, approved: false, parts: [] };
  return { statement, request, id, answer: await emergency.writeAnswer(colleague.keys, declined) };
}

/** Each kind of signed object in every state it must not be in, with the word for which it is refused here. */
async function spoilt({ lead, colleague, bot, circle, grants, notes, receipts, answered, asked }) {
  const [authors, other] = [(id) => [lead, colleague, bot].find(({ state }) => state.account === id)?.state, bot.keys];
  const own = { keys: lead.keys, other };
  const by = { keys: colleague.keys, other };
  const { statements: [first], state: colleagues } = colleague;
  const renamed = await account.renameDevice(colleagues, colleague.keys, { device: colleague.keys.id, label: "Tablette", at: START + 5 });
  const checked = [
    { structure: "account", data: renamed, context: account.ACCOUNT_CONTEXT, ...by, check: (data) => account.replay([first, data]) },
    { structure: "circle", data: circle.entries.at(-1), context: "relais/1 circle", ...own, check: (data) => ledger.replay([...circle.entries.slice(0, -1), data], authors) },
    { structure: "grant", data: fromHex(grants[1]), context: grant.GRANT_CONTEXT, ...own, check: (data) => grant.openGrant(data, colleague.keys, { state: circle.state, granter: lead.state }) },
    { structure: "note", data: fromHex(notes[0].envelope), context: envelope.NOTE_CONTEXT, ...own, check: async (data) => envelope.verify(await envelope.peek(data), lead.state) },
    { structure: "receipt", data: fromHex(receipts[0].receipt), context: receipt.RECEIPT_CONTEXT, ...by, check: (data) => receipt.verify(receipt.peek(data), colleagues) },
    { structure: "login", data: answered, context: login.LOGIN_CONTEXT, ...own, check: (data) => login.verify(login.peek(data), lead.state.devices.get(lead.keys.id).device.sign) },
    { structure: "escrow", data: asked.statement, context: escrow.ESCROW_CONTEXT, ...by, check: (data) => escrow.verifyStatement(escrow.peekStatement(data), colleagues) },
    { structure: "emergency", data: asked.request, context: emergency.EMERGENCY_CONTEXT, ...by, check: async (data) => emergency.verifyRequest(await emergency.peekRequest(data), colleagues) },
    { structure: "answer", data: asked.answer, context: emergency.ANSWER_CONTEXT, ...by, check: (data) => emergency.verifyAnswer(emergency.peekAnswer(data), colleagues, asked.id) },
  ];
  return (await Promise.all(checked.map(spoil))).flat();
}

async function main() {
  const [lead, colleague, bot] = [await person("Anne", "interactive", START), await person("Bruno", "interactive", START), await person("Labo", "bot", START)];
  const { second, seed, recovery, append } = await lived(lead);
  const circle = await foundCircle(lead, colleague, bot);
  await append((state) => account.revokeDevice(state, lead.keys, { device: second.id, at: START + 60 }));
  const grants = await Promise.all([[lead, recovery.id], [colleague, colleague.keys.id]].map(async ([who, device]) => toHex(await grant.seal(
    lead.keys, who.state.devices.get(device).device,
    { circle: circle.state.circle, account: who.state.account, granter: lead.state.account, epochs: circle.keys, at: START + 35 }))));
  const notes = await notesOf({ lead, bot, circle });
  const challenge = randomBytes(32);
  const answered = await login.answer(lead.keys, challenge, { origin: "https://relais.example", at: START });
  const receipts = await receiptsOf(colleague, circle.state.circle, notes[0]);
  const asked = await emergencies({ lead, colleague, bot, circle });
  return {
    spoilt: await spoilt({ lead, colleague, bot, circle, grants, notes, receipts, answered, asked }), asked: asked.id,
    chains: [lead, colleague, bot].map(({ state, statements }) => ({ account: state.account, head: state.head, statements: statements.map(toHex) })),
    circle: { id: circle.state.circle, head: circle.state.head, entries: circle.entries.map(toHex) },
    keys: circle.keys.map(({ audience, epoch, key }) => ({ audience, epoch, key: toHex(key) })),
    grants: { to_kit: grants[0], kit: toHex(seed), to_colleague: grants[1], colleague: toHex(colleague.seeds) },
    notes, receipts,
    login: { challenge: toHex(challenge), login: toHex(answered), origin: "https://relais.example", at: START },
    kit: { seed: toHex(seed), en: await kit.words(seed, "en"), fr: await kit.words(seed, "fr"), qr: kit.qrText(seed) },
    join: await joined(),
    safety: await safetyNumber(lead.state, colleague.state),
  };
}

console.log(JSON.stringify(await main()));
