import assert from "node:assert/strict";
import { test } from "node:test";
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { ProtocolError } from "../../src/core/errors.js";
import { AttachmentError } from "../../src/core/media-type.js";
import { Refusal, Unreachable } from "../../src/core/refusal.js";
import { beginningWith, Database } from "../../src/state/database.js";
import { acting, asFailure, declined } from "../../src/state/failure.js";
import { each, Lane, Soon } from "../../src/state/lane.js";
import { isSimilar, patientOf, profileOf } from "../../src/state/patient.js";
import { Signal } from "../../src/state/signal.js";

const PATIENT = { name: "Odette Marchand", sex: "F", born: "1938-04-12", place: "Auxerre" };

test("a signal tells each change once, and nobody who stopped watching", () => {
  const signal = new Signal(1);
  const told = [];
  const stop = signal.watch((value) => told.push(value));
  signal.value = 1;
  signal.value = 2;
  stop();
  signal.value = 3;
  assert.deepEqual([told, signal.value], [[2], 3]);
});

test("every error of an action is a failure with a code, and its reason where it has one", () => {
  const codes = [
    new Refusal("stale_epoch", { epoch: 3 }), new Refusal("forbidden", { reason: "not-allowed" }), new Unreachable(), new ProtocolError("fork"),
    new ProtocolError("bad-kit"), new ProtocolError("wrong-mac"), new AttachmentError("broken-image"), new DOMException("gone", "AbortError"),
    new DOMException("full", "QuotaExceededError"), new TypeError("a bug"), declined("too-many-files"),
  ].map((error) => [asFailure(error).code, asFailure(error).reason]);
  assert.deepEqual(codes, [
    ["stale_epoch", null], ["forbidden", "not-allowed"], ["offline", null], ["protocol", "fork"], ["refused-here", "bad-words"], ["refused-here", "join-mismatch"],
    ["refused-here", "broken-image"], ["aborted", null], ["refused-here", "storage-full"], ["internal", null], ["refused-here", "too-many-files"],
  ]);
});

test("an action settles with what it returns, and rejects with a failure", async () => {
  assert.equal(await acting(async () => 5), 5);
  await assert.rejects(acting(() => { throw new ProtocolError("rollback"); }), { name: "Failure", code: "protocol", reason: "rollback" });
});

test("a lane runs as many as it is wide, in order, and goes on after an error", async () => {
  let [running, most] = [0, 0];
  const done = [];
  const lane = new Lane(2);
  const tasks = [1, 2, 3, 4, 5].map((item) => lane.run(async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    done.push(item);
    if (item === 2) throw new Error("two");
    return item;
  }));
  const settled = await Promise.allSettled(tasks);
  assert.deepEqual([most, done, settled.map((one) => one.status)], [2, [1, 2, 3, 4, 5], ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]]);
  assert.deepEqual(await each([1, 2, 3], 2, async (item) => item * 2), [2, 4, 6]);
});

test("what is asked for several times while it runs runs once more, and an error is told", async () => {
  let runs = 0;
  /** @type {(() => void)[]} */ const finishing = [];
  const told = [];
  const soon = new Soon(async () => {
    runs += 1;
    await new Promise((resolve) => finishing.push(() => resolve()));
    if (runs === 2) throw new Error("second");
  }, (error) => told.push(error.message));
  soon.ask();
  await new Promise((resolve) => setImmediate(resolve));
  soon.ask();
  soon.ask();
  finishing.shift()();
  await new Promise((resolve) => setImmediate(resolve));
  finishing.shift()();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([runs, told], [2, ["second"]]);
});

test("a patient's four fields go into a profile and come out of it, and wrong ones do not go in", () => {
  assert.deepEqual(patientOf(profileOf(PATIENT)), PATIENT);
  assert.equal(patientOf(null), null);
  assert.equal(patientOf({ ...profileOf(PATIENT), form: { schema: "another", data: PATIENT } }), null);
  assert.equal(patientOf({ ...profileOf(PATIENT), form: { schema: "relais/patient/1", data: { ...PATIENT, sex: "X" } } }), null);
  for (const wrong of [{ name: " " }, { place: "" }, { sex: "X" }, { born: "1938-02-30" }, { born: "12/04/1938" }]) {
    assert.throws(() => profileOf({ ...PATIENT, ...wrong }), { code: "refused-here", reason: "bad-patient" });
  }
});

const alike = (name, born = PATIENT.born) => isSimilar(PATIENT, { ...PATIENT, name, born });

test("the same birth date and a word of the name make two patients alike", () => {
  assert.deepEqual([alike("MARCHAND Odette"), alike("Ódette-Marie Roux"), alike("Odette", "1939-04-12"), alike("Jean Roux")], [true, true, false, false]);
});

test("a transaction writes all or nothing", async () => {
  const database = await Database.open(new IDBFactory(), "test");
  await assert.rejects(() => database.write([{ store: "values", key: "a", put: 1 }, { store: "blobs", put: { noId: true } }]));
  assert.equal(await database.get("values", "a"), undefined);
  await database.write([{ store: "notes", put: { circle: "c", seq: 2 } }, { store: "notes", put: { circle: "c", seq: 10 } }, { store: "notes", put: { circle: "d", seq: 1 } }]);
  assert.deepEqual((await database.all("notes", beginningWith("c"))).map((row) => row.seq), [2, 10]);
  assert.deepEqual((await database.last("notes", beginningWith("c"), 1)).map((row) => row.seq), [10]);
  await Promise.all([1, 2, 3].map(() => database.update("values", "n", (before) => (before ?? 0) + 1)));
  assert.equal(await database.get("values", "n"), 3);
});

test("after it was erased a database keeps nothing until somebody comes in anew", async () => {
  const database = await Database.open(new IDBFactory(), "test");
  await database.write([{ store: "values", key: "a", put: 1 }]);
  await database.erase();
  await assert.rejects(() => database.write([{ store: "values", key: "a", put: 2 }]), { name: "AbortError" });
  database.renew();
  assert.equal(await database.get("values", "a"), undefined);
  await database.write([{ store: "values", key: "a", put: 3 }]);
  assert.equal(await database.get("values", "a"), 3);
});
