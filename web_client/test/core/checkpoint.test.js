import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { encodeAuditEntry } from "../../src/core/audit-entry.js";
import { encodeCanonical } from "../../src/core/canonical-json.js";
import { policy } from "../../src/core/checkpoint.js";
import { parseSignedNote, parseVkey, verifySignedNote } from "../../src/core/signed-note.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/vectors/checkpoint.json", import.meta.url), "utf8"));
const log = await parseVkey(vectors.log);
const [w1, w2] = await Promise.all(vectors.witnesses.map(parseVkey));

test("a policy nobody can fulfil, or anybody, is a mistake of the operator", () => {
  assert.deepEqual(policy([log], { witnesses: [w1, w2], quorum: 2 }).quorum, 2);
  for (const [logs, cosigned] of [
    [[w1], {}],
    [[log], { witnesses: [log] }],
    [[], {}],
    [[log], { witnesses: [w1], quorum: 2 }],
    [[log], { witnesses: [w1], quorum: -1 }],
    [[log, log], {}],
    [[log], { witnesses: [w1, w1], quorum: 2 }],
    [[log], { witnesses: [{ ...w1, public: log.public }], quorum: 1 }],
  ]) {
    assert.throws(() => policy(logs, cosigned), RangeError);
  }
});

test("two keys with one name and id are refused, one key named twice is not", async () => {
  const note = parseSignedNote(Buffer.from(vectors.notes[0].note, "hex"));
  const key = await parseVkey(vectors.notes[0].vkey);
  assert.equal((await verifySignedNote(note, [key, { ...key }])).length, 1);
  const twin = { ...key, public: log.public };
  await assert.rejects(verifySignedNote(note, [key, twin]), { reason: "ambiguous-key" });
  await assert.rejects(verifySignedNote(note, [twin, key]), { reason: "ambiguous-key" });
});

test("a cosignature of a time no clock shows, or of another length, is false", async () => {
  const [, cosigned] = vectors.checkpoints.find(({ quorum }) => quorum === 1).note.split("— w1.example ");
  const value = Buffer.from(cosigned, "base64");
  const text = vectors.checkpoints.find(({ quorum }) => quorum === 1).note.split("\n\n")[0] + "\n";
  const sign = (changed) => ({ text, signatures: [{ name: w1.name, keyId: w1.keyId, value: new Uint8Array(changed) }] });
  assert.deepEqual((await verifySignedNote(sign(value.subarray(4)), [w1]))[0]?.at, 1_770_000_000);
  const far = Buffer.from(value.subarray(4));
  far.fill(255, 0, 8);
  for (const bad of [far, value.subarray(5), value.subarray(12), Buffer.alloc(0)]) {
    await assert.rejects(verifySignedNote(sign(bad), [w1]), { reason: "bad-signature" });
  }
});

test("what has no exact spelling is refused, by an entry as a bad field", () => {
  for (const value of [0.5, Number.NaN, 2 ** 53, "\ud800", { "\ud800": 1 }, undefined, 1n, () => 1]) {
    assert.throws(() => encodeCanonical([value]), { reason: "not-representable" });
  }
  const names = ["account", "device", "role", "organisation", "purpose", "on_behalf_of", "circle", "source", "reason"];
  const entry = { ...Object.fromEntries(names.map((name) => [name, null])), request: "\ud800" };
  const rest = { v: 1, id: "0195f3a0-7c00-7abc-8def-0123456789ab", at: "2026-03-01T07:30:00.000Z" };
  const whole = { ...entry, ...rest, action: "note.post", outcome: "ok", subject: {} };
  assert.equal(encodeAuditEntry({ ...whole, request: "r" }).length, 284);
  assert.throws(() => encodeAuditEntry(whole), { reason: "bad-field" });
  assert.throws(() => encodeAuditEntry({ ...whole, request: "x".repeat(65_535) }), { reason: "entry-too-large" });
});
