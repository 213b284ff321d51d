// A release, cut at any of its requests and begun again: one person is let in, once; the escrow has a new key, which opens its circle.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import * as envelope from "../../src/core/envelope.js";
import { assemble, openShare, peekStatement } from "../../src/core/escrow.js";
import { peekEntry } from "../../src/core/ledger.js";
import { Refusal, Unreachable } from "../../src/core/refusal.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { answer, catchUp, finish } from "../../src/state/emergency.js";
import { emergencyOf } from "../../src/state/emergency-reading.js";
import { rotateIfDue } from "../../src/state/healing.js";
import { EmergencyRelay } from "../support/emergency-relay.js";
import { memberAt, somebody } from "../support/relay.js";

const HOUR = 3_600_000;

/** A guardian's page, begun from what its browser keeps; what acts as the escrow from here reaches the same relay. */
async function phone(relay, person, disk) {
  const member = await memberAt(relay, person, { disk });
  member.actAs = async (keys) => {
    const who = { keys, state: { account: relay.escrow } };
    await relay.call("login", {}, who);
    return { account: relay.escrow, transport: { call: (event, request) => relay.call(event, request, who), state: "online", clock: member.clock, close: () => {} } };
  };
  return member;
}

const [nadia, denis, remi, camille, olga] = await Promise.all(["Nadia", "Denis", "Rémi", "Camille", "Olga"].map(somebody));
const guardians = [denis, remi, camille];
const escrow = await EmergencyRelay.escrow(guardians);

/** Olga asks for an hour in Nadia's circle; Denis has approved; Rémi and Camille guard with him. */
async function opened() {
  const relay = await EmergencyRelay.of(nadia, escrow);
  relay.keep(escrow, [...guardians, olga]);
  relay.profile = await relay.sealed(nadia, "Odette", { kind: "profile" });
  for (const one of [nadia, escrow]) await relay.grant(one);
  await relay.post(nadia, "before");
  await relay.ask(olga, relay.now + HOUR);
  await answer(await phone(relay, denis, new IDBFactory()), relay.asked.id, true);
  return relay;
}

const asked = await opened();

function scene() {
  const [relay, disks] = [asked.fork(), new Map(guardians.map((one) => [one, new IDBFactory()]))];
  return { relay, pageOf: (one) => phone(relay, one, disks.get(one)) };
}

/** What is done at a page that is opened: what is owed by itself, and what its person is asked for. */
async function goOn({ relay, pageOf }, guardian) {
  const member = await pageOf(guardian);
  const { id } = relay.asked;
  await catchUp({ member });
  const { row: { state } } = await emergencyOf(member, id);
  if (state === "open") await answer(member, id, true);
  if (state === "approved") await finish(member, id);
  assert.deepEqual(member.faults, []);
}

/** What can be opened by these keys. @returns the texts of the circle's notes; null: locked */
async function read(relay, person) {
  const keeper = new CircleKeeper(await memberAt(relay, person), relay.circle);
  await keeper.refresh();
  return Promise.all(relay.notes.map(async (stored) => {
    try {
      return (await envelope.openEnvelope(await envelope.peek(stored.envelope), keeper.keys)).text;
    } catch (error) {
      assert.equal(error.reason, "key-missing");
      return null;
    }
  }));
}

/** The escrow's keys as these guardians put them together. */
async function together(relay, some) {
  const { statement: data, shares } = relay.current;
  const statement = peekStatement(data);
  const open = ({ keys, state }) => openShare(keys, shares.find(({ device }) => device === keys.id).sealed, { statement, guardian: state.account });
  return assemble(statement, new Map((await Promise.all(some.map(open))).flatMap((parts) => [...parts])));
}

/** Olga was let in once, until she asked for, and nobody else; any two guardians have a new key, which opens the circle; the old one is over. */
async function assertReleased({ relay }) {
  assert.deepEqual(await Promise.all(relay.entries.slice(2).map(async (data) => (await peekEntry(data)).operations.map(({ op, account: whose }) => [op, whose]))), [[["member.add", olga.state.account]]]);
  assert.deepEqual([...relay.state.members.keys()].sort(), [nadia, escrow, olga].map(({ state }) => state.account).sort());
  assert.equal(relay.state.members.get(olga.state.account).periods.at(-1).until, relay.asked.until);

  const { inForce } = relay;
  assert.equal(inForce.length, 1);
  assert.notEqual(inForce[0], escrow.keys.id);
  for (const two of [[denis, remi], [remi, camille], [denis, camille]]) assert.equal((await together(relay, two)).id, inForce[0]);
  await assert.rejects(relay.call("login", {}, escrow), Refusal);

  relay.now += 1; // an epoch of the same millisecond would be renewed once more
  const lead = await memberAt(relay, nadia);
  await rotateIfDue(lead, new CircleKeeper(lead, relay.circle));
  const renewed = { keys: await together(relay, [denis, remi]), state: escrow.state };
  assert.equal(relay.state.audiences.get("team").epoch, 2);
  assert.deepEqual([...relay.grantedTo(renewed)].sort(), [1, 2]);
  assert.deepEqual([...relay.grantedTo(escrow)], [1], "what was put together opens nothing that comes after");
  assert.deepEqual([await read(relay, olga), await read(relay, renewed)], [["before"], ["before"]]);
  for (const guardian of guardians) assert.deepEqual([...relay.grantedTo(guardian)], []);
}

test("a release that nothing cuts lets one person in, and gives the escrow a new key", async () => {
  const at = scene();
  await goOn(at, remi);
  await assertReleased(at);
  const entries = at.relay.entries.length;
  for (const guardian of guardians) await catchUp({ member: await at.pageOf(guardian) });
  assert.equal(at.relay.entries.length, entries, "nothing is left to do");
});

test("who comes when another guardian has let them in and renewed the escrow is told that it is done", async () => {
  const at = scene();
  const late = await at.pageOf(remi);
  const { actAs } = late;
  late.actAs = async (keys) => {
    await goOn(at, camille);
    return actAs(keys);
  };
  assert.equal(await answer(late, at.relay.asked.id, true), "released");
  await assertReleased(at);
});

/** A question whose answer does not come is one that was not asked. */
const WRITES = new Set(["emergency.answer", "circle.append", "escrow.share", "account.append", "circle.grant"]);
const CUTS = [
  { kind: "lost", at: "any request", whose: "the same guardian's", follow: [remi], steps: 20 },
  { kind: "unheard", at: "any request that writes", whose: "the same guardian's", follow: [remi], of: WRITES, steps: 6 },
  { kind: "unheard", at: "any request that writes", whose: "other guardians'", follow: [denis, camille, denis], of: WRITES, steps: 6 },
];

for (const { kind, at, whose, steps, ...cut } of CUTS) {
  test(`a release, ${kind} at ${at} and begun again at ${whose} page, lets one person in and gives the escrow a new key`, async () => {
    let step = 0;
    for (let came = true; came; came = await isCutAt({ kind, step, ...cut })) step += 1;
    assert.ok(step > steps, "it has many steps");
  });
}

/** One release that is cut at that request; false: it was over before. */
async function isCutAt({ kind, step, follow, of }) {
  const at = scene();
  const page = await at.pageOf(remi);
  const cut = { step, kind, of, came: false };
  at.relay.cut = cut;
  await answer(page, at.relay.asked.id, true).then(
    () => assert.ok(!at.relay.inForce.includes(escrow.keys.id), "who is told that all is done"),
    (error) => assert.ok(error instanceof Unreachable && cut.came, error),
  );
  at.relay.cut = null;
  for (const guardian of follow) await goOn(at, guardian);
  await assertReleased(at);
  return cut.came;
}
