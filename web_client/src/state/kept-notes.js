/**
 * The notes of one circle that this device keeps, and the numbers they account for. What the browser threw away meanwhile, be it
 * all or a single version, is noticed when they are first looked at in a run: from there on they count as not read.
 */
import { beginningWith } from "./database.js";

/** @typedef {import("./database.js").Write} Write */
/** @typedef {import("./note-verifier.js").Row} Row */
/** @typedef {import("./note-verifier.js").Version} Version */
/**
 * The seqs the database accounts for: those of versions it holds, and of versions for audiences one is not in (`others`, as the
 * server told them). `to` 0: nothing was asked for yet. `audiences`: those one was in then.
 * @typedef {{ from: number, to: number, audiences?: string, others?: readonly number[] }} Span
 */

const NOTHING = /** @type {Span} */ (Object.freeze({ from: 1, to: 0 }));

export class KeptNotes {
  #database;
  #circle;
  /** @type {Span | null} */ #span = null;

  /** @param {import("./database.js").Database} database @param {string} circle */
  constructor(database, circle) {
    this.#database = database;
    this.#circle = circle;
  }

  /** @returns {Promise<Span>} */
  async span() {
    this.#span ??= await this.#sound();
    return this.#span;
  }

  /** The last `count`. @param {number} count @returns {Promise<Row[]>} */
  newest(count) {
    return this.#database.last("notes", beginningWith(this.#circle), count);
  }

  /** The last `count` before this number, of those that count. @param {number} before @param {number} count @returns {Promise<Row[]>} */
  async before(before, count) {
    return this.#database.last("notes", this.#numbers((await this.span()).from, before), count);
  }

  /** When the oldest was stored, of the first `width` numbers; undefined where none of them is here. @param {number} width @returns {Promise<number | undefined>} */
  async oldestAt(width) {
    const { from } = await this.span();
    const [oldest] = /** @type {Row[]} */ (await this.#database.all("notes", this.#numbers(from, from + width)));
    return oldest?.at;
  }

  /** Keep these too. @param {readonly Version[]} versions @param {Span} span with them; its `others` are more of them @param {readonly Write[]} more */
  async write(versions, span, more) {
    const known = (await this.span()).others ?? [];
    const rows = versions.map(({ seq, at, raw, damaged }) => ({ store: /** @type {const} */ ("notes"), put: { circle: this.#circle, seq, at, raw, damaged } }));
    await this.#move({ ...span, others: [...known, ...(span.others ?? [])] }, [...rows, ...more]);
  }

  /** What stands at this number and behind it is nothing this device read. @param {number} lost */
  async cut(lost) {
    const span = await this.span();
    await this.#move(lost > span.from ? { ...span, to: Math.min(span.to, lost - 1) } : NOTHING, [{ store: "notes", delete: IDBKeyRange.bound([this.#circle, lost], [this.#circle, []]) }]);
  }

  /** Forget what was stored before that time. @param {number} cutoff ms */
  async prune(cutoff) {
    const span = await this.span();
    const rows = /** @type {Row[]} */ (await this.#database.all("notes", beginningWith(this.#circle)));
    const first = rows.find((row) => row.at >= cutoff)?.seq ?? span.to + 1;
    if (span.to === 0 || first <= span.from) return;
    await this.#move(first > span.to ? NOTHING : { ...span, from: first }, [{ store: "notes", delete: this.#numbers(0, first) }]);
  }

  /** Forget all. @param {readonly Write[]} more */
  async clear(more) {
    await this.#database.write([...more, { store: "notes", delete: beginningWith(this.#circle) }, { store: "values", key: this.#name, delete: this.#name }]);
    this.#span = NOTHING;
  }

  get #name() {
    return `span ${this.#circle}`;
  }

  /** @param {number} from @param {number} before */
  #numbers(from, before) {
    return IDBKeyRange.bound([this.#circle, from], [this.#circle, before], false, true);
  }

  /** @param {Span} span @param {readonly Write[]} writes */
  async #move(span, writes) {
    const others = [...new Set(span.others)].filter((seq) => span.from <= seq && seq <= span.to).sort((one, other) => one - other);
    const moved = { ...span, others };
    await this.#database.write([...writes, { store: "values", key: this.#name, put: moved }]);
    this.#span = moved;
  }

  /** Up to the first number that the database should have and has not. @returns {Promise<Span>} */
  async #sound() {
    const span = /** @type {Span | undefined} */ (await this.#database.get("values", this.#name));
    if (!span || span.to === 0) return NOTHING;
    const keys = /** @type {[string, number][]} */ (await this.#database.keys("notes", this.#numbers(span.from, span.to + 1)));
    const accounted = new Set([...keys.map(([, seq]) => seq), ...(span.others ?? [])]);
    let to = span.from - 1;
    while (to < span.to && accounted.has(to + 1)) to += 1;
    if (to === span.to) return span;
    return to < span.from || keys.length === 0 ? NOTHING : { ...span, to };
  }
}
