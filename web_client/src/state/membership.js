/** Writing a circle's ledger: who comes, who goes, which key comes next; grants and profile go with it in one step. */
import { randomBytes, uuid7 } from "../core/bytes.js";
import { ENTROPY_SIZE, peek as peekEnvelope, seal as sealEnvelope } from "../core/envelope.js";
import { keyName, openOperation } from "../core/epoch.js";
import { ProtocolError } from "../core/errors.js";
import { seal as sealGrant } from "../core/grant.js";
import { apply, audiencesOf, currentEpoch, entitled, isActive, lastPeriod, reads, rotationDue, TEAM, writeEntry } from "../core/ledger.js";
import { owedFor } from "../core/ledger-rules.js";
import { Refusal } from "../core/refusal.js";
import { CircleKeeper } from "./circle-keeper.js";
import { declined } from "./failure.js";
import { each } from "./lane.js";
import { ownAccount } from "./member.js";
import { waitingOf } from "./resets.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/content.js").Content} Content */
/** @typedef {import("../core/grant.js").EpochKey} EpochKey */
/** @typedef {import("../core/ledger.js").CircleState} CircleState */
/** @typedef {import("../core/ledger.js").Operation} Operation */
/** @typedef {import("../core/ledger-state.js").Entitlement} Entitlement */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {{ operations: readonly Operation[], open: readonly string[] }} Plan what to write, and the audiences that get a new epoch with it */
/** @typedef {{ entry: Bytes, grants: Bytes[], profile: Bytes | null, state: CircleState, epochs: EpochKey[] }} Change an entry and all that is stored with it */

const TRIES = 6;
const SEALED_AT_ONCE = 2;

/** Start a circle; returns its id. @param {Member} member @param {Content} profile @returns {Promise<CircleKeeper>} */
export async function create(member, profile) {
  const { account, clock } = member;
  const mine = ownAccount(member);
  const at = clock.now();
  const epochs = [{ audience: TEAM, epoch: 1, key: randomBytes(32) }];
  /** @type {Operation[]} */
  const operations = [
    { op: "create", nonce: randomBytes(16) },
    { op: "member.add", account, account_head: mine.head, role: "lead", audiences: [TEAM], since: at, until: null, history: 0 },
    ...(await Promise.all(epochs.map(({ audience, epoch, key }) => openOperation(audience, epoch, key)))),
  ];
  const entry = await writeEntry(null, member.keys, { account, accountHead: mine.head, at, operations });
  const state = await apply(null, entry, mine);
  const grants = await sealGrants(member, state, { wanted: entitled(state, new Map([[account, mine]]), at), epochs });
  const sealed = await sealProfile(member, state, { profile, keys: keysOf(epochs), previous: null });
  await member.transport.call("circle.create", { entry, grants, profile: sealed });
  const keeper = new CircleKeeper(member, state.circle);
  await keeper.accept(state, { profile: sealed, epochs });
  return keeper;
}

/** What is told to whoever does not know yet of a device that came or went. */
const UNKNOWN_DEVICE = new Set(["grants-missing", "not-entitled"]);

/**
 * Write the next entry; of two rivals one is told `conflict` and plans again on top of the other. So does who did not know
 * of a device that came or went meanwhile.
 * @param {Member} member @param {CircleKeeper} keeper @param {(state: CircleState, at: number) => Plan | Promise<Plan>} plan
 */
export async function append(member, keeper, plan) {
  for (let attempt = 1; ; attempt++) {
    await keeper.refresh({ isForced: true });
    keeper.requireSound();
    const at = Math.max(member.clock.now(), keeper.known.at + 1); // a history that begins now must not reach an epoch opened then
    const { operations, open } = await plan(keeper.known, at);
    if (operations.length + open.length === 0) return;
    const change = await prepare(member, keeper, { operations, open, at });
    try {
      const { entry, grants, profile } = change;
      await member.transport.call("circle.append", { circle: keeper.circle, entry, grants, profile });
      return await keeper.accept(change.state, change);
    } catch (error) {
      const isOutdated = error instanceof Refusal && UNKNOWN_DEVICE.has(error.reason ?? "");
      const isRival = error instanceof Refusal && error.code === "conflict";
      if (!(isOutdated || isRival) || attempt === TRIES) throw error;
      if (isOutdated) await member.accounts.get(keeper.known.members.keys(), { isFresh: true });
    }
  }
}

/** @param {Member} member @param {CircleKeeper} keeper @param {Plan & { at: number }} plan @returns {Promise<Change>} */
async function prepare(member, keeper, { operations, open, at }) {
  const before = keeper.known;
  const mine = ownAccount(member);
  const epochs = open.map((audience) => ({ audience, epoch: (before.audiences.get(audience)?.epoch ?? 0) + 1, key: randomBytes(32) }));
  const opens = await Promise.all(epochs.map(({ audience, epoch, key }) => openOperation(audience, epoch, key)));
  const act = { account: member.account, accountHead: mine.head, at, operations: [...operations, ...opens] };
  const entry = await writeEntry(before, member.keys, act);
  const state = await apply(before, entry, mine);
  const accounts = await member.accounts.get(state.members.keys());
  const held = keeper.keys;
  const keys = new Map([...held, ...keysOf(epochs)]);
  const already = new Set(entitled(before, accounts, at).map(entitlementName));
  const wanted = entitled(state, accounts, at).filter((one) => !already.has(entitlementName(one)));
  const grants = await sealGrants(member, state, { wanted, epochs: allOf(keys) });
  const profile = open.length > 0 ? await sealProfile(member, state, { profile: requireProfile(keeper), keys, previous: keeper.profileEnvelope }) : null;
  return { entry, grants, profile, state, epochs };
}

/** @param {CircleKeeper} keeper @returns {Content} */
function requireProfile(keeper) {
  if (!keeper.profile) throw declined("locked"); // who cannot read the profile cannot seal it again
  return keeper.profile;
}

/** @param {Entitlement} one */
const entitlementName = ({ device, audience, epoch }) => `${device} ${audience} ${epoch}`;

/** @param {readonly EpochKey[]} epochs @returns {Map<string, Bytes>} */
const keysOf = (epochs) => new Map(epochs.map(({ audience, epoch, key }) => [keyName(audience, epoch), key]));

/** @param {ReadonlyMap<string, Bytes>} keys @returns {EpochKey[]} */
function allOf(keys) {
  return [...keys].map(([name, key]) => {
    const [audience, epoch] = /** @type {[string, string]} */ (name.split(" "));
    return { audience, epoch: Number(epoch), key };
  });
}

/**
 * One grant for each device, of the keys there are.
 * @param {Member} member @param {CircleState} state
 * @param {{ wanted: readonly Entitlement[], epochs: readonly EpochKey[] }} what
 */
export async function sealGrants(member, state, { wanted, epochs }) {
  const held = new Map(epochs.map((epoch) => [keyName(epoch.audience, epoch.epoch), epoch]));
  /** @type {Map<string, { account: string, epochs: EpochKey[] }>} */
  const perDevice = new Map();
  for (const { account, device, audience, epoch } of wanted) {
    const key = held.get(keyName(audience, epoch));
    const row = perDevice.get(device) ?? { account, epochs: [] };
    if (key) perDevice.set(device, { account, epochs: [...row.epochs, key] });
  }
  return each([...perDevice], SEALED_AT_ONCE, async ([id, row]) => {
    const device = member.accounts.require(row.account).devices.get(id)?.device;
    if (!device) throw new ProtocolError("not-a-device");
    const { account: granter, clock } = member;
    return sealGrant(member.keys, device, { circle: state.circle, account: row.account, granter, epochs: row.epochs, at: clock.now() });
  });
}

/**
 * The circle's profile for every audience, under its current epoch.
 * @param {Member} member @param {CircleState} state
 * @param {{ profile: Content, keys: ReadonlyMap<string, Bytes>, previous: Bytes | null }} what
 */
async function sealProfile(member, state, { profile, keys, previous }) {
  const before = previous ? await peekEnvelope(previous) : null;
  const at = member.clock.now();
  const draft = {
    circle: state.circle, note: before?.header.note ?? uuid7(at), version: (before?.header.version ?? 0) + 1,
    replaces: before?.digest ?? null, kind: /** @type {const} */ ("profile"), account: member.account, at,
    ledger_seq: state.seq, ledger_head: state.head, urgent: false, acknowledge: false, mentions: [],
  };
  const to = [...state.audiences.keys()].map((audience) => recipient(member, state, { audience, keys }));
  return sealEnvelope(member.keys, draft, profile, { to, entropy: randomBytes(ENTROPY_SIZE) });
}

/**
 * How an audience is sealed to: by its epoch's key where this member reads, else by its inbox key.
 * Throws Failure `refused-here` `locked` while a key the member reads with is on its way.
 * @param {Member} member @param {CircleState} state @param {{ audience: string, keys: ReadonlyMap<string, Bytes> }} what
 * @returns {import("../core/envelope.js").To}
 */
export function recipient(member, state, { audience, keys }) {
  const { epoch, inboxKey } = currentEpoch(state, audience);
  const mine = state.members.get(member.account);
  if (!mine || !lastPeriod(mine).audiences.includes(audience) || lastPeriod(mine).role === "bot") return { audience, epoch, inboxKey };
  const key = keys.get(keyName(audience, epoch));
  if (!key) throw declined("locked");
  return { audience, epoch, key };
}

/** Invite an account to audiences that are there. @param {Member} member @param {import("./types-audience.js").Addition} who */
export function adding(member, { account, role, audiences, history, until }) {
  return async (/** @type {CircleState} */ state, /** @type {number} */ at) => {
    const accounts = await member.accounts.get([account], { isFresh: true });
    const head = accounts.get(account)?.head ?? "";
    /** @type {Operation} */
    const operation = { op: "member.add", account, account_head: head, role, audiences: [...audiences], since: at, until, history: beginning(role, history, at) };
    return { operations: [operation], open: owedFor(state, member.account, operation) };
  };
}

/** Who reads nothing needs no key to change for it. @param {string} role @param {"all" | "none" | number} history @param {number} at */
function beginning(role, history, at) {
  if (history === "all" || role === "bot") return 0;
  return history === "none" ? at : Math.min(history, at);
}

/** Remove another, and open the next epochs in the same step. @param {Member} member @param {string} account */
export function removing(member, account) {
  return (/** @type {CircleState} */ state) => {
    /** @type {Operation} */
    const operation = { op: "member.remove", account };
    return { operations: [operation], open: owedFor(state, member.account, operation) };
  };
}

/** Another role, other audiences, another end. @param {Member} member @param {string} account @param {import("./types-audience.js").Change} change */
export function changing(member, account, { role, audiences, until }) {
  return (/** @type {CircleState} */ state) => {
    const changed = state.members.get(account);
    if (!changed) throw new ProtocolError("not-a-member");
    /** @type {Operation} */
    const operation = { op: "member.change", account, role, audiences: [...audiences], until };
    const owed = owedFor(state, member.account, operation);
    return { operations: [operation], open: [...owed, ...unreadable(state, changed, audiences).filter((name) => !owed.includes(name))] };
  };
}

/** Audiences whose current epoch opened before the member's history: its key would never be granted. @param {CircleState} state @param {import("../core/ledger-state.js").Member} changed @param {readonly string[]} audiences */
function unreadable(state, changed, audiences) {
  const gained = audiences.filter((name) => !audiencesOf(changed).includes(name));
  return gained.filter((name) => currentEpoch(state, name).openedAt < changed.history);
}

/** Open a further audience, with oneself and these members in it. @param {Member} member @param {string} name @param {readonly string[]} others */
export function openingAudience(member, name, others) {
  return (/** @type {CircleState} */ state) => {
    if (state.audiences.has(name)) throw declined("audience-exists");
    const operations = [member.account, ...others].map((account) => {
      const joining = state.members.get(account);
      if (!joining) throw new ProtocolError("not-a-member");
      const { role, until } = lastPeriod(joining);
      return { op: /** @type {const} */ ("member.change"), account, role, audiences: [...audiencesOf(joining), name], until };
    });
    return { operations, open: [name] };
  };
}

/** Give whoever took the place of a member that was reset its place in the circle, under new epochs. @param {Member} member @param {string} account the old one */
export function readmitting(member, account) {
  return async (/** @type {CircleState} */ state, /** @type {number} */ at) => {
    const waits = waitingOf(member.accounts, state, at).find((one) => one.account === account);
    if (!waits) throw declined("nobody-waits");
    await member.accounts.get([waits.by], { isFresh: true }); // with every device there is by now
    /** @type {Operation} */
    const operation = { op: "member.readmit", account, account_head: member.accounts.require(waits.by).head, statements: member.accounts.resetsOf(account) };
    return { operations: [operation], open: owedFor(state, member.account, operation) };
  };
}

/** Leave: the others open the next epoch, so that who left does not know it. @param {Member} member */
export const leaving = (member) => () => ({ operations: [{ op: /** @type {const} */ ("member.remove"), account: member.account }], open: [] });

/** For everybody and for good. */
export const closing = () => ({ operations: [{ op: /** @type {const} */ ("close") }], open: [] });

/** Open the next epoch of every audience where that is due and this member may. @param {Member} member */
export const rotating = (member) => (/** @type {CircleState} */ state, /** @type {number} */ at) => ({ operations: [], open: dueFor(member, state, at) });

/** The audiences whose epoch is due, among those this member reads. @param {Member} member @param {CircleState} state @param {number} at */
export function dueFor(member, state, at) {
  const mine = state.members.get(member.account);
  if (!mine || !isActive(mine, at) || state.closed) return [];
  const accounts = member.accounts.having(state.members.keys());
  return [...state.audiences.keys()].filter((audience) => reads(mine, audience, at) && rotationDue(state, audience, { at, accounts }) !== null);
}
