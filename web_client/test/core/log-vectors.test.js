// The shared vectors of the audit log; tests/crypto/test_log_vectors.py reads the same files.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { auditLeafHash, decodeAuditEntry, encodeAuditEntry } from "../../src/core/audit-entry.js";
import { decodeCanonical, encodeCanonical } from "../../src/core/canonical-json.js";
import { policy, verifyCheckpoint } from "../../src/core/checkpoint.js";
import { ProtocolError } from "../../src/core/errors.js";
import { checkHeads, verifyGrowth, verifyHead } from "../../src/core/ledger-heads.js";
import { leafHash, rootOf, verifyConsistency, verifyInclusion } from "../../src/core/merkle.js";
import { PrunedPlaces, leafOf, prunedLeaf } from "../../src/core/pruning.js";
import { parseSignedNote, parseVkey, verifySignedNote } from "../../src/core/signed-note.js";
import { parseTrustPolicy, trusting } from "../../src/core/trust-policy.js";
import { VerifiedTiles, decodeEntries, encodeEntries, parsePath, tilePath } from "../../src/core/tiles.js";

const load = (name) => JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}`, import.meta.url), "utf8"));
const merkle = load("merkle.json");
const checkpoint = load("checkpoint.json");
const entries = load("audit-entry.json");
const heads = load("ledger-heads.json");
const log = load("audit-log.json");

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");
const utf8 = (text) => new TextEncoder().encode(text);

/** One test per case; what must be refused, is refused for the reason of the case. */
function judge(claim, cases, act) {
  assert.ok(cases.length > 0);
  for (const [index, one] of cases.entries()) {
    test(`${claim}: ${one.name ?? index}`, async () => {
      if (one.reason === null) return act(one);
      return assert.rejects(
        async () => act(one),
        (error) => error instanceof ProtocolError && error.reason === one.reason && error.message === one.reason,
      );
    });
  }
}

test("leaf hashes and roots are those of the vectors", async () => {
  const leaves = await Promise.all(merkle.leaves.map((entry) => leafHash(bytes(entry))));
  assert.deepEqual(leaves.map(hex), merkle.leaf_hashes);
  for (const [size, root] of merkle.roots.entries()) assert.equal(hex(await rootOf(leaves.slice(0, size))), root);
});

judge("an inclusion proof is judged as the vectors say", merkle.inclusion, async (one) => {
  const head = { size: one.size, root: bytes(one.root) };
  await verifyInclusion(bytes(one.leaf), { index: one.index, head, proof: one.proof.map(bytes) });
});

judge("a consistency proof is judged as the vectors say", merkle.consistency, async (one) => {
  const older = { size: one.old_size, root: bytes(one.old_root) };
  const newer = { size: one.new_size, root: bytes(one.new_root) };
  await verifyConsistency(older, newer, one.proof.map(bytes));
});

judge("a tile path is read as the vectors say", merkle.paths, ({ path, level, index, width }) => {
  const tile = parsePath(path);
  assert.deepEqual(tile, { level, index, width });
  assert.equal(tilePath(tile), path);
});

judge("an entry bundle is read as the vectors say", merkle.bundles, ({ data, width, entries: expected }) => {
  const found = decodeEntries(bytes(data), { width });
  assert.deepEqual(found.map(hex), expected);
  assert.equal(hex(encodeEntries(found)), data);
});

judge("a vkey is read as the vectors say", checkpoint.vkeys, async ({ vkey, name, kind }) => {
  const key = await parseVkey(vkey);
  assert.deepEqual([key.name, key.kind, key.public.length], [name, kind, 32]);
});

judge("a signed note is judged as the vectors say", checkpoint.notes, async ({ vkey, note, repeat }) => {
  const data = repeat ? new Uint8Array(repeat[1]).fill(bytes(repeat[0])[0]) : bytes(note);
  const key = await parseVkey(vkey);
  assert.deepEqual(await verifySignedNote(parseSignedNote(data), [key]), [{ key, at: null }]);
});

judge("a checkpoint is judged as the vectors say", checkpoint.checkpoints, async (one) => {
  const witnesses = await Promise.all(checkpoint.witnesses.map(parseVkey));
  const trusted = policy([await parseVkey(checkpoint.log)], { witnesses, quorum: one.quorum });
  const found = await verifyCheckpoint(utf8(one.note), trusted);
  assert.deepEqual([found.checkpoint.origin, found.checkpoint.size], [one.origin, one.size]);
  assert.equal(Buffer.from(found.checkpoint.root).toString("base64"), one.root);
  assert.deepEqual(found.checkpoint.extensions, one.extensions);
  const cosigned = found.signed.filter(({ at }) => at !== null).map(({ key, at }) => [key.name, at]);
  assert.deepEqual(Object.fromEntries(cosigned), one.cosigned);
});

judge("a policy file is read and judges as the vectors say", checkpoint.policies, async (one) => {
  const { logs, quorum } = await parseTrustPolicy(bytes(one.policy));
  await verifyCheckpoint(utf8(one.note), trusting({ logs, quorum }, null));
});

judge("canonical JSON is read as the vectors say", entries.canonical, ({ data }) => {
  assert.equal(hex(encodeCanonical(decodeCanonical(bytes(data)))), data);
});

test("a good entry is read and written the same", async () => {
  for (const { text, leaf } of entries.good) {
    const entry = decodeAuditEntry(utf8(text));
    assert.equal(new TextDecoder().decode(encodeAuditEntry(entry)), text);
    assert.equal(hex(await auditLeafHash(entry)), leaf);
  }
});

judge("a bad entry is refused for the reason of the vectors", entries.bad, ({ text }) => {
  decodeAuditEntry(utf8(text));
});

for (const one of load("pruning.json").cases) {
  test(`what is pruned is allowed to be or found as the vectors say: ${one.name}`, async () => {
    const [pruned, lines] = [new PrunedPlaces(), one.lines.map(utf8)];
    for (const [index, line] of lines.entries()) {
      if (prunedLeaf(line)) pruned.find(index);
      else pruned.allow(decodeAuditEntry(line), index);
    }
    assert.equal(hex(await rootOf(await Promise.all(lines.map(leafOf)))), one.root);
    assert.equal(pruned.withheld(), one.withheld);
    assert.equal(pruned.count, one.lines.filter((line) => line.startsWith('{"pruned')).length);
  });
}

judge("what the log tells of a ledger is judged as the vectors say", heads.cases, async (one) => {
  const trusted = policy([await parseVkey(heads.log)]);
  const seen = { size: one.seen.size, root: bytes(one.seen.root) };
  const { checkpoint: head } = await verifyGrowth(utf8(one.checkpoint), trusted, { seen, proof: one.consistency.map(bytes) });
  const proven = [];
  for (const { index, entry, path } of one.entries) proven.push(await verifyHead({ index, entry: utf8(entry), path: path.map(bytes) }, head));
  assert.equal(checkHeads(proven, one.ledger, one.heads), one.judged);
});

judge(
  "who reads entries against tiles and checkpoint notices what the vectors say",
  log.cases.map((one) => ({ ...one, reason: one.view })),
  async (one) => {
    const { checkpoint: head } = await verifyCheckpoint(utf8(one.checkpoint), policy([await parseVkey(log.trusted)]));
    const tiles = new VerifiedTiles(async (path) => (path in one.tiles ? bytes(one.tiles[path]) : null), head);
    if (one.older) await tiles.verifyExtends({ size: one.older.size, root: bytes(one.older.root) });
    for (const [index, entry] of one.entries.entries()) {
      await tiles.verifyLeaf(await leafHash(utf8(entry)), { index });
      decodeAuditEntry(utf8(entry));
    }
  },
);
