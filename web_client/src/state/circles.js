/** The list of one's circles, and the way into each: what state/types.js calls Circles. */
import { utf8 } from "../core/bytes.js";
import { isActive, TEAM } from "../core/ledger.js";
import { each, Soon } from "./lane.js";
import { acting } from "./failure.js";
import { adding, append, create } from "./membership.js";
import { OpenCircle } from "./open-circle.js";
import { isSimilar, patientOf, profileOf } from "./patient.js";
import { waitingOf } from "./resets.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types.js").Circles} CirclesView */
/** @typedef {import("./types.js").CircleList} CircleList */
/** @typedef {import("./types.js").CircleRow} CircleRow */
/** @typedef {import("./types.js").LastNote} LastNote */
/** @typedef {import("./types.js").NoteType} NoteType */
/** @typedef {import("./types.js").Patient} Patient */
/** @typedef {import("../core/wire.d.ts").CircleRow} WireRow */
/** @typedef {import("../core/wire.d.ts").NotePosted} NotePosted */
/** @typedef {import("./world.js").World} World */
/** What this device could open of a circle. @typedef {{ name: string, patient: Patient | null, last: LastNote | null, at: number, waiting?: number }} Details */

const AT_ONCE = 3;
const FILLED_AT_ONCE = 1;
const SETTLING = 400; // milliseconds, in which one list serves several changes
const EXCERPT = 200;
const DETAILS = "circle details";
/** @type {CircleList} */
const UNKNOWN = Object.freeze({ loaded: false, rows: Object.freeze([]), returning: 0 });

/** @implements {CirclesView} */
export class Circles {
  list = new Signal(UNKNOWN);
  #world;
  /** @type {Map<string, WireRow>} */ #rows = new Map();
  /** @type {Map<string, Details>} */ #details = new Map();
  /** @type {Map<string, OpenCircle>} those somebody holds */ #open = new Map();
  #refreshing;
  #saving;
  #settling = /** @type {ReturnType<typeof setTimeout> | null} */ (null);
  #isLoaded = false;
  #returning = 0;

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
    this.#refreshing = new Soon(() => this.refresh(), (error) => world.member.alarms.fault(error));
    this.#saving = new Soon(() => this.#saveDetails(), (error) => world.member.alarms.fault(error));
  }

  /** The circles one is in now. @returns {readonly string[]} */
  get active() {
    return [...this.#rows.values()].filter((row) => row.active && !row.closed).map((row) => row.circle);
  }

  /** @param {string} circle */
  nameOf(circle) {
    return this.#details.get(circle)?.name ?? "";
  }

  /** The list as this device last saw it: in one piece, so that it is there at once. */
  async load() {
    const { database, keyStore } = this.#world.member;
    const rows = /** @type {WireRow[] | undefined} */ (await database.get("values", "circles"));
    const details = /** @type {import("./key-store.js").Protected | undefined} */ (await database.get("values", "circle details"));
    this.#rows = new Map((rows ?? []).map((row) => [row.circle, row]));
    this.#details = new Map(details ? JSON.parse(new TextDecoder().decode(await keyStore.unprotect(details, DETAILS))) : []);
    this.#isLoaded = rows !== undefined;
    this.#publish();
  }

  /** What the list says of each circle, for the next start; under this device's key, for there are names in it. */
  async #saveDetails() {
    const { database, keyStore } = this.#world.member;
    const kept = await keyStore.protect(utf8(JSON.stringify([...this.#details])), DETAILS);
    await database.write([{ store: "values", key: "circle details", put: kept }]);
  }

  /** Fetch the list; then, the most recent first, what is new in each circle. */
  async refresh() {
    const { member } = this.#world;
    const { circles, returning } = await member.transport.call("circle.list", { closed: true });
    this.#returning = returning;
    this.#rows = new Map(circles.map((row) => [row.circle, row]));
    this.#isLoaded = true;
    await member.database.write([{ store: "values", key: "circles", put: circles }]);
    this.#publish();
    const recent = [...circles].sort((one, other) => (other.last_at ?? 0) - (one.last_at ?? 0));
    await each(recent, AT_ONCE, (row) => this.#catchUp(row));
    this.#publish();
    await this.#saveDetails();
  }

  /** Bring the last 30 days of every circle onto this device, and forget what is older. */
  async fill() {
    await each(this.active, FILLED_AT_ONCE, (circle) => this.#safely(circle, async () => {
      await this.#world.book.log(circle).prune();
      await this.#world.book.log(circle).fill();
    }));
  }

  /** Something about a circle changed. @param {string} [circle] */
  changed(circle) {
    if (circle !== undefined) void this.#safely(circle, () => this.#describe(circle));
    this.#settling ??= setTimeout(() => {
      this.#settling = null;
      if (this.#world.member.transport.state === "online") this.#refreshing.ask();
    }, SETTLING);
  }

  /** Somebody's account changed: it may have been reset. @param {string} account */
  async accountChanged(account) {
    for (const circle of this.#world.book.known.filter((one) => this.#world.book.keeper(one).state?.members.has(account))) {
      await this.#safely(circle, () => this.#describe(circle));
      this.#open.get(circle)?.redraw();
    }
  }

  /** What the server told of a note: the row shows it without asking. @param {NotePosted} posted @param {{ mine: boolean, urgent: boolean }} note */
  async hear(posted, { mine, urgent }) {
    const row = this.#rows.get(posted.circle);
    if (!row || posted.seq <= row.last_seq) return;
    const unread = mine ? row.unread : row.unread + 1;
    this.#rows.set(posted.circle, { ...row, last_seq: posted.seq, last_at: posted.at, unread, urgent: row.urgent || (urgent && !mine) });
    await this.#describe(posted.circle);
    this.#saving.ask();
  }

  /** Nothing waits any more. */
  close() {
    if (this.#settling !== null) clearTimeout(this.#settling);
  }

  /** Everybody who looks at a circle sees it anew. */
  async renewOpen() {
    await Promise.all([...this.#open.values()].map((open) => this.#safely(open.circle, () => open.renew())));
  }

  /** @param {Patient} patient */
  similar(patient) {
    return this.list.value.rows.filter((row) => row.patient && row.active && isSimilar(row.patient, patient));
  }

  /** @param {Patient} patient @param {string | null} [escrow] */
  create(patient, escrow = null) {
    return acting(async () => {
      const { member, book } = this.#world;
      const { circle } = await create(member, profileOf(patient));
      const keeper = book.keeper(circle);
      await keeper.refresh({ isForced: true });
      const guard = adding(member, { account: escrow ?? "", role: "professional", audiences: [TEAM], history: "all", until: null });
      if (escrow) await this.#safely(circle, () => append(member, keeper, guard)); // the circle is there, and its members page says what it lacks
      await this.refresh();
      return circle;
    });
  }

  /** @param {string} circle */
  open(circle) {
    const open = this.#open.get(circle) ?? new OpenCircle(this.#world, circle, () => this.#open.delete(circle));
    this.#open.set(circle, open);
    open.hold();
    return open;
  }

  /** @param {WireRow} row */
  async #catchUp(row) {
    const { keeper, log } = this.#partsOf(row.circle);
    await this.#safely(row.circle, async () => {
      await keeper.load();
      const isNew = keeper.state?.seq !== row.ledger_seq || keeper.state.head !== row.ledger_head || row.missing > 0 || !keeper.profile || keeper.lockedSince !== null;
      if (isNew) await keeper.refresh({ isForced: true });
      if (row.active && row.last_seq > 0) await log.sync(row.last_seq);
      await this.#describe(row.circle);
    });
  }

  /** @param {string} circle */
  async #describe(circle) {
    const { keeper, log } = this.#partsOf(circle);
    await keeper.load();
    const newest = await log.newest();
    this.#details.set(circle, { name: keeper.profile?.text ?? "", patient: patientOf(keeper.profile), last: newest && this.#lastNote(newest), at: keeper.state?.at ?? 0, waiting: this.#waiting(keeper) });
    this.#publish();
  }

  /** @param {import("./circle-keeper.js").CircleKeeper} keeper */
  #waiting({ state, self, now }) {
    return state && !state.closed && isActive(self, now) ? waitingOf(this.#world.member.accounts, state, now).length : 0;
  }

  /** @param {import("./note-log.js").Version} version @returns {LastNote | null} */
  #lastNote({ envelope, content }) {
    if (!envelope || !content) return null;
    const { account, at, kind } = envelope.header;
    const { member } = this.#world;
    const text = kind === "withdrawal" ? "" : content.text.slice(0, EXCERPT);
    return Object.freeze({ at, author: member.accounts.nameOf(account), mine: account === member.account, type: /** @type {NoteType} */ (content.type), text, attachments: content.attachments.length });
  }

  /** One circle that fails does not keep the others from it. @param {string} circle @param {() => Promise<unknown>} task */
  async #safely(circle, task) {
    try {
      await task();
    } catch (error) {
      this.#world.member.alarms.fault(error, circle);
    }
  }

  /** @param {string} circle */
  #partsOf(circle) {
    return { keeper: this.#world.book.keeper(circle), log: this.#world.book.log(circle) };
  }

  #publish() {
    const before = new Map(this.list.value.rows.map((row) => [row.circle, row]));
    const rows = [...this.#rows.values()].map((row) => this.#view(row, before.get(row.circle)));
    rows.sort((one, other) => Number(other.urgent) - Number(one.urgent) || other.at - one.at);
    this.list.value = Object.freeze({ loaded: this.#isLoaded, rows: Object.freeze(rows), returning: this.#returning });
  }

  /** @param {WireRow} row @param {CircleRow | undefined} before @returns {CircleRow} */
  #view({ circle, active, closed, profile, unread, urgent, last_at: lastAt }, before) {
    const details = this.#details.get(circle);
    const { name, patient, last, at, waiting = 0 } = details ?? { name: "", patient: null, last: null, at: 0 };
    const locked = details !== undefined && active && profile !== null && name === "";
    const view = { circle, name, patient, locked, active, closed, unread, urgent, waiting, last, at: last?.at ?? Math.max(lastAt ?? 0, at) };
    const isSame = before !== undefined && Object.entries(view).every(([key, value]) => before[/** @type {keyof CircleRow} */ (key)] === value);
    return isSame ? before : Object.freeze(view);
  }
}
