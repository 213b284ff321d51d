import assert from "node:assert/strict";
import { test } from "node:test";
import { CODES, Refusal } from "../../src/core/refusal.js";

test("what was not judged passes and what was does not", () => {
  const passing = CODES.filter((code) => new Refusal(code).passes);
  assert.deepEqual(new Set(passing), new Set(["unavailable", "rate_limited", "unauthenticated", "internal"]));
});
