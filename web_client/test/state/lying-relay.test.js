import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBytes } from "../../src/core/bytes.js";
import * as envelope from "../../src/core/envelope.js";
import { openOperation } from "../../src/core/epoch.js";
import { write } from "../../src/core/receipt.js";
import { Acknowledged } from "../../src/state/acknowledged.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { NoteLog } from "../../src/state/note-log.js";
import { ReceiptBook } from "../../src/state/receipts.js";
import { receiptRows, TimelineViews } from "../../src/state/timeline-view.js";
import { refuses } from "../support/vectors.js";
import { memberAt, Relay, somebody, START, TEAM_KEY } from "../support/relay.js";

/** A nurse who leads, a doctor who reads on this device, and somebody the relay has made up. */
async function scene() {
  const [nurse, doctor, stranger] = await Promise.all(["Nurse", "Doctor", "Dr Denis Durand"].map(somebody));
  const relay = await Relay.of(nurse, doctor);
  relay.chains.set(stranger.state.account, stranger.statements);
  await relay.grant(doctor);
  const member = await memberAt(relay, doctor);
  const keeper = new CircleKeeper(member, relay.circle);
  await keeper.refresh();
  return { nurse, doctor, stranger, relay, member, keeper, log: new NoteLog(member, keeper, { acknowledged: new Acknowledged(member.database) }) };
}

const seqs = ({ versions }) => [...versions.values()].flat().map((version) => version.seq).sort((one, other) => one - other);

test("an acknowledgement counts if it is by a reader of the circle, and not if the relay made up who signed it", async () => {
  const { doctor, stranger, relay, member, keeper } = await scene();
  const note = "0199612c-1c00-7000-8000-00000000002a";
  const signed = (by) => write(by.keys, { circle: relay.circle, note, version: 1, envelope: "d".repeat(64), kind: "acknowledged", account: by.state.account, at: START + 40 });
  const receipts = await Promise.all([doctor, stranger].map(signed));
  relay.answers["receipt.get"] = () => ({ receipts: receipts.map((receipt, index) => ({ number: index + 1, receipt })), last: 2 });
  const book = new ReceiptBook(member, keeper);
  await book.fetch(note);
  assert.deepEqual([...book.of({ note, version: 1, envelope: "d".repeat(64) }).keys()], [doctor.state.account]);
  assert.deepEqual(member.faults.map((fault) => fault.reason), ["not-a-member"]);
});

test("a receipt counts for the envelope this device has of that version, also when it comes back from the database", async () => {
  const { doctor, relay, member, keeper } = await scene();
  const note = "0199612c-1c00-7000-8000-00000000002c";
  const [here, elsewhere] = ["a", "b"].map((digit) => ({ note, version: 1, envelope: digit.repeat(64) }));
  const receipt = await write(doctor.keys, { circle: relay.circle, ...elsewhere, kind: "acknowledged", account: doctor.state.account, at: START + 40 });
  relay.answers["receipt.sync"] = () => ({ receipts: [{ number: 1, receipt }], last: 1 });
  const [book, again] = [new ReceiptBook(member, keeper), new ReceiptBook(member, keeper)];
  await book.sync();
  await again.load([]);
  for (const one of [book, again]) {
    assert.deepEqual([...one.of(elsewhere).keys()], [doctor.state.account]);
    assert.deepEqual([one.of(here).size, one.of({ ...here, envelope: null }).size], [0, 0]);
  }
});

test("who acknowledged another envelope than is shown has not acknowledged what is shown", async () => {
  const { nurse, doctor, relay, member, keeper, log } = await scene();
  await log.show();
  await relay.post(nurse, "un");
  await log.sync();
  const [[note, versions]] = log.versions;
  const said = (digest) => write(doctor.keys, { circle: relay.circle, note, version: 1, envelope: digest, kind: "acknowledged", account: doctor.state.account, at: START + 40 });
  const rowsFor = async (digest) => {
    const [receipt, receipts] = [await said(digest), new ReceiptBook(member, keeper)];
    relay.answers["receipt.get"] = () => ({ receipts: [{ number: 1, receipt }], last: 1 });
    await receipts.fetch(note);
    const shown = { me: nurse.state.account, joinedAt: START, now: START + 50, state: keeper.state, versions: log.versions, waiting: [], receipts, accounts: member.accounts, escrows: new Set() };
    const [view] = new TimelineViews().rows(shown);
    return [receiptRows(shown, { note, versions, author: nurse.state.account }).map((row) => row.acknowledged), view.seen.acknowledged];
  };
  assert.deepEqual(await rowsFor(versions[0].envelope.digest), [[START + 40], 1]);
  assert.deepEqual(await rowsFor("d".repeat(64)), [[null], 0]);
});

test("a grant that comes before the entry it was made with waits for that entry", async () => {
  const { nurse, doctor, relay, member, keeper } = await scene();
  const key = randomBytes(32);
  await relay.append(nurse, [await openOperation("team", 2, key)]);
  await relay.grant(doctor, { key, epoch: 2 });
  await keeper.refreshGrants();
  assert.deepEqual([keeper.keys.size, keeper.lockedSince, member.faults], [2, null, []]);
});

/** The relay answers two notes a page, as one does whose notes are long. */
const shorten = (relay) => {
  relay.answers["circle.page"] = ({ before }) => ({ notes: relay.notes.filter((note) => before === 0 || note.seq < before).slice(-2), last_seq: relay.notes.length, others: [] });
};

test("a page of long notes is short, and not the beginning", async () => {
  const { nurse, relay, log } = await scene();
  for (const text of ["un", "deux", "trois"]) await relay.post(nurse, text);
  shorten(relay);
  await log.show();
  await log.sync();
  assert.deepEqual([seqs(log), log.isComplete], [[2, 3], false]);
  await log.earlier();
  assert.deepEqual([seqs(log), log.isComplete], [[1, 2, 3], true]);
});

test("a relay that says there is nothing earlier is not believed by who may read everything", async () => {
  const { nurse, relay, log } = await scene();
  for (const text of ["un", "deux", "trois"]) await relay.post(nurse, text);
  shorten(relay);
  await log.show();
  await log.sync();
  relay.answers["circle.page"] = () => ({ notes: [], last_seq: 3, others: [] });
  await refuses("wrong-order", () => log.earlier());
  assert.equal(log.isComplete, false);
});

test("who comes back without the history goes on with the first note they may read; others are told of the gap", async () => {
  const { nurse, relay, keeper, log } = await scene();
  await relay.post(nurse, "un");
  await log.show();
  await log.sync();
  await relay.post(nurse, "pendant");
  await relay.post(nurse, "après");
  relay.notes[2].at = START + 100;
  relay.answers["circle.sync"] = ({ after }) => ({ notes: relay.notes.filter((note) => note.seq > Math.max(after, 2)), last_seq: 3, others: [] });
  await refuses("wrong-order", () => log.sync());
  keeper.self.history = START + 50;
  await log.sync();
  assert.deepEqual(seqs(log), [1, 3]);
});

/** The circle's profile under its key; from outside, to the inbox key, which is no secret. */
function profile(relay, by, { name, version = 1, isInside = true }) {
  const draft = {
    circle: relay.circle, note: "0199612c-1c00-7000-8000-00000000002b", version, replaces: version > 1 ? "0".repeat(64) : null, kind: "profile",
    account: by.state.account, at: START + 30, ledger_seq: relay.state.seq, ledger_head: relay.state.head, urgent: false, acknowledge: false, mentions: [],
  };
  const data = { name, sex: "F", born: "1950-01-01", place: "p" };
  const said = { type: "PROFILE", text: name, form: { schema: "relais/patient/1", data: new Map(Object.entries(data)) }, attachments: [], reply_to: null, broadcast: null };
  const { inboxKey } = relay.state.audiences.get("team").epochs.get(1);
  const to = [{ audience: "team", epoch: 1, ...(isInside ? { key: TEAM_KEY[1] } : { inboxKey }) }];
  return envelope.seal(by.keys, draft, said, { to, entropy: randomBytes(envelope.ENTROPY_SIZE) });
}

test("a profile is believed from a member; not from an account the relay made up, nor one older than was seen", async () => {
  const { nurse, stranger, relay, member, keeper } = await scene();
  const serve = async (sealed) => {
    relay.answers["circle.ledger"] = ({ from_seq: from }) => ({ entries: relay.entries.slice(from), profile: sealed, more: false });
    await keeper.refresh({ isForced: true });
    return keeper.profile?.text;
  };
  const [first, second] = [await profile(relay, nurse, { name: "Odette" }), await profile(relay, nurse, { name: "Odette M.", version: 2 })];
  assert.equal(await serve(first), "Odette");
  assert.equal(await serve(second), "Odette M.");
  assert.equal(await serve(await profile(relay, stranger, { name: "Eve", version: 3, isInside: false })), "Odette M.");
  assert.equal(await serve(first), "Odette M.");
  assert.deepEqual(member.faults.map((fault) => fault.reason), ["not-a-member", "rollback"]);
});
