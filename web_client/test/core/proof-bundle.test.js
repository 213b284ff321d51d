import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex } from "../../src/core/bytes.js";
import { encodeBundle } from "../../src/core/proof-bundle.js";
import { vectors } from "../support/vectors.js";

const all = (values) => values.map(fromHex);

for (const { name, parts, file } of vectors("proof-bundle").good) {
  test(`a bundle comes out as the vector has it: ${name}`, () => {
    const { older, note } = parts;
    const bundle = {
      log: parts.log,
      checkpoint: fromHex(parts.checkpoint),
      entries: parts.entries.map(({ index, entry, path }) => ({ index, entry: fromHex(entry), path: all(path) })),
      older: older && { size: older.head.size, root: fromHex(older.head.root), path: all(older.path) },
      note: note && {
        envelope: fromHex(note.envelope), key: fromHex(note.key), accounts: note.accounts.map(all), ledger: all(note.ledger), receipts: all(note.receipts),
        blobs: Object.fromEntries(Object.entries(note.blobs).map(([id, data]) => [id, fromHex(data)])),
      },
    };
    assert.equal(new TextDecoder().decode(encodeBundle(bundle)), file);
  });
}
