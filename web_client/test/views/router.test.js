import assert from "node:assert/strict";
import { test } from "node:test";
import { cardOf } from "../../src/views/emergency-link.js";
import { href, routeOf } from "../../src/views/router.js";

const CIRCLE = "ab".repeat(32);
const at = (/** @type {string} */ url) => routeOf(new URL(url, "https://relais.example"));

test("each address of the application leads to its page", () => {
  assert.equal(at(href.home).name, "circles");
  assert.deepEqual(at(href.members(CIRCLE)), { name: "members", id: CIRCLE, person: "", secret: "" });
  assert.deepEqual(at(href.person(CIRCLE, "cd".repeat(32))), { name: "person", id: CIRCLE, person: "cd".repeat(32), secret: "" });
  assert.deepEqual([href.lock, href.kit, href.checkKit, href.replaceKit].map((to) => at(to).name), ["lock", "kit", "check-kit", "replace-kit"]);
  assert.equal(at(href.broadcast("01930000-0000-7000-8000-000000000321")).name, "broadcast");
});

test("an invitation and a code arrive with their secret", () => {
  assert.deepEqual(at("/enrol#TOKEN_1-2"), { name: "enrol", id: "", person: "", secret: "TOKEN_1-2" });
  assert.deepEqual(at("/join#7KQD"), { name: "join", id: "", person: "", secret: "7KQD" });
  assert.equal(at("/enrol#/circle/x").name, "unknown");
});

test("what is no circle's id leads nowhere", () => {
  assert.equal(at(`/#/circle/${CIRCLE}0`).name, "unknown");
  assert.equal(at("/#/circle/../audit").name, "unknown");
});

test("a circle's address never reaches a server: it stands behind the #", () => {
  for (const url of [href.circle(CIRCLE), href.accesses(CIRCLE)]) assert.equal(new URL(url, "https://relais.example").pathname, "/");
});

test("an emergency card leads to the circle's guardians, and names its escrow", () => {
  const escrow = "ef".repeat(32);
  assert.deepEqual(at(href.emergency(CIRCLE, escrow)), { name: "emergency", id: CIRCLE, person: escrow, secret: "" });
  assert.deepEqual(at(href.emergency(CIRCLE)), { name: "emergency", id: CIRCLE, person: "", secret: "" });
  assert.deepEqual([href.emergencies, href.emergencyCard(CIRCLE), href.newEscrow].map((to) => at(to).name), ["emergencies", "emergency-card", "new-escrow"]);
});

test("what a card's code says is read, and nothing of another service's", () => {
  const [origin, escrow] = ["https://relais.example", "ef".repeat(32)];
  assert.deepEqual(cardOf(` ${origin}${href.emergency(CIRCLE, escrow)}\n`, origin), { circle: CIRCLE, pinned: escrow });
  assert.deepEqual(cardOf(origin + href.emergency(CIRCLE), origin), { circle: CIRCLE, pinned: null });
  assert.deepEqual(cardOf(CIRCLE, origin), { circle: CIRCLE, pinned: null });
  for (const text of ["", "card", `https://elsewhere.example${href.emergency(CIRCLE)}`, `${origin}/enrol${href.emergency(CIRCLE).slice(1)}`, origin + href.circle(CIRCLE)]) {
    assert.equal(cardOf(text, origin), null, text);
  }
});
