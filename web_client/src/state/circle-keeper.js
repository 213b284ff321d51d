/**
 * One circle as this device knows it: its ledger, verified and pinned; the epoch keys granted to the device; the circle's
 * profile. Kept in the database, so that it is all there without a network.
 */
import { digest } from "../core/cose.js";
import { isContentKey, openEnvelope, peek as peekEnvelope, verify as verifyEnvelope } from "../core/envelope.js";
import { keyName } from "../core/epoch.js";
import { ProtocolError } from "../core/errors.js";
import { nameOf, openGrant, peek as peekGrant } from "../core/grant.js";
import { apply, isActive, momentOf, peekEntry, readableEpochs } from "../core/ledger.js";
import { checkCouldPost } from "../core/posting.js";
import { Lane } from "./lane.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/ledger-state.js").CircleState} CircleState */
/** @typedef {import("../core/content.js").Content} Content */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {{ circle: string, state: CircleState | null, profile: Bytes | null, grantsAfter: number, alarm: "fork" | "rollback" | null, lockedSince: number | null,
 *   profileVersion?: number }} Kept `profileVersion`: the newest opened */

const SEALED_IN_VAIN = new Set(["cannot-open", "wrong-key"]); // what the server cannot see of a grant
const GRANTS_PAGE = 100; // whoever gets so many asks once more
const LEDGER_CHANGED = new Set(["not-a-device", "wrong-account"]);
const CLOCK_AHEAD = 600_000; // milliseconds: as far as the server lets anybody be

export class CircleKeeper {
  #member;
  #lane = new Lane();
  /** @type {Kept} */ #kept;
  /** @type {Map<string, Bytes>} */ #keys = new Map();
  /** @type {Content | null} */ profile = null;
  /** @type {Promise<void> | null} */ #loading = null;
  #isFresh = false;
  /** When the ledger was last fetched to its end, by this device's clock. */
  fetchedAt = 0;
  /** @type {Set<() => void>} */ #watchers = new Set();

  /** @param {Member} member @param {string} circle */
  constructor(member, circle) {
    this.circle = circle;
    this.#member = member;
    this.#kept = { circle, state: null, profile: null, grantsAfter: 0, alarm: null, lockedSince: null };
  }

  /** Null until the ledger was fetched once. @returns {CircleState | null} */
  get state() {
    return this.#kept.state;
  }

  /** Throws ProtocolError `not-a-member` while nothing is known. @returns {CircleState} */
  get known() {
    if (!this.#kept.state) throw new ProtocolError("not-a-member", { about: { isOwn: true } });
    return this.#kept.state;
  }

  /** The time to judge this circle by. */
  get now() {
    const now = this.#member.clock.now();
    return this.state ? momentOf(this.state, now) : now;
  }

  /** By `keyName`. @returns {ReadonlyMap<string, Bytes>} */
  get keys() {
    return this.#keys;
  }

  get alarm() {
    return this.#kept.alarm;
  }

  get profileEnvelope() {
    return this.#kept.profile;
  }

  /** Since when a key this device is entitled to is on its way; null: none is. */
  get lockedSince() {
    return this.#kept.lockedSince;
  }

  /** The member's own row, if it has one. */
  get self() {
    return this.state?.members.get(this.#member.account);
  }

  /** @param {() => void} watcher @returns {() => void} stops watching */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /** Read what the device has. */
  load() {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** What is known may be old now. */
  expire() {
    this.#isFresh = false;
  }

  /**
   * As the server has it now. Throws ProtocolError for what does not hold: `fork` and `rollback` are kept as an alarm.
   * @param {{ isForced?: boolean }} [options] `isForced`: even if nothing was told to have changed
   */
  async refresh({ isForced = false } = {}) {
    await this.load();
    await this.#lane.run(async () => {
      if (this.#isFresh && !isForced) return;
      await this.#fetchLedger();
      await this.#fetchGrants();
      await this.#openProfile();
      this.#isFresh = true;
      this.#tell();
    });
  }

  /** Grants came. */
  async refreshGrants() {
    await this.load();
    await this.#lane.run(async () => {
      if (!this.state) return;
      await this.#fetchGrants();
      await this.#openProfile();
      this.#tell();
    });
  }

  /**
   * What was written here and accepted by the server.
   * @param {CircleState} state @param {{ profile: Bytes | null, epochs: readonly import("../core/grant.js").EpochKey[] }} made
   */
  async accept(state, { profile, epochs }) {
    await this.load();
    await this.#lane.run(async () => {
      for (const { audience, epoch, key } of epochs) this.#keys.set(keyName(audience, epoch), key);
      const writes = await this.#member.keyStore.epochWrites(this.circle, epochs);
      const isNewer = !this.state || state.seq > this.state.seq;
      if (isNewer) await this.#keep({ state, profile: profile ?? this.#kept.profile }, writes);
      else await this.#member.database.write(writes);
      await this.#openProfile();
      this.#tell();
    });
  }

  /** A contradiction. @param {"fork" | "rollback"} kind @param {import("../core/errors.js").About} [about] what brought it to light */
  async contradict(kind, { of, seq, isKnown = false } = {}) {
    await this.#keep({ alarm: kind });
    this.#member.alarms.raise(kind, this.circle, null, isKnown ? null : { of: of ?? null, seq: seq ?? null });
    this.#tell();
  }

  /**
   * Loads, and where the key handed over for this version alone is not its own: find the true one among the grants, and report the others
   * as a wrong epoch key is. Without a connection it stays as it was.
   * @param {import("../core/envelope.js").Envelope} envelope
   */
  async settle(envelope) {
    await this.load();
    const { note, version } = envelope.header;
    const own = this.#keys.get(keyName(note, version));
    if (!own || (await isContentKey(envelope, own))) return;
    try {
      await this.#lane.run(async () => this.#settle(envelope));
    } catch (error) {
      this.#member.alarms.fault(error, this.circle);
    }
  }

  /** @param {import("../core/envelope.js").Envelope} envelope */
  async #settle(envelope) {
    const { judged } = await import("./own-keys.js");
    const { note, version } = envelope.header;
    const { key, unfit } = await judged(this.#member, this.known, { envelope, grants: await this.#allGrants() });
    for (const granter of unfit.values()) this.#member.alarms.wrongKey(new ProtocolError("wrong-key"), this.circle, this.#member.accounts.nameOf(granter));
    if (unfit.size > 0) await this.#member.transport.call("circle.unopenable", { circle: this.circle, grants: [...unfit.keys()] });
    const at = { audience: note, epoch: version };
    if (key) await this.#member.database.write(await this.#member.keyStore.epochWrites(this.circle, [{ ...at, key }]));
    else await this.#member.database.write([{ store: "epochs", delete: [this.circle, note, version] }]);
    if (key) this.#keys.set(keyName(note, version), key);
    else this.#keys.delete(keyName(note, version));
  }

  async #allGrants() {
    /** @type {Bytes[]} */
    const all = [];
    for (let after = 0, isMore = true; isMore;) {
      const { grants, last } = await this.#member.transport.call("circle.grants", { circle: this.circle, after });
      all.push(...grants);
      isMore = grants.length >= GRANTS_PAGE && last > after;
      after = last;
    }
    return all;
  }

  /** Nothing is written to a circle whose ledger contradicted itself. Throws ProtocolError `fork`, `rollback`. */
  requireSound() {
    if (this.alarm) throw new ProtocolError(this.alarm, { about: { isKnown: true } });
  }

  async #load() {
    const kept = await this.#member.database.get("circles", this.circle);
    if (kept) this.#kept = kept;
    this.#keys = await this.#member.keyStore.epochKeys(this.circle);
    if (this.lockedSince === null && this.#isLacking()) this.#kept = { ...this.#kept, grantsAfter: 0, lockedSince: this.#member.clock.now() }; // lost: they are granted already
    await this.#openProfile();
    this.#tell();
  }

  async #fetchLedger() {
    try {
      await this.#followLedger();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { reason, about } = error;
      if (about.account === undefined && (reason === "fork" || reason === "rollback")) await this.contradict(reason, about);
      else this.#member.alarms.fault(error, this.circle);
      throw error;
    }
  }

  async #followLedger() {
    const before = this.state;
    let { state, profile } = this.#kept;
    for (let isMore = true; isMore;) {
      const from = state ? state.seq : 0;
      const page = await this.#member.transport.call("circle.ledger", { circle: this.circle, from_seq: from });
      const entries = state ? await sinceHead(state, page.entries) : page.entries;
      state = await this.#follow(state, entries);
      profile = page.profile;
      isMore = page.more;
    }
    if (!state || state.circle !== this.circle) throw new ProtocolError("wrong-circle");
    if (state.at > this.#member.clock.now() + CLOCK_AHEAD) throw new ProtocolError("time-ahead"); // nobody could write after it
    this.fetchedAt = Date.now();
    await this.#member.accounts.get(state.members.keys());
    if (state !== before || profile !== this.#kept.profile) await this.#keep({ state, profile });
  }

  /** @param {CircleState | null} state @param {readonly Bytes[]} entries */
  async #follow(state, entries) {
    const peeked = await Promise.all(entries.map(peekEntry));
    const accounts = await this.#member.accounts.get(peeked.map((entry) => entry.account));
    for (const [index, data] of entries.entries()) {
      const { account } = /** @type {import("../core/ledger-operations.js").Entry} */ (peeked[index]);
      state = await this.#followOne(state, data, /** @type {import("../core/account.js").AccountState} */ (accounts.get(account)));
    }
    return state;
  }

  /** A device unknown to a chain that is old here is looked for once more in the newest chain. @param {CircleState | null} state @param {Bytes} data @param {import("../core/account.js").AccountState} author */
  async #followOne(state, data, author) {
    try {
      return await apply(state, data, author);
    } catch (error) {
      if (!(error instanceof ProtocolError) || !LEDGER_CHANGED.has(error.reason)) throw error;
      const fresh = await this.#member.accounts.get([author.account], { isFresh: true });
      return apply(state, data, /** @type {import("../core/account.js").AccountState} */ (fresh.get(author.account)));
    }
  }

  async #fetchGrants() {
    while (await this.#fetchSomeGrants());
  }

  /** As many as one answer holds. @returns {Promise<boolean>} may there be more? */
  async #fetchSomeGrants() {
    const { grantsAfter: after } = this.#kept;
    const { grants, last } = await this.#member.transport.call("circle.grants", { circle: this.circle, after });
    /** @type {import("../core/grant.js").EpochKey[]} */
    const epochs = [];
    /** @type {string[]} */
    const unfit = [];
    for (const data of grants) {
      const opened = await this.#openGrant(data, unfit);
      for (const { audience, epoch, key } of opened) this.#keys.set(keyName(audience, epoch), key);
      epochs.push(...opened);
    }
    const writes = await this.#member.keyStore.epochWrites(this.circle, epochs);
    if (unfit.length > 0) await this.#member.transport.call("circle.unopenable", { circle: this.circle, grants: unfit });
    const lockedSince = this.#isLacking() ? (this.#kept.lockedSince ?? this.#member.clock.now()) : null;
    if (writes.length > 0 || last !== after || lockedSince !== this.#kept.lockedSince) await this.#keep({ grantsAfter: last, lockedSince }, writes);
    return grants.length >= GRANTS_PAGE && last > after;
  }

  /**
   * A grant that does not hold is nobody's: it is shown, and the others are opened. One that holds no true key is its
   * granter's doing, and is named to the server, so that its keys are handed over again.
   * @param {Bytes} data @param {string[]} unfit takes its hash @returns {Promise<import("../core/grant.js").EpochKey[]>}
   */
  async #openGrant(data, unfit) {
    try {
      const grant = peekGrant(data);
      const isKnown = grant.keys.every((name) => this.#keys.has(nameOf(name)));
      if (isKnown) return [];
      if (this.#isAhead(grant)) await this.#fetchLedger();
      const granters = await this.#member.accounts.get([grant.granter]);
      const granter = /** @type {import("../core/account.js").AccountState} */ (granters.get(grant.granter));
      const opened = await openGrant(data, this.#member.keys, { state: this.known, granter });
      const wanted = grant.keys.filter((name) => !("note" in name && this.#keys.has(nameOf(name)))); // which nobody takes the place of, until `settle` has judged it
      return wanted.map((name) => ({ ...placeOf(name), key: /** @type {Bytes} */ (opened.get(nameOf(name))) }));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (!SEALED_IN_VAIN.has(error.reason)) this.#member.alarms.fault(error.concerning({ of: await digest(data) }), this.circle);
      else {
        unfit.push(await digest(data));
        this.#member.alarms.wrongKey(error, this.circle, this.#member.accounts.nameOf(peekGrant(data).granter));
      }
      return [];
    }
  }

  /** Was it made with an entry that this ledger does not have yet? It is not given twice. @param {import("../core/grant.js").Grant} grant */
  #isAhead({ granter, keys }) {
    const { members, audiences } = this.known;
    return !members.has(granter) || keys.some((name) => "epoch" in name && name.epoch > (audiences.get(name.audience)?.epoch ?? 0));
  }

  /** Is this device entitled to a key it does not hold? */
  #isLacking() {
    const { state, self } = this;
    if (!state || !self || !isActive(self, this.now)) return false;
    return readableEpochs(state, self).some(({ audience, epoch }) => !this.#keys.has(keyName(audience, epoch)));
  }

  /** A profile that does not hold leaves the one before in its place, and is reported. */
  async #openProfile() {
    const data = this.#kept.profile;
    if (!data || this.#keys.size === 0) return;
    try {
      const envelope = await peekEnvelope(data);
      if (envelope.header.kind !== "profile") throw new ProtocolError("wrong-circle");
      const authors = await this.#member.accounts.get([envelope.header.account]);
      await verifyEnvelope(envelope, /** @type {import("../core/account.js").AccountState} */ (authors.get(envelope.header.account)));
      if (envelope.header.ledger_seq > this.known.seq) return; // newer than this ledger: both come with the next refresh
      checkCouldPost(this.known, envelope.header);
      const [version, seen] = [envelope.header.version, this.#kept.profileVersion ?? 0];
      if (version < seen) throw new ProtocolError("rollback", { about: { of: envelope.digest, seq: version } });
      this.profile = await openEnvelope(envelope, this.#keys);
      if (version > seen) await this.#keep({ profileVersion: version });
    } catch (error) {
      if (error instanceof ProtocolError && error.reason === "key-missing") return; // its key is on its way
      this.#member.alarms.fault(error, this.circle);
    }
  }

  /** @param {Partial<Kept>} changes @param {readonly import("./database.js").Write[]} [more] written with it, or not at all */
  async #keep(changes, more = []) {
    const kept = { ...this.#kept, ...changes };
    await this.#member.database.write([...more, { store: "circles", put: kept }]);
    this.#kept = kept;
  }

  #tell() {
    for (const watcher of this.#watchers) watcher();
  }
}

/** Where a key is kept beside the others: one version's stands under its note. @param {import("../core/grant.js").GrantedName} name */
const placeOf = (name) => ("note" in name ? { audience: name.note, epoch: name.version } : name);

/**
 * The entries after the one this device knows as the last, which the server must still have in its place.
 * Throws ProtocolError `rollback`, `fork`.
 * @param {CircleState} state @param {readonly Bytes[]} entries from that seq
 */
async function sinceHead(state, entries) {
  const [known, ...later] = entries;
  const { seq } = state;
  if (!known) throw new ProtocolError("rollback", { about: { seq } });
  const of = await digest(known);
  if (of !== state.head) throw new ProtocolError("fork", { about: { of, seq } });
  return later;
}
