/** From what this device knows of a circle's notes to what a person sees: pure functions, views kept where nothing changed. */
import { attachmentView } from "./attachments.js";
import { readersOf } from "./audiences.js";
import { audiencesOf as namedIn } from "../core/envelope.js";
import { endOf, isActive, roleOf } from "../core/ledger.js";

/** @typedef {import("./types.js").NoteView} NoteView */
/** @typedef {import("./types.js").NoteType} NoteType */
/** @typedef {import("./types.js").ReceiptRow} ReceiptRow */
/** @typedef {import("./note-log.js").Version} Version */
/** @typedef {import("./outbox.js").Waiting} Waiting */
/** @typedef {import("./receipts.js").Seen} Seen */
/** @typedef {import("../core/content.js").Content} Content */
/** @typedef {import("../core/ledger-state.js").CircleState} CircleState */
/**
 * What the views of one circle are made of.
 * @typedef {object} Scene
 * @property {string} me
 * @property {number} joinedAt
 * @property {number} now
 * @property {CircleState | null} state
 * @property {ReadonlyMap<string, readonly Version[]>} versions
 * @property {readonly Waiting[]} waiting
 * @property {import("./receipts.js").ReceiptBook} receipts
 * @property {import("./account-book.js").AccountBook} accounts
 * @property {ReadonlySet<string>} escrows  Accounts that are nobody's (docs/protocol.md §13).
 */
/** @typedef {{ inputs: readonly unknown[], view: NoteView, order: number }} Cached */

const EXCERPT = 120;
/** @type {Seen} */
const NOTHING = Object.freeze({ stored: null, read: null, acknowledged: null });

/** The rows of a timeline, which remembers those that did not change. */
export class TimelineViews {
  /** @type {Map<string, Cached>} */ #cache = new Map();

  /** In the server's order, the outbox last. @param {Scene} scene @returns {NoteView[]} */
  rows(scene) {
    /** @type {Map<string, Cached>} */
    const cache = new Map();
    for (const [note, versions] of scene.versions) cache.set(note, this.#row(scene, note, versions));
    for (const { row } of scene.waiting) if (!cache.has(row.note)) cache.set(row.note, this.#row(scene, row.note, []));
    this.#cache = cache;
    return [...cache.values()].sort((one, other) => one.order - other.order).map(({ view }) => view);
  }

  /** @param {Scene} scene @param {string} note @param {readonly Version[]} versions @returns {Cached} */
  #row(scene, note, versions) {
    const waiting = scene.waiting.findLast(({ row }) => row.note === note) ?? null;
    const shown = newestGood(versions);
    const version = waiting?.row.version ?? shown?.version ?? 1;
    const seen = scene.receipts.of({ note, version, envelope: envelopeOf(versions, version) });
    const said = waiting?.content ?? shown?.content ?? null;
    const replied = said?.reply_to ? (scene.versions.get(said.reply_to) ?? null) : null;
    const account = shown?.envelope ? scene.accounts.known.get(shown.envelope.header.account) : null;
    const inputs = [versions, waiting, seen, replied, account, scene.state, scene.receipts.coversSince, scene.escrows];
    const before = this.#cache.get(note);
    if (before && inputs.every((input, index) => input === before.inputs[index])) return before;
    const view = Object.freeze(noteView(scene, { note, versions, waiting, seen }));
    return { inputs, view, order: view.seq ?? Number.MAX_SAFE_INTEGER / 2 + (waiting?.row.order ?? 0) };
  }
}

/** The newest version that holds; where none does, the newest. @param {readonly Version[]} versions @returns {Version | null} */
export const newestGood = (versions) => versions.findLast((version) => version.damaged === null) ?? versions.at(-1) ?? null;

/** The hash of the envelope that holds among these. @param {readonly Version[]} versions @param {number} version */
const envelopeOf = (versions, version) => versions.find((one) => one.version === version && one.damaged === null)?.envelope?.digest ?? null;

/** @param {Scene} scene @param {{ note: string, versions: readonly Version[], waiting: Waiting | null, seen: ReadonlyMap<string, Seen> }} of @returns {NoteView} */
function noteView(scene, { note, versions, waiting, seen }) {
  const shown = newestGood(versions);
  const header = shown?.envelope?.header ?? null;
  const account = header?.account ?? (waiting ? scene.me : "");
  const said = waiting?.content ?? shown?.content ?? null;
  const kind = waiting?.row.kind ?? header?.kind ?? "post";
  const [first, version, at] = [versions[0] ?? null, waiting?.row.version ?? shown?.version ?? 1, waiting?.row.at ?? header?.at ?? shown?.at ?? 0];
  const writtenAt = first?.envelope?.header.at ?? at;
  const isWithdrawn = kind === "withdrawal";
  const audiences = waiting?.row.audiences ?? (header ? namedIn(header) : []);
  return {
    note, version, seq: first?.seq ?? null, account, ...personOf(scene, account), mine: account === scene.me,
    at: writtenAt, correctedAt: version > 1 && !isWithdrawn ? at : null,
    type: /** @type {NoteType} */ (said?.type ?? "GEN"), text: isWithdrawn ? "" : (said?.text ?? ""),
    urgent: waiting?.row.urgent ?? header?.urgent ?? false, acknowledge: waiting?.row.acknowledge ?? header?.acknowledge ?? false,
    acknowledged: (seen.get(scene.me) ?? NOTHING).acknowledged !== null,
    unread: isUnread(scene, { account, shown, waiting, seen }),
    attachments: said ? said.attachments.map(attachmentView) : [],
    replyTo: said?.reply_to ? replyView(scene, said.reply_to) : null,
    withdrawn: isWithdrawn ? { at, reason: said?.text ?? "" } : null,
    locked: !waiting && shown?.isLocked ? { since: Math.max(shown.at, scene.joinedAt) } : null,
    damaged: waiting ? null : (shown?.damaged ?? null), sending: waiting?.sending ?? null,
    seen: counted(scene, { author: account, audiences, seen }), broadcast: said?.broadcast ?? null, audiences,
  };
}

/** @param {Scene} scene @param {{ account: string, shown: Version | null, waiting: Waiting | null, seen: ReadonlyMap<string, Seen> }} of */
function isUnread(scene, { account, shown, waiting, seen }) {
  if (waiting || !shown || account === scene.me || shown.damaged !== null) return false;
  if (shown.at < scene.receipts.coversSince) return false; // older than the receipts this device has
  const { read, acknowledged } = seen.get(scene.me) ?? NOTHING;
  return read === null && acknowledged === null;
}

/** @param {Scene} scene @param {string} account */
export function personOf({ accounts }, account) {
  const profile = accounts.known.get(account)?.profile;
  return { author: profile?.name ?? "", profession: profile?.profession ?? "" };
}

/** @param {Scene} scene @param {string} note @returns {import("./types.js").ReplyView} */
function replyView(scene, note) {
  const shown = newestGood(scene.versions.get(note) ?? []);
  const account = shown?.envelope?.header.account ?? "";
  const isShown = shown?.content && shown.envelope?.header.kind !== "withdrawal";
  const excerpt = isShown ? /** @type {Content} */ (shown.content).text.slice(0, EXCERPT) : "";
  return { note, author: personOf(scene, account).author, excerpt, type: /** @type {NoteType | null} */ (shown?.content?.type ?? null) };
}

/** @param {Scene} scene @param {{ author: string, audiences: readonly string[], seen: ReadonlyMap<string, Seen> }} of */
function counted(scene, { author, audiences, seen }) {
  const people = readersOf(scene, audiences).filter((account) => account !== author);
  const has = (/** @type {(one: Seen) => boolean} */ test) => people.filter((account) => test(seen.get(account) ?? NOTHING)).length;
  return {
    people: people.length,
    stored: has((one) => one.stored !== null || one.read !== null || one.acknowledged !== null),
    read: has((one) => one.read !== null || one.acknowledged !== null),
    acknowledged: has((one) => one.acknowledged !== null),
  };
}

/**
 * Who has seen the newest of these versions of a note: everybody who may read it but its author, and whoever did and left.
 * @param {Scene} scene @param {{ note: string, versions: readonly Version[], author: string, audiences?: readonly string[] | undefined }} of
 *   `audiences`: of a note that is on its way
 * @returns {ReceiptRow[]}
 */
export function receiptRows(scene, { note, versions, author, audiences = [] }) {
  const version = newestGood(versions)?.version ?? 1;
  const of = (/** @type {number} */ one) => scene.receipts.of({ note, version: one, envelope: envelopeOf(versions, one) });
  const seen = of(version);
  const header = newestGood(versions)?.envelope?.header;
  const members = readersOf(scene, header ? namedIn(header) : audiences);
  const earlier = Array.from({ length: version - 1 }, (_, index) => version - 1 - index);
  const accounts = new Set([...members, ...seen.keys(), ...earlier.flatMap((older) => [...of(older).keys()])]);
  accounts.delete(author);
  return [...accounts].map((account) => {
    const { author: name, profession } = personOf(scene, account);
    const { stored, read, acknowledged } = seen.get(account) ?? NOTHING;
    const firstRead = read ?? acknowledged;
    const last = firstRead === null ? earlier.find((older) => (of(older).get(account) ?? NOTHING).read !== null) : undefined;
    return Object.freeze({
      account, name, profession, active: members.includes(account), stored: stored ?? firstRead, read: firstRead, acknowledged, earlierVersion: last ?? null,
    });
  });
}

/** @param {Version} version @returns {import("./types.js").NoteVersion} */
export function versionView({ version, at, envelope, content, isLocked }) {
  const header = envelope?.header;
  const kind = header?.kind === "correction" || header?.kind === "withdrawal" ? header.kind : "post";
  return {
    version, at: header?.at ?? at, kind, type: /** @type {NoteType} */ (content?.type ?? "GEN"), text: content?.text ?? "",
    attachments: content ? content.attachments.map(attachmentView) : [], urgent: header?.urgent ?? false, locked: isLocked,
  };
}

/**
 * @param {Scene} scene @param {ReadonlyMap<string, number>} waitingDevices per account, devices whose keys are on the way
 * @returns {import("./types.js").MemberRow[]}
 */
export function memberRows({ state, accounts, me, now }, waitingDevices) {
  if (!state) return [];
  const mine = state.members.get(me);
  const myRole = mine && isActive(mine, now) ? roleOf(mine) : null;
  return [...state.members.values()].map((member) => {
    const profile = accounts.known.get(member.account)?.profile;
    const [last, isCurrent] = [/** @type {import("../core/ledger-state.js").Period} */ (member.periods.at(-1)), isActive(member, now)];
    const isOwn = member.account === me;
    const mayRemove = !isOwn && last.removedAt === null && !state.closed && (myRole === "lead" || (myRole === "professional" && member.addedBy === me));
    return Object.freeze({
      account: member.account, name: profile?.name ?? "", profession: profile?.profession ?? "", organisation: profile?.organisation ?? "",
      role: last.role, me: isOwn, active: isCurrent, since: sinceOf(member), until: last.until, history: historyOf(member),
      audiences: last.audiences, endedAt: isCurrent ? null : endOf(last), earlier: staysOf(member).slice(0, -1),
      addedBy: accounts.known.get(member.addedBy)?.profile.name ?? null, mayRemove, waitingDevices: waitingDevices.get(member.account) ?? 0,
    });
  });
}

/** When the member came. @param {import("../core/ledger-state.js").Member} member */
const sinceOf = (member) => /** @type {import("./types-audience.js").Stay} */ (staysOf(member).at(-1)).since;

/** The times the member was here: a change of role or audiences goes on with the same one. @param {import("../core/ledger-state.js").Member} member */
function staysOf({ periods }) {
  /** @type {import("./types-audience.js").Stay[]} */
  const stays = [];
  for (const [index, period] of periods.entries()) {
    const isContinued = index > 0 && periods[index - 1]?.endedSeq === period.seq;
    const since = isContinued ? /** @type {import("./types-audience.js").Stay} */ (stays.pop()).since : period.since;
    stays.push(Object.freeze({ since, until: endOf(period) }));
  }
  return stays;
}

/** @param {import("../core/ledger-state.js").Member} member @returns {"all" | "none" | number} */
function historyOf(member) {
  if (member.history === 0) return "all";
  return member.history === sinceOf(member) ? "none" : member.history;
}

/** What one may do in a circle. @param {Pick<Scene, "state" | "me" | "now">} scene */
export function powers({ state, me, now }) {
  const mine = state?.members.get(me);
  const isIn = mine !== undefined && isActive(mine, now);
  const role = mine ? roleOf(mine) : null;
  const isOpen = state !== null && isIn && !state.closed;
  const leads = state ? [...state.members.values()].filter((member) => isActive(member, now) && roleOf(member) === "lead" && member.periods.at(-1)?.until === null) : [];
  const isOnlyLead = leads.every((member) => member.account === me);
  return {
    role, active: isIn, closed: state?.closed ?? false, mayPost: isOpen && role !== "bot",
    mayAdd: isOpen && (role === "lead" || role === "professional"), mayLead: isOpen && role === "lead", mayLeave: isOpen && !isOnlyLead,
  };
}
