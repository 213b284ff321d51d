import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock, SKEW } from "../../src/core/clock.js";

const NOW = 1_790_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A device: its clock on the wall, which somebody can set, and the steady one, which nobody can. */
function device() {
  const its = { wall: NOW, steady: 5 };
  const passes = (span) => Object.assign(its, { wall: its.wall + span, steady: its.steady + span });
  const clock = () => new Clock(() => its.wall, () => its.steady);
  return { its, passes, clock };
}

const heard = (clock, at) => {
  clock.heard(at);
  return clock.fault;
};

test("a server that is about right is followed", () => {
  for (const off of [-MINUTE, 0, 9 * MINUTE]) {
    const { passes, clock } = device();
    const its = clock();
    assert.equal(heard(its, NOW + off), null);
    passes(HOUR);
    assert.equal(heard(its, NOW + HOUR + off - MINUTE), null);
    assert.ok(its.now() >= NOW + HOUR + off - MINUTE);
  }
});

test("a device whose own clock is wrong goes by the server's and is told", () => {
  for (const off of [-400 * DAY, -3 * HOUR, 3 * HOUR, 400 * DAY]) {
    const { its, passes, clock } = device();
    const made = clock();
    its.wall = NOW + off;
    assert.deepEqual([heard(made, NOW), made.now()], ["clock", NOW]);
    passes(HOUR);
    assert.deepEqual([heard(made, NOW + HOUR), made.now()], ["clock", NOW + HOUR]);
  }
});

test("a server that goes back is not followed", () => {
  const { passes, clock } = device();
  const made = clock();
  made.heard(NOW);
  passes(HOUR);
  assert.deepEqual([heard(made, NOW), made.now()], ["server-clock", NOW + HOUR]);
  assert.equal(heard(made, NOW + HOUR - MINUTE), null, "so little is nothing");
});

test("a server that leaps ahead is not followed, and is when it comes back", () => {
  const { passes, clock } = device();
  const made = clock();
  made.heard(NOW);
  passes(MINUTE);
  assert.deepEqual([heard(made, NOW + DAY), made.now()], ["server-clock", NOW + MINUTE]);
  passes(MINUTE);
  assert.deepEqual([heard(made, NOW + 2 * MINUTE), made.now()], [null, NOW + 2 * MINUTE]);
});

test("a device that slept, or whose clock was set, accuses nobody", () => {
  const { its, passes, clock } = device();
  const made = clock();
  made.heard(NOW);
  its.wall += 8 * HOUR; // asleep: the steady clock stood still
  assert.equal(heard(made, NOW + 8 * HOUR), null);
  its.wall -= 3 * HOUR;
  passes(MINUTE);
  assert.deepEqual([heard(made, NOW + 8 * HOUR + MINUTE), made.now()], ["clock", NOW + 8 * HOUR + MINUTE]);
});

test("a later run does not go back either", () => {
  const { passes, clock } = device();
  const first = clock();
  first.heard(NOW);
  const { floor } = first;
  passes(DAY);
  const later = clock();
  later.reached(floor);
  assert.deepEqual([heard(later, NOW - HOUR), later.now()], ["server-clock", floor]);
  assert.equal(heard(later, NOW + DAY), null);
});

test("a server's leap does not hold for good", () => {
  const { passes, clock } = device();
  const made = clock();
  assert.equal(heard(made, NOW + 365 * DAY), "clock", "nobody can tell whose it is when this run begins");
  assert.ok(made.floor <= NOW + SKEW);
  passes(HOUR);
  assert.deepEqual([heard(made, NOW + HOUR), made.now()], [null, NOW + HOUR]);
});
