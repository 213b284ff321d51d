/**
 * Entries of the audit log whose content is gone, and whether it was allowed to go; what crypto/pruning.py does.
 *
 *     {"pruned":"<leaf hash, hex>"}                                                     such an entry's line in an export
 *     action audit.prune, subject {index_from, index_to, count, places}                 the entry that allows it
 *
 * It speaks of the 256 places under one tile: `places` is a number of 256 bits in hex, the lowest bit for the tile's first.
 */
import { fromHex } from "./bytes.js";
import { leafHash } from "./merkle.js";

/** @typedef {import("./audit-entry.js").AuditEntry} AuditEntry */

export const PRUNE = "audit.prune";
const WIDTH = 256;
const LINE = /^\{"pruned":"([0-9a-f]{64})"\}$/;
const NAMES = "count,index_from,index_to,places";

/** The leaf hash of a pruned entry's line; null for an entry's own bytes. @param {Uint8Array} line */
export function prunedLeaf(line) {
  const [, leaf] = LINE.exec(new TextDecoder().decode(line)) ?? [];
  return leaf === undefined ? null : fromHex(leaf);
}

/** The leaf hash of a line: that of its bytes, or the one that is left of them. @param {Uint8Array} line */
export const leafOf = async (line) => prunedLeaf(line) ?? (await leafHash(line));

/** What the entry at `index` prunes; null where it prunes nothing, or says so in no sound way. @param {AuditEntry} entry @param {number} index */
export function prunedBy({ action, subject }, index) {
  const { index_from: first, index_to: last, count, places } = subject;
  if (action !== PRUNE || Object.keys(subject).toSorted().join() !== NAMES) return null;
  if (typeof first !== "number" || first < 0 || typeof places !== "string" || !/^[0-9a-f]{64}$/.test(places)) return null;
  const bits = BigInt(`0x${places}`);
  const tile = Math.floor(first / WIDTH);
  const named = placesIn(bits).map((place) => tile * WIDTH + place);
  const isSound = named[0] === first && named.at(-1) === last && named.length === count && Number(last) < index;
  return isSound ? { tile, places: bits } : null;
}

/** @param {bigint} bits */
function placesIn(bits) {
  return Array.from({ length: WIDTH }, (_, place) => place).filter((place) => (bits >> BigInt(place)) & 1n);
}

/** What was found pruned and what was allowed to be, a bit a place. */
export class PrunedPlaces {
  /** @type {Map<number, bigint>} */ #found = new Map();
  /** @type {Map<number, bigint>} */ #allowed = new Map();
  count = 0;

  /** The entry at this place is pruned. Each place once. @param {number} index */
  find(index) {
    const tile = Math.floor(index / WIDTH);
    this.#found.set(tile, (this.#found.get(tile) ?? 0n) | (1n << BigInt(index % WIDTH)));
    this.count += 1;
  }

  /** Take up what the entry at `index` prunes, if it does. @param {AuditEntry} entry @param {number} index */
  allow(entry, index) {
    const named = prunedBy(entry, index);
    if (named) this.#allowed.set(named.tile, (this.#allowed.get(named.tile) ?? 0n) | named.places);
  }

  /** The first place that is pruned and that no entry allows to be; null where there is none. */
  withheld() {
    for (const [tile, found] of [...this.#found].toSorted(([one], [other]) => one - other)) {
      const left = found & ~(this.#allowed.get(tile) ?? 0n);
      if (left !== 0n) return tile * WIDTH + /** @type {number} */ (placesIn(left)[0]);
    }
    return null;
  }
}
