import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "../../src/views/differences.js";

const side = (/** @type {"added" | "removed"} */ kind, /** @type {ReturnType<typeof differences>} */ pieces) => pieces.filter((piece) => piece.kind !== kind).map((piece) => piece.text).join("");

test("a changed dose is what differs, and nothing else", () => {
  assert.deepEqual(differences("1 comprimé le soir", "2 comprimé le soir"), [
    { kind: "removed", text: "1" }, { kind: "added", text: "2" }, { kind: "same", text: " comprimé le soir" },
  ]);
});

test("the same text has no differences", () => {
  assert.deepEqual(differences("Rien à signaler.", "Rien à signaler."), [{ kind: "same", text: "Rien à signaler." }]);
  assert.deepEqual(differences("", ""), []);
});

test("both texts can be read back from the differences", () => {
  const [before, after] = ["INR 2,4 lundi ; Previscan 3/4.", "INR 5,2 mardi ; arrêt du Previscan.\nRappel à 17 h."];
  const pieces = differences(before, after);
  assert.equal(side("added", pieces), before);
  assert.equal(side("removed", pieces), after);
});

test("very long texts are shown whole, one after the other", () => {
  const long = "mot ".repeat(2_000);
  assert.deepEqual(differences(long, "court").map(({ kind }) => kind), ["removed", "added"]);
});
