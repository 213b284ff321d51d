/** One circle while somebody looks at it: what state/types.js calls OpenCircle. */
import { uuid7 } from "../core/bytes.js";
import { ProtocolError } from "../core/errors.js";
import { Soon } from "./lane.js";
import { acting, declined } from "./failure.js";
import { Waiting } from "./help.js";
import { fetchAttachment, sealFiles } from "./attachments.js";
import { addressed, audienceViews } from "./audiences.js";
import { adding, append, changing, closing, leaving, openingAudience, readmitting, removing } from "./membership.js";
import { patientOf } from "./patient.js";
import { ReceiptMatrices } from "./receipt-matrices.js";
import { waitingRows } from "./resets.js";
import { Signal } from "./signal.js";
import { memberRows, newestGood, powers, TimelineViews, versionView } from "./timeline-view.js";

/** @typedef {import("./types.js").OpenCircle} OpenCircleView */
/** @typedef {import("./types.js").Draft} Draft */
/** @typedef {import("./types.js").Timeline} Timeline */
/** @typedef {import("./types.js").CircleInfo} CircleInfo */
/** @typedef {import("./types.js").MemberRow} MemberRow */
/** @typedef {import("./types.js").WaitingMember} WaitingMember */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./note-log.js").Version} Version */
/** @typedef {import("./timeline-view.js").Scene} Scene */

/** @type {Draft} */
export const EMPTY_DRAFT = Object.freeze({ type: "GEN", text: "", urgent: false, acknowledge: false, replyTo: null, replaces: null, audiences: null, kept: [], files: [] });

/** @type {CircleInfo} */
const UNKNOWN = Object.freeze({
  name: "", patient: null, role: null, loaded: false, active: false, closed: false, help: null,
  mayPost: false, mayAdd: false, mayLead: false, mayLeave: false, alarm: null, audiences: Object.freeze([]),
});

/** @type {Timeline} */
const EMPTY_TIMELINE = Object.freeze({ loaded: false, notes: [], complete: false, loading: false, firstUnread: null });

/** @implements {OpenCircleView} */
export class OpenCircle {
  info = new Signal(UNKNOWN);
  timeline = new Signal(EMPTY_TIMELINE);
  members = new Signal(/** @type {readonly MemberRow[]} */ ([]));
  waiting = new Signal(/** @type {readonly WaitingMember[]} */ ([]));
  draft = new Signal(EMPTY_DRAFT);
  #world;
  #parts;
  #views = new TimelineViews();
  #onReleased;
  #drawing;
  /** @type {(() => void)[]} */ #stops = [];
  #matrices;
  /** @type {Map<string, number>} */ #waitingDevices = new Map();
  #passing;
  #isShown = false;
  #isFirstUnreadKnown = false;
  #holders = 0;

  /** @param {World} world @param {string} circle @param {() => void} onReleased nobody holds it any more */
  constructor(world, circle, onReleased) {
    this.circle = circle;
    this.#world = world;
    this.#onReleased = onReleased;
    const { book } = world;
    this.#parts = { keeper: book.keeper(circle), log: book.log(circle), receipts: book.receipts(circle) };
    this.#matrices = new ReceiptMatrices(() => this.#scene(), { log: this.#parts.log, book: this.#parts.receipts.book });
    this.#passing = new Waiting(world.member, this.#parts.keeper, () => this.redraw());
    this.#drawing = new Soon(async () => this.#draw(), (error) => world.member.alarms.fault(error, circle));
  }

  /** Somebody more looks at it. */
  hold() {
    this.#holders += 1;
    if (this.#holders > 1) return;
    const { keeper, log, receipts } = this.#parts;
    const draw = () => this.#drawing.ask();
    const { outbox, escrows } = this.#world;
    this.#stops = [escrows.watch(draw), keeper.watch(draw), log.watch(draw), receipts.book.watch(draw), outbox.watch((circle) => circle === this.circle && draw())];
    void this.#show();
  }

  release() {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    for (const stop of this.#stops) stop();
    this.#passing.stop();
    this.#parts.log.hide();
    this.#onReleased();
  }

  /** What the device has first; then what the server has. */
  async #show() {
    const { keeper, log, receipts } = this.#parts;
    try {
      await keeper.load();
      await receipts.ready;
      await log.show();
      this.#isShown = receipts.book.isKnown && log.versions.size > 0;
      this.#drawing.ask();
      await this.#loadDraft();
      await this.renew();
    } catch (error) {
      this.#world.member.alarms.fault(error, this.circle);
    } finally {
      this.#isShown = true;
      this.#drawing.ask();
    }
  }

  /** Something about somebody in it changed. */
  redraw() {
    this.#drawing.ask();
  }

  /** Fetch what changed. */
  async renew() {
    const { keeper, log, receipts } = this.#parts;
    if (this.#world.member.transport.state !== "online") return;
    await keeper.refresh();
    if (!powers(this.#scene()).active) return;
    await Promise.all([receipts.book.sync(), log.sync()]);
    await this.#refreshMissing();
    await this.#passing.refresh();
  }

  /** Who can help, as time passes. */
  lookForHelp() {
    return this.#passing.look();
  }

  async #refreshMissing() {
    const { missing } = await this.#world.member.transport.call("circle.missing", { circle: this.circle });
    /** @type {Map<string, Set<string>>} */
    const devices = new Map();
    for (const row of missing) devices.set(row.account, new Set([...(devices.get(row.account) ?? []), row.device]));
    this.#waitingDevices = new Map([...devices].map(([account, some]) => [account, some.size]));
    this.#drawing.ask();
  }

  /** @returns {Scene} */
  #scene() {
    const { member, outbox, escrows } = this.#world;
    const { keeper, log, receipts } = this.#parts;
    return {
      me: member.account, joinedAt: member.joinedAt, now: keeper.now, state: keeper.state, versions: log.versions,
      waiting: outbox.of(this.circle), receipts: receipts.book, accounts: member.accounts, escrows: escrows.value,
    };
  }

  #draw() {
    const { keeper, log } = this.#parts;
    if (this.#holders > 0) this.#passing.untilNextEnd();
    const scene = this.#scene();
    const patient = patientOf(keeper.profile);
    this.info.value = Object.freeze({
      name: keeper.profile?.text ?? "", patient, loaded: keeper.state !== null || this.#isShown, help: this.#passing.help, ...powers(scene),
      ...(keeper.alarm ? { mayPost: false, mayAdd: false, mayLead: false } : {}), alarm: keeper.alarm, audiences: audienceViews(scene),
    });
    this.members.value = memberRows(scene, this.#waitingDevices);
    this.waiting.value = waitingRows(scene);
    const notes = this.#views.rows(scene);
    if (!this.#isFirstUnreadKnown && this.#isShown) {
      this.timeline.patch({ firstUnread: notes.find((note) => note.unread)?.note ?? null });
      this.#isFirstUnreadKnown = true;
    }
    const isSame = notes.length === this.timeline.value.notes.length && notes.every((note, index) => note === this.timeline.value.notes[index]);
    this.timeline.patch({ loaded: this.#isShown, complete: log.isComplete, notes: isSame ? this.timeline.value.notes : Object.freeze(notes) });
    this.#matrices.renew();
  }

  earlier() {
    return acting(async () => {
      if (this.timeline.value.loading) return;
      this.timeline.patch({ loading: true });
      try {
        await this.#parts.log.earlier();
      } finally {
        this.timeline.patch({ loading: false });
        this.#draw();
      }
    });
  }

  /** @param {Draft} draft */
  saveDraft(draft) {
    return acting(async () => {
      await this.#world.drafts.save(this.circle, draft);
      this.draft.value = draft;
    });
  }

  async #loadDraft() {
    this.draft.value = { ...EMPTY_DRAFT, ...(await this.#world.drafts.load(this.circle)) };
  }

  /** @param {Draft} draft */
  post(draft) {
    return acting(async () => {
      const { member, outbox, drafts, prepare } = this.#world;
      this.#parts.keeper.requireSound();
      const replaced = draft.replaces === null ? null : this.#newest(draft.replaces);
      const kept = replaced?.content?.attachments.filter((attachment) => draft.kept.includes(attachment.id)) ?? [];
      const sealed = await sealFiles(member, draft.files, { prepare, besides: kept.length });
      const content = {
        type: draft.type, text: draft.text, form: null, attachments: [...kept, ...sealed.map(({ attachment }) => attachment)],
        reply_to: draft.replyTo ?? replaced?.content?.reply_to ?? null, broadcast: replaced?.content?.broadcast ?? null,
      };
      const at = member.clock.now();
      const audiences = addressed(this.#scene(), draft.audiences, replaced?.envelope);
      const place = replaced ? this.#after(replaced, "correction") : { note: uuid7(at), version: 1, replaces: null, kind: /** @type {const} */ ("post") };
      const writing = { circle: this.circle, ...place, at, audiences, urgent: draft.urgent, acknowledge: draft.acknowledge, mentions: [], content };
      const blobs = sealed.map(({ attachment, blob }) => ({ id: attachment.blob, blob }));
      await outbox.put([writing], { blobs, besides: await drafts.removal(this.circle) });
      this.draft.value = EMPTY_DRAFT;
      this.#draw();
    });
  }

  /** @param {string} note @param {string} reason */
  withdraw(note, reason) {
    return acting(async () => {
      const { member, outbox } = this.#world;
      this.#parts.keeper.requireSound();
      const version = this.#newest(note);
      const content = { type: version.content?.type ?? "GEN", text: reason, form: null, attachments: [], reply_to: null, broadcast: version.content?.broadcast ?? null };
      const at = member.clock.now();
      const place = this.#after(version, "withdrawal");
      await outbox.put([{ circle: this.circle, ...place, at, audiences: addressed(this.#scene(), null, version.envelope), urgent: false, acknowledge: false, mentions: [], content }], { blobs: [] });
      this.#draw();
    });
  }

  /** @param {Version} version @param {"correction" | "withdrawal"} kind */
  #after({ note, version, envelope }, kind) {
    if (this.#world.outbox.of(this.circle).some(({ row }) => row.note === note)) throw declined("still-sending");
    return { note, version: version + 1, replaces: envelope?.digest ?? null, kind };
  }

  /** The newest version that holds. Throws Failure `not_found`. @param {string} note @returns {Version} */
  #newest(note) {
    const version = newestGood(this.#parts.log.versions.get(note) ?? []);
    if (!version || version.damaged !== null) throw declined("not-sent-yet");
    return version;
  }

  /** @param {string} note */
  acknowledge(note) {
    return acting(() => this.#promise([note], ["read", "acknowledged"]));
  }

  /** @param {readonly string[]} notes */
  markRead(notes) {
    return acting(async () => {
      const unread = new Set(this.timeline.value.notes.filter((view) => view.unread).map((view) => view.note));
      await this.#promise(notes.filter((note) => unread.has(note)), ["read"]);
    });
  }

  /** @param {readonly string[]} notes @param {readonly ("read" | "acknowledged")[]} kinds */
  async #promise(notes, kinds) {
    if (notes.length === 0) return;
    const versions = notes.map((note) => this.#newest(note));
    const receipts = versions.flatMap(({ note, version, envelope }) =>
      kinds.map((kind) => ({ circle: this.circle, note, version, envelope: envelope?.digest ?? "", kind })));
    await this.#world.sender.promise(receipts);
    this.#parts.receipts.book.own(receipts);
    this.#draw();
  }

  /** @param {string} note */
  retry(note) {
    return acting(() => this.#world.outbox.retry(note));
  }

  /** @param {string} note */
  discard(note) {
    return acting(() => this.#world.outbox.discard(note));
  }

  /** @param {string} note @param {number} version @param {{ receipts: boolean, files: boolean }} wanted */
  disclose(note, version, wanted) {
    return acting(async () => {
      const { disclose } = await import("./disclosure.js");
      return disclose(this.#world.member, await this.#version(note, version), { circle: this.circle, keys: this.#parts.keeper.keys, wanted });
    });
  }

  /** @param {string} note @param {number} version */
  couldRead(note, version) {
    return acting(async () => {
      const { couldRead } = await import("./note-readers.js");
      const { envelope } = await this.#version(note, version);
      if (!envelope) throw declined("not-readable");
      return couldRead(this.#world.member, this.#parts.keeper, envelope.header);
    });
  }

  /** One that holds. Throws Failure `refused-here` `not-readable`. @param {string} note @param {number} version */
  async #version(note, version) {
    const found = (await this.#parts.log.history(note)).find((one) => one.version === version && one.damaged === null);
    if (!found) throw declined("not-readable");
    return found;
  }

  /** @param {string} note */
  history(note) {
    return acting(async () => (await this.#parts.log.history(note)).map(versionView));
  }

  /** @param {string} note */
  receipts(note) {
    return acting(async () => {
      return this.#matrices.of(note, (error) => this.#world.member.alarms.fault(error, this.circle));
    });
  }

  /** @param {import("./types.js").AttachmentFetch} fetch */
  attachment({ note, version, attachment, onProgress, signal }) {
    return acting(async () => {
      const waiting = this.#world.outbox.of(this.circle).find(({ row }) => row.note === note && row.version === version);
      const known = this.#parts.log.versions.get(note)?.find((one) => one.version === version);
      const content = waiting?.content ?? known?.content ?? (await this.#parts.log.history(note)).find((one) => one.version === version)?.content;
      const found = content?.attachments.find((one) => one.id === attachment);
      if (!found) throw new ProtocolError("key-missing");
      return fetchAttachment(this.#world.member, found, { circle: this.circle, signal, onProgress });
    });
  }

  /** @param {Parameters<OpenCircleView["add"]>[0]} who */
  add(who) {
    return this.#write(adding(this.#world.member, who));
  }

  /** @param {string} account */
  readmit(account) {
    return this.#write(readmitting(this.#world.member, account));
  }

  /** @param {string} account */
  remove(account) {
    return this.#write(removing(this.#world.member, account));
  }

  /** @param {string} account @param {import("./types-audience.js").Change} change */
  change(account, change) {
    return this.#write(changing(this.#world.member, account, change));
  }

  /** @param {string} name @param {readonly string[]} others */
  openAudience(name, others) {
    return this.#write(openingAudience(this.#world.member, name, others));
  }

  leave() {
    return this.#write(leaving(this.#world.member));
  }

  close() {
    return this.#write(closing);
  }

  /** @param {Parameters<typeof append>[2]} plan */
  #write(plan) {
    return acting(async () => {
      await append(this.#world.member, this.#parts.keeper, plan);
      this.#draw();
      this.#world.changed(this.circle);
    });
  }

  /** @param {import("./types-watch.js").AccessesAsked} asked */
  accesses(asked) {
    return acting(async () => {
      const { accessesOf } = await import("./audit-rows.js");
      return accessesOf(this.#world.member, { circle: this.circle, ...asked });
    });
  }

  /** @param {string} note */
  fetchers(note) {
    return acting(async () => {
      const { fetchersOf } = await import("./audit-rows.js");
      const attached = (this.#parts.log.versions.get(note) ?? []).flatMap(({ content }) => content?.attachments ?? []);
      const blobs = [...new Set(attached.map(({ blob }) => blob))];
      return fetchersOf(this.#world.member, { circle: this.circle, note, blobs });
    });
  }
}
