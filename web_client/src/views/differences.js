/** @typedef {{ kind: "same" | "added" | "removed", text: string }} Piece */

const LIMIT = 1_500; // words; beyond that both texts are shown whole

/**
 * What changed between two texts, word by word: a longest common subsequence.
 * @param {string} before
 * @param {string} after
 * @returns {Piece[]}
 */
export function differences(before, after) {
  const old = words(before);
  const now = words(after);
  if (old.length > LIMIT || now.length > LIMIT) return joined([{ kind: "removed", text: before }, { kind: "added", text: after }]);
  return joined(walk(old, now, lengths(old, now)));
}

/** @param {string} text */
const words = (text) => text.match(/\s+|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? [];

/** Lengths of the common subsequences of all suffixes. @param {string[]} old @param {string[]} now */
function lengths(old, now) {
  const width = now.length + 1;
  const table = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const here = i * width + j;
      table[here] = old[i] === now[j] ? (table[here + width + 1] ?? 0) + 1 : Math.max(table[here + width] ?? 0, table[here + 1] ?? 0);
    }
  }
  return table;
}

/** @param {string[]} old @param {string[]} now @param {Uint16Array} table @returns {Piece[]} */
function walk(old, now, table) {
  const width = now.length + 1;
  /** @type {Piece[]} */ const pieces = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      pieces.push({ kind: "same", text: old[i] ?? "" });
      [i, j] = [i + 1, j + 1];
    } else if (j >= now.length || (i < old.length && (table[(i + 1) * width + j] ?? 0) >= (table[i * width + j + 1] ?? 0))) {
      pieces.push({ kind: "removed", text: old[i] ?? "" });
      i += 1;
    } else {
      pieces.push({ kind: "added", text: now[j] ?? "" });
      j += 1;
    }
  }
  return pieces;
}

/** @param {Piece[]} pieces */
function joined(pieces) {
  /** @type {Piece[]} */ const runs = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last?.kind === piece.kind) last.text += piece.text;
    else runs.push({ ...piece });
  }
  return runs.filter(({ text }) => text !== "");
}
