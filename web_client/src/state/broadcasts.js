/** One note to several circles, and one table of who has seen it: what state/types.js calls Broadcasts. */
import { utf8, uuid7 } from "../core/bytes.js";
import { TEAM } from "../core/ledger.js";
import { sealFiles } from "./attachments.js";
import { findOwn, lookedKey } from "./broadcast-finder.js";
import { acting, declined } from "./failure.js";
import { each } from "./lane.js";
import { Signal } from "./signal.js";
import { receiptRows } from "./timeline-view.js";

/** @typedef {import("./types.js").Broadcasts} BroadcastsView */
/** @typedef {import("./types.js").BroadcastMatrix} BroadcastMatrix */
/** @typedef {import("./types.js").BroadcastRow} BroadcastRow */
/** @typedef {import("./types.js").NoteType} NoteType */
/** @typedef {import("./world.js").World} World */
/** @typedef {{ broadcast: string, at: number, said: import("./key-store.js").Protected, notes: { circle: string, note: string }[] }} Kept */
/** @typedef {import("./broadcast-finder.js").Found} Found */
/** @typedef {import("./broadcast-finder.js").Said} Said */
/** @typedef {{ kept: Kept, said: Said }} Known */

const AT_ONCE = 2;

/** @implements {BroadcastsView} */
export class Broadcasts {
  list = new Signal(/** @type {readonly BroadcastRow[]} */ ([]));
  #world;
  #nameOf;
  /** @type {Map<string, Known>} */ #known = new Map();
  /** @type {Map<string, Signal<BroadcastMatrix>>} */ #matrices = new Map();
  /** @type {Map<string, readonly import("./note-log.js").Version[]>} by note: what its receipts are for */ #versions = new Map();
  /** @type {Set<string>} notes whose receipts are watched */ #watched = new Set();

  /** @param {World} world @param {(circle: string) => string} nameOf */
  constructor(world, nameOf) {
    this.#world = world;
    this.#nameOf = nameOf;
  }

  async load() {
    const { database, keyStore } = this.#world.member;
    this.#known.clear();
    for (const kept of /** @type {Kept[]} */ (await database.all("broadcasts"))) {
      const said = JSON.parse(new TextDecoder().decode(await keyStore.unprotect(kept.said, `broadcast ${kept.broadcast}`)));
      this.#known.set(kept.broadcast, { kept, said });
    }
    this.#publish();
  }

  /** Add what was sent from other devices of this account, as far as its notes are here. @param {readonly string[]} circles */
  async gather(circles) {
    const { member } = this.#world;
    for (const circle of circles) {
      const { found, looked } = await findOwn(this.#world, circle);
      const added = await each(found, AT_ONCE, (one) => this.#joined(one));
      await member.database.write([
        ...added.map(({ kept }) => ({ store: /** @type {const} */ ("broadcasts"), put: kept })),
        ...(looked ? [{ store: /** @type {const} */ ("values"), key: lookedKey(circle), put: looked }] : []),
      ]);
      for (const known of added) this.#known.set(known.kept.broadcast, known);
    }
    this.#publish();
  }

  /** What is known of a broadcast, with one more of its notes. @param {Found} found @returns {Promise<Known>} */
  async #joined({ broadcast, at, circle, note, said }) {
    const known = this.#known.get(broadcast);
    const notes = (known?.kept.notes ?? []).filter((one) => one.note !== note);
    const kept = known?.kept ?? { broadcast, at, said: await this.#protected(broadcast, said), notes };
    return { kept: { ...kept, notes: [...notes, { circle, note }] }, said };
  }

  /** @param {string} broadcast @param {Said} said */
  #protected(broadcast, said) {
    return this.#world.member.keyStore.protect(utf8(JSON.stringify(said)), `broadcast ${broadcast}`);
  }

  /** @param {import("./types.js").BroadcastForm} form */
  send({ circles, files, type, text, urgent, acknowledge }) {
    return acting(async () => {
      const { member, outbox, prepare, book } = this.#world;
      if (circles.length === 0) throw declined("no-circles");
      for (const circle of circles) book.keeper(circle).requireSound();
      const sealed = await sealFiles(member, files, { prepare, besides: 0 });
      const at = member.clock.now();
      const broadcast = uuid7(at);
      const content = { type, text, form: null, attachments: sealed.map(({ attachment }) => attachment), reply_to: null, broadcast };
      const writings = [...new Set(circles)].map((circle) => ({
        circle, note: uuid7(at), version: 1, replaces: null, kind: /** @type {const} */ ("post"), at, audiences: [TEAM], urgent, acknowledge, mentions: [], content,
      }));
      const said = { type, text, acknowledge };
      const kept = {
        broadcast, at, notes: writings.map(({ circle, note }) => ({ circle, note })),
        said: await this.#protected(broadcast, said),
      };
      const blobs = sealed.map(({ attachment, blob }) => ({ id: attachment.blob, blob }));
      await outbox.put(writings, { blobs, besides: [{ store: "broadcasts", put: kept }] });
      this.#known.set(broadcast, { kept, said });
      this.#publish();
      return broadcast;
    });
  }

  /** @param {string} broadcast */
  matrix(broadcast) {
    return acting(async () => {
      const existing = this.#matrices.get(broadcast);
      if (existing) return existing;
      const known = this.#known.get(broadcast);
      if (!known) throw declined("not-here");
      const matrix = new Signal(this.#matrixOf(known, false));
      this.#matrices.set(broadcast, matrix);
      void this.#fetch(known, matrix);
      return matrix;
    });
  }

  /** @param {Known} known @param {Signal<BroadcastMatrix>} matrix */
  async #fetch(known, matrix) {
    const { member, book, outbox } = this.#world;
    outbox.watch(() => this.#redraw());
    await each(known.kept.notes, AT_ONCE, async ({ circle, note }) => {
      try {
        await book.keeper(circle).load();
        const { book: receipts, ready } = book.receipts(circle);
        await ready;
        await this.#recall(circle, note);
        if (!this.#watched.has(note)) receipts.watch(() => void this.#recall(circle, note));
        this.#watched.add(note);
        await receipts.fetch(note);
        await receipts.sync(); // from here on it hears what comes
      } catch (error) {
        member.alarms.fault(error, circle);
      }
    });
    matrix.value = this.#matrixOf(known, true);
    this.#publish();
  }

  /** A note that was sent since has an envelope now, which its receipts name. @param {string} circle @param {string} note */
  async #recall(circle, note) {
    const { member, book, outbox } = this.#world;
    try {
      const isSent = !outbox.of(circle).some(({ row }) => row.note === note);
      if (isSent && !this.#versions.has(note)) this.#versions.set(note, await book.log(circle).history(note));
    } catch (error) {
      member.alarms.fault(error, circle);
    }
    this.#redraw();
  }

  #redraw() {
    for (const [broadcast, matrix] of this.#matrices) {
      const known = this.#known.get(broadcast);
      if (known) matrix.value = this.#matrixOf(known, matrix.value.loaded);
    }
    this.#publish();
  }

  /** @param {Known} known @param {boolean} loaded @returns {BroadcastMatrix} */
  #matrixOf({ kept: { broadcast, at, notes }, said }, loaded) {
    const circles = notes.map(({ circle, note }) => {
      const sending = this.#world.outbox.of(circle).find(({ row }) => row.note === note)?.sending ?? null;
      return { circle, name: this.#nameOf(circle), note, sending, rows: this.#rowsOf(circle, note) };
    });
    return { loaded, broadcast, at, ...said, circles };
  }

  /** @param {string} circle @param {string} note */
  #rowsOf(circle, note) {
    const { member, book, escrows } = this.#world;
    const [keeper, log] = [book.keeper(circle), book.log(circle)];
    const versions = log.versions.get(note) ?? this.#versions.get(note) ?? [];
    const scene = {
      me: member.account, joinedAt: member.joinedAt, now: keeper.now, state: keeper.state, versions: log.versions,
      waiting: [], receipts: book.receipts(circle).book, accounts: member.accounts, escrows: escrows.value,
    };
    return receiptRows(scene, { note, versions, author: member.account, audiences: [TEAM] });
  }

  #publish() {
    const rows = [...this.#known.values()].map((known) => {
      const { kept: { broadcast, at, notes }, said: { type, text } } = known;
      const people = notes.flatMap(({ circle, note }) => this.#rowsOf(circle, note));
      return Object.freeze({ broadcast, at, type, text, circles: notes.length, people: people.length, acknowledged: people.filter((row) => row.acknowledged !== null).length });
    });
    this.list.value = Object.freeze(rows.sort((one, other) => other.at - one.at));
  }
}

