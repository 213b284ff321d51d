import assert from "node:assert/strict";
import { test } from "node:test";
import * as account from "../../src/core/account.js";
import { randomBytes } from "../../src/core/bytes.js";
import { digest } from "../../src/core/cose.js";
import { Unreachable } from "../../src/core/refusal.js";
import { Acknowledged } from "../../src/state/acknowledged.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { NoteLog } from "../../src/state/note-log.js";
import { refuses } from "../support/vectors.js";
import { memberAt, Relay, somebody, START, TEAM_KEY } from "../support/relay.js";

/** A nurse who leads, a doctor who reads on this device, and somebody who has no business here. */
async function scene() {
  const [nurse, doctor, stranger] = await Promise.all(["Nurse", "Doctor", "Stranger"].map(somebody));
  const relay = await Relay.of(nurse, doctor);
  relay.chains.set(stranger.state.account, stranger.statements);
  await relay.grant(doctor);
  const member = await memberAt(relay, doctor);
  const keeper = new CircleKeeper(member, relay.circle);
  const arrived = [];
  const acknowledged = new Acknowledged(member.database);
  const log = new NoteLog(member, keeper, { acknowledged, onArrived: (versions) => arrived.push(...versions) });
  return { nurse, doctor, stranger, relay, member, keeper, log, arrived };
}

const shown = ({ versions }) => [...versions.values()].flat().map((version) => [version.seq, version.content?.text ?? null, version.damaged]);

const alarmsOf = (member) => member.alarms.list.value.map((alarm) => alarm.kind);

test("an honest relay's circle is known, opened, and kept for the next start", async () => {
  const { nurse, relay, member, keeper, log, arrived } = await scene();
  await keeper.refresh();
  assert.deepEqual([keeper.known.seq, keeper.keys.size, keeper.alarm, keeper.lockedSince], [1, 1, null, null]);
  await relay.post(nurse, "un");
  await log.show();
  await log.sync();
  assert.deepEqual(shown(log), [[1, "un", null]]);
  assert.deepEqual(arrived.map((version) => version.seq), [1]);
  const again = new CircleKeeper(member, relay.circle);
  await again.load();
  assert.deepEqual([again.known.head, again.keys.size], [relay.state.head, 1]);
  assert.deepEqual([alarmsOf(member), member.faults], [[], []]);
});

test("a ledger that is shorter than before is a rollback, and nothing is written to that circle any more", async () => {
  const { relay, member, keeper } = await scene();
  await keeper.refresh();
  relay.entries.pop();
  await refuses("rollback", () => keeper.refresh({ isForced: true }));
  assert.deepEqual([keeper.alarm, alarmsOf(member)], ["rollback", ["rollback"]]);
  await refuses("rollback", async () => keeper.requireSound());
  const again = new CircleKeeper(member, relay.circle);
  await again.load();
  assert.equal(again.alarm, "rollback", "the alarm outlives a reload");
  assert.deepEqual(await relay.told(1), [{ kind: "rollback", circle: relay.circle, seq: 1 }]);
});

test("another entry in the place of one that was seen is a fork", async () => {
  const { nurse, relay, member, keeper } = await scene();
  await keeper.refresh();
  const [first] = relay.entries;
  relay.entries = [first];
  relay.state = undefined;
  const other = await Relay.of(nurse);
  relay.entries.push(other.entries[0]);
  const { circle } = keeper;
  await refuses("fork", () => keeper.refresh({ isForced: true }));
  assert.deepEqual([keeper.alarm, alarmsOf(member)], ["fork", ["fork"]]);
  assert.deepEqual(await relay.told(1), [{ kind: "fork", circle, of: await digest(other.entries[0]), seq: 1 }]);
});

test("an entry that breaks the rules is refused, and the ledger stays where it was", async () => {
  const { stranger, relay, member, keeper } = await scene();
  await keeper.refresh();
  const entry = await import("../../src/core/ledger.js").then(({ writeEntry }) => writeEntry(keeper.known, stranger.keys, {
    account: stranger.state.account, accountHead: stranger.state.head, at: START + 40, operations: [{ op: "close" }],
  }));
  relay.entries.push(entry);
  await refuses("not-a-member", () => keeper.refresh({ isForced: true }));
  assert.deepEqual([keeper.known.seq, alarmsOf(member)], [1, ["refused"]]);
  assert.deepEqual(await relay.told(1), [{ kind: "not-a-member", circle: relay.circle }]);
});

test("an entry dated ahead is refused, and one a moment ahead is not", async () => {
  const { nurse, relay, member, keeper } = await scene();
  await keeper.refresh();
  const { writeEntry } = await import("../../src/core/ledger.js");
  const renamed = { op: "member.change", account: nurse.state.account, role: "lead", audiences: ["team"], until: null };
  const dated = (at) => writeEntry(keeper.known, nurse.keys, { account: nurse.state.account, accountHead: nurse.state.head, at, operations: [renamed] });
  relay.entries.push(await dated(member.clock.now() + 3_600_000));
  await refuses("time-ahead", () => keeper.refresh({ isForced: true }));
  assert.deepEqual([keeper.known.seq, alarmsOf(member)], [1, ["refused"]]);
  assert.deepEqual(await relay.told(1), [{ kind: "time-ahead", circle: relay.circle }]);
  relay.entries.splice(-1, 1, await dated(member.clock.now() + 60_000));
  await keeper.refresh({ isForced: true });
  assert.equal(keeper.known.seq, 2);
});

test("a note that names another ledger's head raises the alarm that the relay shows two", async () => {
  const { nurse, relay, member, keeper, log } = await scene();
  await log.show();
  await relay.post(nurse, "un");
  await relay.post(nurse, "deux", { ledger_head: "ab".repeat(32) });
  await log.sync();
  assert.deepEqual(shown(log), [[1, "un", null], [2, null, "fork"]]);
  assert.deepEqual([keeper.alarm, alarmsOf(member)], ["fork", ["fork"]]);
});

test("a note whose author knew more of the ledger than the relay shows raises the alarm", async () => {
  const { nurse, relay, member, keeper, log } = await scene();
  await log.show();
  await relay.post(nurse, "un", { ledger_seq: 7 });
  await log.sync();
  assert.deepEqual([shown(log), keeper.alarm, alarmsOf(member)], [[[1, null, "rollback"]], "rollback", ["rollback"]]);
  assert.deepEqual(await relay.told(1), [{ kind: "rollback", circle: relay.circle, of: relay.state.head, seq: 7 }]);
});

test("a note that arrives ahead of others fetches them, and all are shown in order", async () => {
  const { nurse, relay, log } = await scene();
  await relay.post(nurse, "un");
  await log.show();
  await log.sync();
  await relay.post(nurse, "deux");
  await log.hear(await relay.post(nurse, "trois"));
  assert.deepEqual(shown(log).map(([seq, text]) => [seq, text]), [[1, "un"], [2, "deux"], [3, "trois"]]);
});

test("an event told twice is one note", async () => {
  const { nurse, relay, log, arrived } = await scene();
  await relay.post(nurse, "un");
  await log.show();
  await log.sync();
  const second = await relay.post(nurse, "deux");
  await log.hear(second);
  await log.hear(second);
  assert.deepEqual(arrived.map((version) => version.seq), [1, 2]);
});

test("a page with a gap is refused as a whole", async () => {
  const { nurse, relay, log } = await scene();
  for (const text of ["un", "deux", "trois"]) await relay.post(nurse, text);
  relay.notes.splice(1, 1);
  await log.show();
  await refuses("wrong-order", () => log.sync());
  assert.deepEqual(shown(log), []);
  assert.deepEqual(await relay.told(1), [{ kind: "wrong-order", circle: relay.circle }]);
});

test("a changed byte, another circle's note and an outsider's are shown as refused, and the others are read", async () => {
  const { nurse, stranger, relay, member, log } = await scene();
  await relay.post(nurse, "un");
  const changed = await relay.post(nurse, "deux");
  changed.envelope[changed.envelope.length - 1] ^= 1;
  const other = await Relay.of(nurse);
  relay.notes.push({ seq: 3, at: START, envelope: await other.sealed(nurse, "ailleurs") });
  await relay.post(stranger, "intrus");
  relay.notes.push({ seq: 5, at: START, envelope: randomBytes(300) });
  await relay.post(nurse, "six");
  await log.show();
  await log.sync();
  assert.deepEqual(shown(log), [
    [1, "un", null], [2, null, "bad-signature"], [3, null, "wrong-circle"], [4, null, "not-a-member"], [5, null, "non-canonical"], [6, "six", null]]);
  assert.deepEqual(alarmsOf(member), ["forged-note"]);
  const told = await relay.told(4);
  assert.deepEqual(told.map(({ kind, circle, seq }) => [kind, circle, seq]), [2, 3, 4, 5].map((seq) => ["forged-note", relay.circle, seq]));
  assert.equal(told[0].of, await digest(changed.envelope));
});

test("a correction by somebody else, and a version of a note nobody has, are refused", async () => {
  const { nurse, doctor, relay, log } = await scene();
  const { peek } = await import("../../src/core/envelope.js");
  const first = await peek((await relay.post(nurse, "un")).envelope);
  const version = { note: first.header.note, version: 2, replaces: first.digest, kind: "correction" };
  await relay.post(doctor, "faux", version);
  await relay.post(nurse, "vrai", version);
  await relay.post(nurse, "rien avant", { ...version, note: "0199612c-1c00-7000-8000-00000000002a" });
  await log.show();
  await log.sync();
  const newest = log.versions.get(first.header.note).at(-1);
  assert.deepEqual([newest.version, newest.content.text], [2, "vrai"], "what was refused hides nothing");
  assert.deepEqual(shown(log).map(([seq, , damaged]) => [seq, damaged]).sort(), [[1, null], [3, null], [4, "wrong-version"]]);
});

test("a grant by an outsider and one of a wrong key are reported and change nothing; a good one opens what was locked", async () => {
  const { nurse, doctor, stranger, relay, member, keeper, log } = await scene();
  relay.grants = [];
  await relay.grant(doctor, { by: stranger });
  await relay.grant(doctor, { key: randomBytes(32) });
  await relay.post(nurse, "fermé");
  await log.show();
  await log.sync();
  await keeper.refresh({ isForced: true });
  assert.deepEqual([keeper.keys.size, keeper.lockedSince], [0, START + 1_000]);
  assert.deepEqual(member.faults.map((fault) => fault.reason), ["not-entitled", "wrong-key"]);
  assert.deepEqual([...relay.unopenable], [relay.grants[1]], "the server hears of what it cannot see, and of nothing else");
  assert.deepEqual(await relay.told(1), [{ kind: "not-entitled", circle: relay.circle, of: await digest(relay.grants[0]) }], "and of what it should not have told");
  assert.deepEqual([...log.versions.values()].flat().map((version) => version.isLocked), [true]);
  await relay.grant(doctor);
  const opened = new Promise((resolve) => log.watch(() => resolve(undefined)));
  await keeper.refreshGrants();
  await opened;
  assert.deepEqual([shown(log), keeper.lockedSince], [[[1, "fermé", null]], null]);
});

test("a wrong key is told to the server by its grant's hash, once, and whose doing it is to the reader", async () => {
  const { doctor, relay, member, keeper } = await scene();
  relay.grants = [];
  await relay.grant(doctor, { key: randomBytes(32) });
  await relay.grant(doctor);
  await keeper.refresh();
  assert.deepEqual([...relay.unopenable], [relay.grants[0]]);
  assert.deepEqual([keeper.keys.size, keeper.lockedSince], [1, null], "the good one beside it was opened");
  const shownNow = member.alarms.list.value.map(({ kind, circle, person }) => [kind, circle, person]);
  assert.deepEqual(shownNow, [["wrong-key", relay.circle, "Nurse"]]);
  const again = new CircleKeeper(member, relay.circle);
  await again.refresh({ isForced: true });
  assert.equal(relay.calls.filter((event) => event === "circle.unopenable").length, 1);
});

test("a wrong key of a single version is named to the server and asked for again, and the true one beside it opens", async () => {
  const { nurse, doctor, relay, member, keeper, log } = await scene();
  const { contentKeyOf, peek } = await import("../../src/core/envelope.js");
  const mallory = await somebody("Mallory");
  relay.chains.set(mallory.state.account, mallory.statements);
  await relay.append(nurse, [{ op: "member.add", account: mallory.state.account, account_head: mallory.state.head, role: "professional", audiences: ["team"], since: START + 10, until: null, history: 0 }]);
  relay.grants = [];
  const sealed = [await peek((await relay.post(nurse, "un")).envelope), await peek((await relay.post(nurse, "deux")).envelope)];
  const names = sealed.map(({ header: { note, version } }) => ({ note, version }));
  const [, second] = await Promise.all(sealed.map((one) => contentKeyOf(one, new Map([TEAM_KEY]))));
  await relay.grant(doctor, { by: mallory, notes: [{ ...names[0], key: randomBytes(32) }, { ...names[1], key: second }] });
  await log.show();
  await log.sync();
  assert.deepEqual([...log.versions.values()].flat().map((version) => [version.content?.text ?? null, version.isLocked]), [[null, true], ["deux", false]]);
  assert.deepEqual([...relay.unopenable], [relay.grants[0]]);
  assert.deepEqual(member.alarms.list.value.map(({ kind, circle, person }) => [kind, circle, person]), [["wrong-key", relay.circle, "Mallory"]]);
  const [first] = await Promise.all(sealed.map((one) => contentKeyOf(one, new Map([TEAM_KEY]))));
  await relay.grant(doctor, { notes: [{ ...names[0], key: first }] });
  const opened = new Promise((resolve) => log.watch(() => resolve(undefined)));
  await keeper.refreshGrants();
  await opened;
  assert.deepEqual(shown(log), [[1, "un", null], [2, "deux", null]]);
  const again = new CircleKeeper(member, relay.circle);
  await again.load();
  assert.equal(again.keys.size, 2, "what opens is kept, and nothing else");
  assert.equal(relay.calls.filter((event) => event === "circle.unopenable").length, 1);
});

test("where a wrong and a true key of one version were granted, the true one is found", async () => {
  const { nurse, doctor, relay, keeper, log } = await scene();
  const { contentKeyOf, peek } = await import("../../src/core/envelope.js");
  relay.grants = [];
  const sealed = await peek((await relay.post(nurse, "un")).envelope);
  const { note, version } = sealed.header;
  await relay.grant(doctor, { notes: [{ note, version, key: randomBytes(32) }] });
  await relay.grant(doctor, { notes: [{ note, version, key: await contentKeyOf(sealed, new Map([TEAM_KEY])) }] });
  await log.show();
  await log.sync();
  assert.deepEqual(shown(log), [[1, "un", null]]);
  assert.deepEqual([...relay.unopenable], [relay.grants[0]]);
  assert.equal(keeper.keys.size, 1);
});

test("without a connection a wrong key of a single version stays, and is named once there is one", async () => {
  const { nurse, doctor, relay, keeper, log, member } = await scene();
  const { peek } = await import("../../src/core/envelope.js");
  relay.grants = [];
  const { header: { note, version } } = await peek((await relay.post(nurse, "un")).envelope);
  await relay.grant(doctor, { notes: [{ note, version, key: randomBytes(32) }] });
  const report = relay.answers["circle.unopenable"];
  relay.answers["circle.unopenable"] = () => Promise.reject(new Unreachable());
  await log.show();
  await log.sync();
  assert.deepEqual([[...relay.unopenable], keeper.keys.size], [[], 1]);
  relay.answers["circle.unopenable"] = report;
  log.hide();
  await log.show();
  assert.deepEqual([[...relay.unopenable], keeper.keys.size], [[relay.grants[0]], 0]);
  assert.deepEqual(alarmsOf(member), ["wrong-key"]);
});

test("what is not told to the server is asked for again: no report is lost with the connection", async () => {
  const { doctor, relay, member, keeper } = await scene();
  relay.grants = [];
  await relay.grant(doctor, { key: randomBytes(32) });
  const report = relay.answers["circle.unopenable"];
  relay.answers["circle.unopenable"] = () => Promise.reject(new Unreachable());
  await assert.rejects(keeper.refresh(), Unreachable);
  assert.equal(relay.unopenable.size, 0);
  relay.answers["circle.unopenable"] = report;
  await keeper.refresh();
  assert.equal(relay.unopenable.size, 1);
  await relay.grant(doctor);
  await keeper.refreshGrants();
  assert.deepEqual([keeper.keys.size, keeper.lockedSince, alarmsOf(member)], [1, null, ["wrong-key"]]);
});

test("an account's chain that forks, shrinks or gains a device nobody signed in is refused", async () => {
  const { nurse, stranger, relay, member } = await scene();
  const { account: id } = nurse.state;
  const fetch = () => member.accounts.get([id], { isFresh: true });
  const renamed = await account.changeProfile(nurse.state, nurse.keys, { profile: { name: "Nurse B.", profession: "", organisation: "" }, at: START + 50 });
  relay.chains.set(id, [...nurse.statements, renamed]);
  assert.equal((await fetch()).get(id).profile.name, "Nurse B.");
  relay.chains.set(id, [...nurse.statements]);
  await refuses("rollback", fetch);
  const other = await account.changeProfile(nurse.state, nurse.keys, { profile: { name: "Eve", profession: "", organisation: "" }, at: START + 50 });
  relay.chains.set(id, [...nurse.statements, other]);
  await refuses("fork", fetch);
  const known = member.accounts.require(id);
  const forged = await account.changeProfile(known, stranger.keys, { profile: { name: "Eve", profession: "", organisation: "" }, at: START + 60 });
  relay.chains.set(id, [...nurse.statements, renamed, forged]);
  await refuses("not-a-device", fetch);
  const changed = new Uint8Array(await account.changeProfile(known, nurse.keys, { profile: { name: "Nurse C.", profession: "", organisation: "" }, at: START + 60 }));
  changed[changed.length - 1] ^= 1;
  relay.chains.set(id, [...nurse.statements, renamed, changed]);
  await refuses("bad-signature", fetch);
  relay.chains.set(id, stranger.statements);
  await refuses("rollback", fetch);
  assert.equal(member.accounts.nameOf(id), "Nurse B.");
  assert.deepEqual(alarmsOf(member), ["account"]);
  assert.deepEqual(member.alarms.list.value.map(({ person }) => person), ["Nurse B."]);
  assert.deepEqual(await relay.told(4), [
    { kind: "rollback", account: id, seq: 0 },
    { kind: "fork", account: id, of: await digest(other), seq: 1 },
    { kind: "not-a-device", account: id },
    { kind: "bad-signature", account: id },
  ]);
});

test("a relay that gives another account's chain for the one asked for is refused", async () => {
  const { nurse, stranger, relay, member } = await scene();
  relay.chains.set(nurse.state.account, stranger.statements);
  await refuses("wrong-account", () => member.accounts.get([nurse.state.account]));
});

test("notes read offline are those of the last thirty days", async () => {
  const { nurse, relay, member, keeper, log } = await scene();
  for (const text of ["vieux", "récent"]) await relay.post(nurse, text);
  relay.notes[0].at = START - 31 * 24 * 3_600_000;
  await log.sync();
  await log.prune();
  relay.call = () => Promise.reject(new Error("no network"));
  const offline = new NoteLog(member, keeper, { acknowledged: new Acknowledged(member.database) });
  await offline.show();
  assert.deepEqual(shown(offline).map(([seq, text]) => [seq, text]), [[2, "récent"]]);
});

test("an epoch key is on the disk only under the device's key", async () => {
  const { relay, member, keeper } = await scene();
  await keeper.refresh();
  const [key] = keeper.keys.values();
  const rows = await member.database.all("epochs");
  assert.equal(rows.length, 1);
  assert.ok(!Buffer.from(rows[0].kept.data).includes(Buffer.from(key)));
  await refuses("cannot-open", () => member.keyStore.unprotect(rows[0].kept, "something else"));
  assert.deepEqual(await member.keyStore.epochKeys(relay.circle), new Map(keeper.keys));
});
