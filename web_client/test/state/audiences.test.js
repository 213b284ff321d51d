import assert from "node:assert/strict";
import { test } from "node:test";
import { addressed, audiencesFor, audienceViews, readersOf } from "../../src/state/audiences.js";
import { nextEnd } from "../../src/state/help.js";
import { memberRows } from "../../src/state/timeline-view.js";

const NOW = 1_000;
/** @param {object} more */
const period = (more) => ({ since: 1, until: null, removedAt: null, role: "professional", audiences: ["team"], seq: 1, endedSeq: null, ...more });
/** @param {string} account @param {object[]} periods */
const member = (account, ...periods) => [account, { account, accountHead: "", addedBy: "nurse", history: 0, periods }];
const state = {
  circle: "c", seq: 9, head: "h", at: 1, closed: false, heads: [],
  audiences: new Map(["care", "team"].map((name) => [name, { name, epoch: 1, epochs: new Map() }])),
  members: new Map([
    member("nurse", period({ role: "lead", audiences: ["team", "care"] })),
    member("doctor", period({ until: NOW + 500 })),
    member("substitute", period({ until: 500, endedSeq: 3, removedAt: 900 }), period({ since: 950, until: NOW + 200, seq: 5 })),
    member("gone", period({ removedAt: 800, endedSeq: 4 })),
    member("changed", period({ removedAt: 700, endedSeq: 6 }), period({ since: 700, seq: 6, audiences: ["team", "care"] })),
  ]),
};
const accounts = { known: new Map([["nurse", { profile: { name: "Nadia", profession: "Infirmière", organisation: "" } }]]) };
const scene = /** @type {any} */ ({ state, accounts, me: "nurse", now: NOW, escrows: new Set() });

/** @param {string[]} names */
const sealed = (...names) => /** @type {any} */ ({ header: { keys: names.map((audience) => ({ audience })) } });

test("the team comes first, with everybody who reads it now", () => {
  const [team, care] = audienceViews(scene);
  assert.deepEqual([team?.name, care?.name], ["team", "care"]);
  assert.deepEqual(team?.people.map((person) => person.account), ["nurse", "doctor", "substitute", "changed"]);
  assert.deepEqual([care?.mine, care?.people.map((person) => person.account)], [true, ["nurse", "changed"]]);
  assert.deepEqual(readersOf(scene, ["care", "unknown"]), ["nurse", "changed"]);
});

test("an escrow is nobody who has to read a note, though it has the team's key", () => {
  const guarded = { ...scene, escrows: new Set(["doctor"]) };
  assert.deepEqual(readersOf(guarded, ["team"]), ["nurse", "substitute", "changed"]);
  assert.ok(audienceViews(guarded)[0]?.people.some((person) => person.account === "doctor"));
});

test("a note goes to the team unless something was chosen, and never elsewhere than was chosen", () => {
  assert.deepEqual(audiencesFor(["team", "care"], null), ["team"]);
  assert.deepEqual(audiencesFor(["family"], null), ["family"]);
  assert.deepEqual(audiencesFor(["team", "care"], ["care", "family"]), ["care"]);
  assert.deepEqual(audiencesFor(["team"], ["family"]), []);
});

test("a later version goes to whom the note went, or nowhere", () => {
  assert.deepEqual(addressed(scene, ["team"], sealed("care")), ["care"]);
  assert.deepEqual(addressed({ ...scene, me: "doctor" }, null, null), ["team"]);
  assert.throws(() => addressed({ ...scene, me: "doctor" }, null, sealed("care", "team")), { reason: "audience-left" });
  assert.throws(() => addressed({ ...scene, me: "doctor" }, ["care"], null), { reason: "audience-left" });
});

test("a stay goes on through changes, ends at its hour, and those before it are told", () => {
  const rows = new Map(memberRows(scene, new Map()).map((row) => [row.account, row]));
  const { active, since, earlier } = /** @type {any} */ (rows.get("substitute"));
  assert.deepEqual([active, since, earlier], [true, 950, [{ since: 1, until: 500 }]]);
  assert.deepEqual([rows.get("changed")?.since, rows.get("changed")?.earlier], [1, []]);
  assert.deepEqual([rows.get("gone")?.active, rows.get("gone")?.endedAt], [false, 800]);
});

test("the next end that lies ahead is waited for, and no other", () => {
  assert.equal(nextEnd(state, NOW), 200);
  assert.equal(nextEnd(state, NOW + 200), 300);
  assert.equal(nextEnd(state, NOW + 500), null);
  assert.equal(nextEnd(null, NOW), null);
});
