// A browser that throws away a note or two of those it was given to keep: what is gone is fetched again, by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { Acknowledged } from "../../src/state/acknowledged.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { NoteLog } from "../../src/state/note-log.js";
import { memberAt, Relay, somebody, START } from "../support/relay.js";

const MANY = 8;
const numbers = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A doctor whose page is loaded anew now and then; eight notes, of which `others` are for others. */
async function scene({ others = [], pages = MANY } = {}) {
  const [nurse, doctor] = await Promise.all(["Nurse", "Doctor"].map(somebody));
  const relay = await Relay.of(nurse, doctor);
  await relay.grant(doctor);
  const disk = new IDBFactory();
  for (const number of numbers(1, MANY)) await relay.post(nurse, String(number));
  const answer = (from, to) => {
    const all = relay.notes.filter(({ seq }) => seq >= from && seq <= to);
    return { notes: all.filter(({ seq }) => !others.includes(seq)), others: all.map(({ seq }) => seq).filter((seq) => others.includes(seq)), last_seq: relay.notes.length };
  };
  relay.answers["circle.page"] = ({ before }) => answer((before || relay.notes.length + 1) - pages, (before || relay.notes.length + 1) - 1);
  relay.answers["circle.sync"] = ({ after, limit }) => answer(after + 1, after + limit);
  const load = async () => {
    const member = await memberAt(relay, doctor, { disk });
    const keeper = new CircleKeeper(member, relay.circle);
    await keeper.refresh();
    if (others.length > 0) keeper.known.audiences.set("care", keeper.known.audiences.get("team")); // one the doctor is not in
    relay.calls.length = 0;
    const log = new NoteLog(member, keeper, { acknowledged: new Acknowledged(member.database) });
    await log.show();
    return { member, keeper, log };
  };
  const { member, log } = await load();
  await log.sync();
  await log.fill();
  const lose = (...seqs) => member.database.write(seqs.map((seq) => ({ store: "notes", delete: [relay.circle, seq] })));
  return { relay, nurse, load, lose, others, mine: numbers(1, MANY).filter((seq) => !others.includes(seq)) };
}

const shown = ({ versions }) => [...versions.values()].flat().map(({ seq, content }) => [seq, content.text]).sort(([one], [other]) => one - other).map(([seq, text]) => (text === String(seq) ? seq : text));
const rows = async (member, circle) => (await member.database.keys("notes", IDBKeyRange.bound([circle], [circle, []]))).map(([, seq]) => seq);
const fetched = ({ calls }) => calls.filter((event) => event === "circle.sync" || event === "circle.page");

test("as long as all are there, nothing is fetched again, also where some are for others", async () => {
  for (const others of [[], [1, 4, 8]]) {
    const { relay, load, mine } = await scene({ others });
    const { log, member } = await load();
    await log.sync(MANY);
    await log.fill();
    assert.deepEqual([fetched(relay), shown(log), await rows(member, relay.circle)], [[], mine, mine]);
  }
});

const LOSSES = { "one in the middle": [5], "the newest": [8], "the oldest": [1], "several": [2, 3, 6], "the oldest and one of the newest": [1, 7], "all": numbers(1, MANY) };

for (const [what, lost] of Object.entries(LOSSES)) {
  for (const [how, more] of Object.entries({ "": {}, ", beside those for others": { others: [4] }, ", where a page holds two": { pages: 2 } })) {
    test(`${what} of the kept notes lost${how}: the others show at once, and with a connection all are here and kept again`, async () => {
      const { relay, load, lose, mine } = await scene(more);
      await lose(...lost);
      const { log, member } = await load();
      assert.deepEqual(shown(log), mine.filter((seq) => !lost.includes(seq)));
      await log.sync(MANY);
      await log.fill();
      while (!log.isComplete) await log.earlier();
      assert.deepEqual([shown(log), await rows(member, relay.circle), member.alarms.list.value], [mine, mine, []]);
      const again = await load();
      await again.log.sync(MANY);
      await again.log.fill();
      assert.deepEqual([fetched(relay), shown(again.log)], [[], mine], "once");
    });
  }
}

test("a page that was closed before all were fetched again goes on where it was", async () => {
  const { relay, load, lose, mine } = await scene();
  await lose(2, 7);
  const honest = relay.answers["circle.sync"];
  relay.answers["circle.sync"] = (request) => {
    assert.equal(request.after, 1, "from the first that is gone");
    relay.answers["circle.sync"] = () => { throw new TypeError("closed"); };
    return honest({ ...request, limit: 3 });
  };
  const { log } = await load();
  await assert.rejects(log.sync(MANY), TypeError);
  relay.answers["circle.sync"] = honest;
  const later = await load();
  await later.log.sync(MANY);
  assert.deepEqual([shown(later.log), await rows(later.member, relay.circle)], [mine, mine]);
});

test("while a lost note is not here yet, one that arrives does not hide that", async () => {
  const { relay, nurse, load, lose, mine } = await scene();
  await lose(6);
  const { log } = await load();
  await log.hear(await relay.post(nurse, "9"));
  assert.deepEqual(shown(log), [...mine, 9]);
});

test("who came back without the history, and finds nothing new that is theirs to read, is not told of a wrong order", async () => {
  const { relay, nurse, load } = await scene();
  await relay.post(nurse, "9");
  const { log, keeper, member } = await load();
  keeper.self.history = START + 50;
  relay.answers["circle.sync"] = () => ({ notes: [], others: [], last_seq: 9 });
  await log.sync(9);
  assert.deepEqual([shown(log), member.alarms.list.value], [numbers(1, MANY), []]);
});
