/**
 * The tree cut into files: C2SP tlog-tiles, 256 hashes each; what crypto/tiles.py does for a reader.
 *
 *     tile/<L>/<N>[.p/<W>]        32 W bytes: the complete subtrees of level 8 L, from 256 N on
 *     tile/entries/<N>[.p/<W>]    the entries from 256 N on, each uint16 big-endian length || bytes
 *     N: three digits each, all but the last with an x: 1234067 is x001/x234/067
 *     .p/<W>: the last, unfilled tile of its level, of W < 256 hashes; a full one has no suffix
 *
 * A full tile's own root is one hash of the tile above, and the unfilled tiles together make up the tree's
 * root: so every hash is checked up to a tree head.
 */
import { concat, isSame } from "./bytes.js";
import { ProtocolError } from "./errors.js";
import { HASH_SIZE, MAX_SIZE, fold, peaksOf, rootOf, spanRoot } from "./merkle.js";

/** @typedef {import("./merkle.js").TreeHead} TreeHead */
/** @typedef {{ level: number | "entries", index: number, width: number }} Tile level 0 holds the leaf hashes; width 1 to 256 */
/** @typedef {(path: string) => Promise<Uint8Array | null>} Fetch null where there is no such file */

export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;
export const MAX_ENTRY_SIZE = 65_535;
const CACHED_TILES = 64;
const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

/** A tile is missing, malformed or not of this tree. `path` says which, where one is to blame. */
export class TileError extends ProtocolError {
  /** @override */ name = "TileError";

  /** @param {string} reason @param {string | null} [path] */
  constructor(reason, path = null) {
    super(reason);
    this.path = path;
  }
}

/** @param {Tile} tile */
export function tilePath({ level, index, width }) {
  let number = digits(index);
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) number = `x${digits(rest)}/${number}`;
  return `tile/${level}/${number}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** @param {number} value */
const digits = (value) => String(value % 1000).padStart(3, "0");

/**
 * The tile of a path. Throws TileError `path-malformed`, also for a path that names a tile in a second way.
 * @param {string} path @returns {Tile}
 */
export function parsePath(path) {
  const found = PATH.exec(path);
  if (!found) throw new TileError("path-malformed");
  const [, name = "", number = "", width] = found;
  /** @type {Tile["level"]} */
  const level = name === "entries" ? name : Number(name);
  const index = Number(number.replaceAll(/[x/]/g, ""));
  const tile = { level, index, width: width === undefined ? TILE_WIDTH : Number(width) };
  if (!isPossible(tile) || tilePath(tile) !== path) throw new TileError("path-malformed");
  return tile;
}

/** @param {Tile} tile */
function isPossible({ level, index, width }) {
  const leaves = index * TILE_WIDTH ** (level === "entries" ? 1 : level + 1);
  return width >= 1 && width <= TILE_WIDTH && leaves <= MAX_SIZE;
}

/**
 * The hashes in a tile's bytes. Throws TileError `tile-malformed` where it is not as long as its width says.
 * @param {Uint8Array} data @param {Tile} tile @returns {Uint8Array[]}
 */
export function decodeHashes(data, tile) {
  if (data.length !== tile.width * HASH_SIZE) throw new TileError("tile-malformed", tilePath(tile));
  return Array.from({ length: tile.width }, (_, at) => data.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE));
}

/**
 * An entry bundle of 1 to 256 entries of at most 65,535 bytes each; RangeError where there are more.
 * @param {readonly Uint8Array[]} entries
 */
export function encodeEntries(entries) {
  if (entries.length < 1 || entries.length > TILE_WIDTH || entries.some((entry) => entry.length > MAX_ENTRY_SIZE)) {
    throw new RangeError("a bundle holds 1 to 256 entries of at most 65,535 bytes");
  }
  return concat(...entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]));
}

/**
 * The entries of a bundle that is to hold `width` of them. Throws TileError `bundle-malformed`.
 * @param {Uint8Array} data @param {{ width: number }} expected @returns {Uint8Array[]}
 */
export function decodeEntries(data, { width }) {
  /** @type {Uint8Array[]} */
  const entries = [];
  let at = 0;
  while (at + 2 <= data.length && entries.length < width) {
    const size = (data[at] ?? 0) * 256 + (data[at + 1] ?? 0);
    entries.push(data.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  if (at !== data.length || entries.length !== width) throw new TileError("bundle-malformed");
  return entries;
}

/** How many hashes the unfilled tile of each level has. @param {number} size */
export function edgeWidths(size) {
  /** @type {number[]} */
  const widths = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / TILE_WIDTH)) widths.push(rest % TILE_WIDTH);
  return widths;
}

/** The unfilled tiles of a tree, lowest level first. @param {number} size @returns {(Tile & { level: number })[]} */
export function unfilledTiles(size) {
  return edgeWidths(size).flatMap((width, level) => (width ? [{ level, index: unfilledIndex(level, size), width }] : []));
}

/** @param {number} level @param {number} size */
const unfilledIndex = (level, size) => Math.floor(size / TILE_WIDTH ** (level + 1));

/**
 * Hashes of the tree under one head, read from tiles, each checked up to that head's root. What `fetch` returns is
 * not trusted; the signature of the head is the caller's to check. Every method throws TileError: `tile-missing`,
 * `tile-malformed`, `tile-changed` (not what the tile above holds), `tree-mismatch` (the unfilled tiles do not make
 * up the root).
 */
export class VerifiedTiles {
  #fetch;
  /** @type {Map<string, Promise<Uint8Array[]>>} full tiles, the oldest first */
  #full = new Map();
  /** @type {Promise<Uint8Array[][]> | null} */
  #edge = null;

  /** @param {Fetch} fetch @param {TreeHead} head */
  constructor(fetch, head) {
    this.#fetch = fetch;
    this.head = head;
  }

  /**
   * Root of a complete subtree: a reader for merkle.js's proofs. Throws RangeError where the tree has none.
   * @param {number} level @param {number} index @returns {Promise<Uint8Array>}
   */
  hashAt = async (level, index) => {
    if (index < 0 || (index + 1) * 2 ** level > this.head.size) throw new RangeError("no such subtree in this tree");
    const width = 2 ** (level % TILE_HEIGHT);
    const first = index * width;
    const hashes = await this.hashes(Math.floor(level / TILE_HEIGHT), Math.floor(first / TILE_WIDTH));
    return rootOf(hashes.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + width));
  };

  /**
   * All hashes of one tile: of a full one, or of the unfilled one of its level.
   * @param {number} level @param {number} index @returns {Promise<readonly Uint8Array[]>}
   */
  async hashes(level, index) {
    if (index === unfilledIndex(level, this.head.size)) return (await this.#readEdge())[level] ?? [];
    const tile = { level, index, width: TILE_WIDTH };
    const name = tilePath(tile);
    const known = this.#full.get(name) ?? this.#readFull(tile);
    this.#full.delete(name);
    this.#full.set(name, known);
    for (const oldest of this.#full.keys()) {
      if (this.#full.size <= CACHED_TILES) break;
      this.#full.delete(oldest);
    }
    return known;
  }

  /**
   * Check that the tree has this leaf hash at this index. Throws TileError also `index-out-of-range`, `leaf-mismatch`.
   * @param {Uint8Array} leaf @param {{ index: number }} place
   */
  async verifyLeaf(leaf, { index }) {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.head.size) throw new TileError("index-out-of-range");
    if (!isSame(leaf, await this.hashAt(0, index))) throw new TileError("leaf-mismatch");
  }

  /**
   * Check that an older tree is the beginning of this one. Throws TileError also `rolled-back` (this tree is
   * smaller), `forked-tree` (it is another one).
   * @param {TreeHead} older
   */
  async verifyExtends(older) {
    if (older.size > this.head.size) throw new TileError("rolled-back");
    const root = await spanRoot(this.hashAt, { start: 0, end: older.size });
    if (!isSame(root, older.root)) throw new TileError("forked-tree");
  }

  #readEdge() {
    this.#edge ??= this.#checkEdge();
    return this.#edge;
  }

  async #checkEdge() {
    try {
      return await this.#fetchEdge();
    } catch (error) {
      this.#edge = null; // a fetch that failed may succeed the next time
      throw error;
    }
  }

  async #fetchEdge() {
    /** @type {Uint8Array[][]} */
    const rows = edgeWidths(this.head.size).map(() => []);
    for (const tile of unfilledTiles(this.head.size)) rows[tile.level] = await this.#readUnfilled(tile);
    const peaks = await Promise.all(rows.toReversed().map(peaksOf));
    if (!isSame(await fold(peaks.flat()), this.head.root)) throw new TileError("tree-mismatch");
    return rows;
  }

  /** An unfilled tile may be gone once its full one exists: then that one's beginning. @param {Tile} tile */
  async #readUnfilled(tile) {
    const data = await this.#fetch(tilePath(tile));
    if (data) return decodeHashes(data, tile);
    const full = { ...tile, width: TILE_WIDTH };
    const whole = await this.#fetch(tilePath(full));
    if (!whole) throw new TileError("tile-missing", tilePath(tile));
    return decodeHashes(whole, full).slice(0, tile.width);
  }

  /** @param {Tile & { level: number }} tile */
  async #readFull(tile) {
    try {
      return await this.#fetchFull(tile);
    } catch (error) {
      this.#full.delete(tilePath(tile));
      throw error;
    }
  }

  /** @param {Tile & { level: number }} tile */
  async #fetchFull(tile) {
    const data = await this.#fetch(tilePath(tile));
    if (!data) throw new TileError("tile-missing", tilePath(tile));
    const hashes = decodeHashes(data, tile);
    const above = await this.hashes(tile.level + 1, Math.floor(tile.index / TILE_WIDTH));
    const expected = above[tile.index % TILE_WIDTH];
    if (!expected || !isSame(await rootOf(hashes), expected)) throw new TileError("tile-changed", tilePath(tile));
    return hashes;
  }
}
