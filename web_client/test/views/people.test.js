import assert from "node:assert/strict";
import { test } from "node:test";
import { audienceWord, isSpecial } from "../../src/views/audience-words.js";
import { emptyDraft, replyIn, withoutReply } from "../../src/views/drafts.js";
import { suggestion } from "../../src/state/periods.js";

/** @param {number} hour of one day */
const at = (hour) => new Date(2026, 2, 3, hour).getTime();

test("what somebody types becomes a word that a ledger takes", () => {
  assert.equal(audienceWord("Équipe de nuit"), "equipe-de-nuit");
  assert.equal(audienceWord("2e étage"), "e-etage");
  assert.equal(audienceWord("Hospitalisation à domicile"), "hospitalisation-a-do");
  assert.equal(audienceWord("  !  "), "");
  for (const typed of ["Soins", "-a-", "Ärzte & Pflege"]) assert.match(audienceWord(typed), /^[a-z][a-z0-9-]{0,19}$/u);
});

test("what is for the team alone needs no label", () => {
  assert.equal(isSpecial(["team"]), false);
  assert.equal(isSpecial(["family"]), true);
  assert.equal(isSpecial(["care", "team"]), true);
});

test("an answer goes where the note went, and without it where notes go", () => {
  const note = /** @type {any} */ ({ note: "n", audiences: ["family"] });
  const answer = replyIn(emptyDraft(), note);
  assert.deepEqual([answer.replyTo, answer.audiences], ["n", ["family"]]);
  assert.deepEqual(withoutReply(answer), emptyDraft());
});

test("an evening ends at eight, late in the day at its end; weeks and months keep the hour", () => {
  assert.equal(suggestion("evening", at(9)), new Date(2026, 2, 3, 20).getTime());
  assert.equal(suggestion("evening", at(19) + 60_000), new Date(2026, 2, 3, 23, 59).getTime());
  assert.equal(suggestion("week", at(9)), new Date(2026, 2, 10, 20).getTime());
  assert.equal(suggestion("month", at(9)), new Date(2026, 3, 3, 20).getTime());
  assert.equal(suggestion("none", at(9)), null);
});
