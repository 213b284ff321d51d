import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { uuid7 } from "../../src/core/bytes.js";
import { digest } from "../../src/core/cose.js";
import { Acknowledged } from "../../src/state/acknowledged.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { Database } from "../../src/state/database.js";
import { NoteLog } from "../../src/state/note-log.js";
import { Outbox } from "../../src/state/outbox.js";
import { NEWEST, Places } from "../../src/state/places.js";
import { KeepingRelay } from "../support/keeping-relay.js";
import { memberAt, somebody, START } from "../support/relay.js";
import { refuses } from "../support/vectors.js";
import { IDBFactory } from "fake-indexeddb";

const MANY = 1_000;
const hash = (number) => createHash("sha256").update(String(number)).digest("hex");
const told = (first, last, other = {}) => new Map(Array.from({ length: last - first + 1 }, (_, index) => [first + index, other[first + index] ?? hash(first + index)]));

/** A thousand numbers, read in pages. */
async function muchRead() {
  const database = await Database.open(new IDBFactory(), "places");
  const meet = async (numbers, { rights = "0 team", lastSeq = MANY, places = new Places(database, "circle") } = {}) => database.write(await places.meet(numbers, { rights, lastSeq }));
  const places = new Places(database, "circle");
  for (let first = 1; first < MANY; first += 200) await meet(told(first, first + 199), { places });
  return { database, meet };
}

test("the same again is fine, wherever one begins, and takes little room", async () => {
  const { database, meet } = await muchRead();
  for (const [first, last] of [[1, 200], [1, MANY], [150, 700], [MANY, MANY]]) await meet(told(first, last));
  await meet(told(MANY, MANY + 50), { lastSeq: MANY + 50 });
  const kept = await database.get("values", "places circle");
  assert.ok(kept.newest.size < NEWEST + 128 + 1 && kept.blocks.size < MANY / 128);
});

test("another note is noticed among the newest, and in an old block that is read whole", async () => {
  const { meet } = await muchRead();
  for (const [number, first, last] of [[MANY, MANY, MANY], [MANY - NEWEST + 1, 700, 800], [77, 1, 200], [130, 129, 256]]) {
    await refuses("wrong-order", () => meet(told(first, last, { [number]: "f".repeat(64) })));
  }
  await meet(told(100, 120, { 110: "f".repeat(64) })); // a part of an old block says nothing
});

test("a number that is gone, or a note told twice, is noticed; other rights and a decision begin anew", async () => {
  const { database, meet } = await muchRead();
  await refuses("wrong-order", () => meet(told(1, MANY - 1), { lastSeq: MANY - 1 }));
  await refuses("wrong-order", () => meet(new Map([[MANY + 1, hash(MANY - 3)]]), { lastSeq: MANY + 1 }));
  await refuses("wrong-order", () => meet(new Map([[MANY, null]])));
  await meet(new Map([[MANY, null]]), { rights: "0 care team" });
  await refuses("wrong-order", () => meet(new Map(), { rights: "0 care team", lastSeq: MANY - 1 }));
  await database.write([new Places(database, "circle").forget()]);
  await meet(told(1, 1), { lastSeq: 1 });
});

/** A doctor who writes and reads on a device whose page is loaded anew now and then, at a relay that may lie. */
async function scene() {
  const [nurse, doctor] = await Promise.all(["Nurse", "Doctor"].map(somebody));
  const relay = await KeepingRelay.of(nurse, doctor);
  await relay.grant(doctor);
  await relay.grant(nurse);
  const disk = new IDBFactory();
  const load = async () => {
    const member = await memberAt(relay, doctor, { disk });
    const keeper = new CircleKeeper(member, relay.circle);
    const acknowledged = new Acknowledged(member.database);
    const log = new NoteLog(member, keeper, { acknowledged });
    const outbox = new Outbox(member, { keeperOf: () => keeper, onPosted: ({ seq, at, envelope }) => log.hear({ seq, at, envelope }, { isOwn: true }), acknowledged, exclusively: (_, task) => task() });
    await keeper.refresh();
    await outbox.load();
    await log.show();
    return { member, keeper, log, outbox, acknowledged };
  };
  for (const text of ["un", "deux", "trois"]) await relay.post(nurse, text);
  const page = await load();
  await page.log.sync();
  return { relay, load, ...page };
}

const shown = ({ versions }) => [...versions.values()].flat().map((version) => version.content?.text ?? version.damaged);
const alarmsOf = (member) => member.alarms.list.value.map((alarm) => alarm.kind);

const kept = ({ outbox }) => outbox.waiting.map(({ content, sending }) => [content.text, sending.state, sending.reason]);

async function write({ member, outbox }, circle, text) {
  const at = member.clock.now();
  const content = { type: "GEN", text, form: null, attachments: [], reply_to: null, broadcast: null };
  const settled = new Promise((resolve) => outbox.watch(() => outbox.waiting.every(({ sending }) => sending.state === "failed") && resolve(undefined)));
  await outbox.put([{ circle, note: uuid7(at), version: 1, replaces: null, kind: "post", at, audiences: ["team"], urgent: false, acknowledge: false, mentions: [], content }], { blobs: [] });
  await settled;
}

const sync = (answer) => ({ "circle.sync": async ({ after }) => answer(after) });
const DROPS = {
  "dropped": (relay) => sync((after) => ({ notes: relay.notes.slice(0, 3).filter((note) => note.seq > after), last_seq: 3, others: [] })),
  "its number another's": (relay) => sync((after) => ({ notes: [{ ...relay.notes[0], seq: 4 }].filter((note) => note.seq > after), last_seq: 4, others: [] })),
  "said to be for others": () => sync((after) => ({ notes: [], last_seq: 4, others: [4].filter((seq) => seq > after) })),
  "left out": (relay) => sync(() => ({ notes: [{ ...relay.notes[0], seq: 5 }], last_seq: 5, others: [] })),
};

test("a page that ends while a note is found lost has kept the alarm before", async () => {
  const { relay, load, member, ...page } = await scene();
  await write({ member, ...page }, relay.circle, "quatre");
  Object.assign(relay.answers, DROPS.dropped(relay));
  const ended = await load();
  ended.acknowledged.onLost = () => Promise.reject(new DOMException("", "AbortError"));
  await ended.log.sync(3).catch((error) => assert.ok(["wrong-order", undefined].includes(error.reason)));
  const again = await load();
  await again.member.alarms.load();
  assert.ok(alarmsOf(again.member).includes("lost-note"));
});

for (const [how, lie] of Object.entries(DROPS)) {
  test(`a note that was acknowledged and is ${how} is an alarm, stays with its author, and is sent again`, async () => {
    const { relay, load, member, ...page } = await scene();
    await write({ member, ...page }, relay.circle, "quatre");
    assert.deepEqual([page.outbox.waiting, alarmsOf(member), shown(page.log)], [[], [], ["un", "deux", "trois", "quatre"]]);
    const honest = { ...relay.answers };
    Object.assign(relay.answers, lie(relay));
    const later = await load();
    await later.log.sync(3).catch((error) => assert.equal(error.reason, "wrong-order"));
    assert.ok(alarmsOf(later.member).includes("lost-note"));
    assert.deepEqual(kept(later), [["quatre", "failed", "lost-note"]]);
    assert.ok(!shown(later.log).includes("quatre"));
    const reloaded = await load();
    assert.deepEqual(kept(reloaded), [["quatre", "failed", "lost-note"]]);
    Object.assign(relay.answers, honest);
    relay.notes.length = 3; // it really had dropped it
    const sent = new Promise((resolve) => reloaded.outbox.watch(() => reloaded.outbox.waiting.length === 0 && resolve(undefined)));
    reloaded.outbox.retry(reloaded.outbox.waiting[0].row.note);
    await sent;
    await reloaded.log.anew();
    assert.deepEqual(shown(reloaded.log), ["un", "deux", "trois", "quatre"]);
    assert.deepEqual(await reloaded.acknowledged.of(relay.circle), []);
  });
}

test("a note that stands where it was acknowledged is kept until it was read there, and then let go", async () => {
  const { relay, load, ...page } = await scene();
  await write(page, relay.circle, "quatre");
  const [row] = await page.acknowledged.of(relay.circle);
  assert.deepEqual([row.seq, await digest(row.envelope)], [4, await digest(relay.notes[3].envelope)]);
  const later = await load();
  assert.deepEqual(later.outbox.waiting, []);
  await later.log.sync(4);
  assert.deepEqual([await later.acknowledged.of(relay.circle), alarmsOf(later.member), shown(later.log)], [[], [], ["un", "deux", "trois", "quatre"]]);
});

test("older notes that stand otherwise when they are read again, after a reload, are an alarm until it is dismissed", async () => {
  const { relay, load, log, member } = await scene();
  relay.notes[0].at = relay.notes[1].at = START - 31 * 24 * 3_600_000; // read, and not kept
  await log.anew();
  await log.prune();
  const [first, second, third] = relay.notes;
  relay.notes = [{ ...second, seq: 1 }, { ...first, seq: 2 }, third];
  const later = await load();
  await later.log.sync();
  await refuses("wrong-order", () => later.log.earlier());
  assert.deepEqual([alarmsOf(later.member), shown(later.log), alarmsOf(member)], [["wrong-order"], ["trois"], []]);
  relay.notes = [first, second, third];
  await later.log.earlier();
  assert.deepEqual(shown(later.log).sort(), ["deux", "trois", "un"], "the first story is no lie");
  assert.deepEqual(await relay.told(1), [{ kind: "wrong-order", circle: relay.circle }]);
});

test("fewer notes than were read are an alarm, and somebody's decision begins anew", async () => {
  const { relay, load } = await scene();
  const dropped = relay.notes.pop();
  const later = await load();
  await refuses("wrong-order", () => later.log.sync());
  assert.deepEqual([alarmsOf(later.member), later.keeper.alarm], [["wrong-order"], null], "one can write all the same");
  await later.log.anew();
  assert.deepEqual(shown(later.log), ["un", "deux"]);
  assert.equal(dropped.seq, 3);
  assert.deepEqual(await relay.told(1), [{ kind: "wrong-order", circle: relay.circle }]);
});
