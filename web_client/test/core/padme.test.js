import assert from "node:assert/strict";
import { test } from "node:test";

import { padme } from "../../src/core/padme.js";

test("padding never shortens, costs at most 12 %, and pads no padded length again", () => {
  for (let length = 0, step = 1; length < 2 ** 52; length += step, step = Math.ceil(length / 50)) {
    const padded = padme(length);
    assert.ok(padded >= length && padded <= length * 1.12 + 1, `padme(${length}) = ${padded}`);
    assert.equal(padme(padded), padded);
  }
});

test("a length that is no length is a mistake of the caller", () => {
  for (const length of [-1, 0.5, NaN, Infinity, 2 ** 53]) assert.throws(() => padme(length), RangeError);
});
