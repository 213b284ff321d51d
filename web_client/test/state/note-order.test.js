// A version is never told before the one it replaces: on one page, over pages, and whatever the server says of the note besides.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as envelope from "../../src/core/envelope.js";
import { Acknowledged } from "../../src/state/acknowledged.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { NoteLog } from "../../src/state/note-log.js";
import { memberAt, Relay, somebody, START } from "../support/relay.js";
import { refuses } from "../support/vectors.js";

/** A nurse's note and its correction, other notes, and a doctor who reads: at a relay whose pages hold two notes, as long ones make them. */
async function scene() {
  const [nurse, doctor] = await Promise.all(["Nurse", "Doctor"].map(somebody));
  const relay = await Relay.of(nurse, doctor);
  await relay.grant(doctor);
  const member = await memberAt(relay, doctor);
  const keeper = new CircleKeeper(member, relay.circle);
  await keeper.refresh();
  const note = await relay.sealed(nurse, "5 mg");
  const { header, digest } = await envelope.peek(note);
  const correction = await relay.sealed(nurse, "50 mg", { note: header.note, version: 2, replaces: digest, kind: "correction" });
  const others = await Promise.all(["un", "deux", "trois"].map((text) => relay.sealed(nurse, text)));
  const tell = (...envelopes) => { relay.notes = envelopes.map((data, index) => ({ seq: index + 1, at: START + 31, envelope: data })); };
  const shown = ({ after = 0, before = Infinity }) => relay.notes.filter(({ seq }) => seq > after && seq < before);
  relay.answers["circle.page"] = ({ before }) => ({ notes: shown({ before: before || Infinity }).slice(-2), last_seq: relay.notes.length, others: [] });
  const log = new NoteLog(member, keeper, { acknowledged: new Acknowledged(member.database) });
  await log.show();
  return { relay, member, log, note, correction, others, tell };
}

/** The relay says of the note by itself that it stands elsewhere than the pages show. */
function lie(relay, data, seq, { isAlone = false } = {}) {
  const honest = relay.answers["note.get"];
  relay.answers["note.get"] = async (request) => {
    const answer = await honest(request);
    const notes = answer.notes.filter((stored) => stored.envelope !== data && !isAlone);
    return { ...answer, notes: [{ seq, at: START + 31, envelope: data }, ...notes] };
  };
}

const texts = ({ versions }) => [...versions.values()].flat().sort((one, other) => one.seq - other.seq).map(({ content }) => content.text);
const asked = ({ calls }) => calls.filter((event) => event === "note.get").length;

/** Nothing of it is shown, and whoever reads is told. */
async function assertRefused(reading, { relay, member, log, notes }) {
  const before = texts(log);
  await refuses("wrong-order", reading);
  assert.deepEqual(texts(log), before);
  assert.deepEqual(member.alarms.list.value.map(({ kind }) => kind), ["wrong-order"]);
  assert.equal(asked(relay), notes, "questions about the note by itself");
}

test("a correction pages behind its note is shown, either page first, and stands where the note said it does", async () => {
  const { relay, member, log, note, correction, others: [one, two, three], tell } = await scene();
  tell(one, note, two, correction);
  await log.sync();
  await log.earlier();
  assert.deepEqual(texts(log), ["un", "5 mg", "deux", "50 mg"]);
  tell(one, note, two, correction, three);
  await log.sync();
  assert.deepEqual([texts(log).at(-1), asked(relay), member.alarms.list.value], ["trois", 1, []], "its note was asked for once");
});

test("a correction before its note on one page is refused, which needs no question", async () => {
  const at = await scene();
  at.tell(at.correction, at.note);
  await assertRefused(() => at.log.sync(), { ...at, notes: 0 });
});

test("a correction on a page before that of its note is refused, which needs no question", async () => {
  const at = await scene();
  at.tell(at.others[0], at.correction, at.others[1], at.note);
  await at.log.sync();
  await assertRefused(() => at.log.earlier(), { ...at, notes: 0 });
});

for (const [how, isAlone] of [["with the correction", false], ["without it", true]]) {
  test(`a correction whose note stands behind it, as the server says of the note ${how}, is refused before that page is read`, async () => {
    const at = await scene();
    at.tell(at.others[0], at.correction);
    lie(at.relay, at.note, 3, { isAlone });
    await assertRefused(() => at.log.sync(), { ...at, notes: 1 });
  });
}

for (const [how, isShown] of [["shown", true], ["not shown any more", false]]) {
  test(`a note on a later page than its correction, which is ${how}, is refused though the server told it earlier by itself`, async () => {
    const at = await scene();
    at.tell(at.others[0], at.others[1], at.others[2], at.correction);
    lie(at.relay, at.note, 1);
    await at.log.sync();
    if (!isShown) at.log.hide();
    at.tell(at.others[0], at.others[1], at.others[2], at.correction, at.note);
    await assertRefused(() => at.log.sync(), { ...at, notes: 1 });
  });
}

test("a note that stands elsewhere on its page than the server said of it by itself is refused, and so is another in its place", async () => {
  const at = await scene();
  at.tell(at.note, at.others[0], at.others[1], at.correction);
  lie(at.relay, at.note, 2);
  await at.log.sync();
  await assertRefused(() => at.log.earlier(), { ...at, notes: 1 });
});

test("a note's versions are refused where the pages showed them elsewhere, when somebody looks at its history", async () => {
  const at = await scene();
  at.tell(at.others[0], at.note, at.others[1], at.correction);
  await at.log.sync();
  const id = (await envelope.peek(at.note)).header.note;
  assert.equal((await at.log.history(id)).length, 2, "as long as they stand there");
  lie(at.relay, at.correction, 5);
  await assertRefused(() => at.log.history(id), { ...at, notes: 3 });
});
