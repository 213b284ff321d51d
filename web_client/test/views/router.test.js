import assert from "node:assert/strict";
import { test } from "node:test";
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
