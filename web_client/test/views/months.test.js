import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeekend, monthAfter, monthOf, timeIn } from "../../src/views/months.js";

test("months follow each other over the turn of the year", () => {
  assert.equal(monthAfter("2026-12", 1), "2027-01");
  assert.equal(monthAfter("2026-01", -1), "2025-12");
  assert.equal(monthOf(new Date(2026, 2, 31, 23).getTime()), "2026-03");
});

test("Saturday and Sunday are a weekend", () => {
  assert.deepEqual([6, 7, 8, 9].map((day) => isWeekend("2026-03", day)), [false, true, true, false]);
});

test("an hour is that of the clock in the zone, in winter and in summer", () => {
  assert.equal(new Date(timeIn("Europe/Paris", "2026-01", 15, 8)).toISOString(), "2026-01-15T07:00:00.000Z");
  assert.equal(new Date(timeIn("Europe/Paris", "2026-07", 15, 8)).toISOString(), "2026-07-15T06:00:00.000Z");
  assert.equal(new Date(timeIn("UTC", "2026-07", 15, 8)).toISOString(), "2026-07-15T08:00:00.000Z");
});

test("on the days the clock is changed each hour is where it is read", () => {
  assert.equal(new Date(timeIn("Europe/Paris", "2026-03", 29, 1)).toISOString(), "2026-03-29T00:00:00.000Z");
  assert.equal(new Date(timeIn("Europe/Paris", "2026-03", 29, 3)).toISOString(), "2026-03-29T01:00:00.000Z");
  assert.equal(new Date(timeIn("Europe/Paris", "2026-10", 25, 4)).toISOString(), "2026-10-25T03:00:00.000Z");
});
