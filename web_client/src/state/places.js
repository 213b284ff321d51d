/**
 * Which version stood at which number of a circle when this device read it: nothing moves, and nothing goes. Kept, so that it is
 * noticed after a reload, and of what was read and not kept. The newest numbers stand one by one; what is older, in hashes of whole
 * blocks of 128, which are compared when the block is read again (docs/protocol.md §14).
 */
import { fromHex } from "../core/bytes.js";
import { ProtocolError } from "../core/errors.js";
import { sha256Hex } from "../core/suite.js";

/** @typedef {ReadonlyMap<number, string | null>} Told number → the envelope's hash, null for a version that is for other audiences */
/** @typedef {{ rights: string, newest: Told, blocks: ReadonlyMap<number, string> }} Kept `rights`: as whom; with others one is given other versions */
/** @typedef {import("./database.js").Write} Write */

export const BLOCK = 128;
export const NEWEST = 256;
const FOR_OTHERS = "0".repeat(64);

export class Places {
  #database;
  #name;
  /** @type {Map<number, string | null>} in this run */ #read = new Map();
  /** @type {string | null} as whom */ #readAs = null;

  /** @param {import("./database.js").Database} database @param {string} circle */
  constructor(database, circle) {
    this.#database = database;
    this.#name = `places ${circle}`;
  }

  /**
   * Compare what a page tells with what was read before. Throws ProtocolError `wrong-order`. Whoever reads with other rights begins anew.
   * @param {Told} told @param {{ rights: string, lastSeq: number }} by `lastSeq`: the circle's newest number
   * @returns {Promise<Write[]>} what remembers it, to be written with the versions; without it, it is remembered in this run alone
   */
  async meet(told, { rights, lastSeq }) {
    let before = /** @type {Kept | undefined} */ (await this.#database.get("values", this.#name));
    if (before?.rights !== rights) before = { rights, newest: new Map(), blocks: new Map() };
    if (this.#readAs !== rights) this.#read = new Map();
    const read = new Map([...this.#read, ...told]);
    await check(before, { seen: this.#read, told, read, lastSeq });
    [this.#read, this.#readAs] = [read, rights];
    const after = await grown(before, told, read);
    return [{ store: "values", key: this.#name, put: after }];
  }

  /** Somebody looked into it: from now on it is as the server has it. @returns {Write} */
  forget() {
    this.#read = new Map();
    return { store: "values", key: this.#name, delete: this.#name };
  }
}

/** @param {Kept} before @param {{ seen: Told, told: Told, read: Told, lastSeq: number }} now `seen`: earlier in this run; `read`: with what is told now */
async function check({ newest, blocks }, { seen, told, read, lastSeq }) {
  const known = new Map([...seen, ...newest]);
  const numbers = new Map([...known].flatMap(([number, digest]) => (digest ? [[digest, number]] : [])));
  let isSame = lastSeq >= Math.max(0, ...newest.keys());
  for (const [number, digest] of told) {
    const stood = known.get(number) ?? null;
    if (stood !== null && stood !== digest) isSame = false;
    if (digest !== null && (numbers.get(digest) ?? number) !== number) isSame = false;
  }
  for (const block of new Set([...told.keys()].map(blockOf))) {
    if (blocks.has(block) && isWhole(block, read) && (await hashOf(block, read)) !== blocks.get(block)) isSame = false;
  }
  if (!isSame) throw new ProtocolError("wrong-order");
}

/** With what was told, which agrees; what is no longer among the newest is folded into its block. @param {Kept} before @param {Told} told @param {Told} read @returns {Promise<Kept>} */
async function grown({ rights, newest, blocks }, told, read) {
  const known = new Map([...newest, ...told]);
  const first = blockOf(Math.max(1, Math.max(1, ...known.keys()) - NEWEST));
  const everything = new Map([...read, ...known]);
  const folded = new Map(blocks);
  for (const block of new Set([...known.keys()].map(blockOf))) {
    if (block < first && !folded.has(block) && isWhole(block, everything)) folded.set(block, await hashOf(block, everything));
  }
  return { rights, newest: new Map([...known].filter(([number]) => blockOf(number) >= first)), blocks: folded };
}

/** @param {number} number */
const blockOf = (number) => Math.floor((number - 1) / BLOCK);

/** @param {number} block */
const numbersOf = (block) => Array.from({ length: BLOCK }, (_, index) => block * BLOCK + 1 + index);

/** @param {number} block @param {Told} read */
const isWhole = (block, read) => numbersOf(block).every((number) => read.has(number));

/** @param {number} block @param {Told} read */
const hashOf = (block, read) => sha256Hex(fromHex(numbersOf(block).map((number) => read.get(number) ?? FOR_OTHERS).join("")));
