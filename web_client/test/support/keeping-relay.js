// A relay in memory that takes what members write, by the rules of the real one, and can be cut off at any request.
import * as account from "../../src/core/account.js";
import { randomBytes } from "../../src/core/bytes.js";
import { digest } from "../../src/core/cose.js";
import { deviceOf, keysFromRandom } from "../../src/core/device.js";
import * as envelope from "../../src/core/envelope.js";
import { ProtocolError } from "../../src/core/errors.js";
import * as grant from "../../src/core/grant.js";
import * as ledger from "../../src/core/ledger.js";
import { Refusal, Unreachable } from "../../src/core/refusal.js";
import { Relay, START } from "./relay.js";

export class KeepingRelay extends Relay {
  profile = null;
  /** account → the one that took its place. */ replaced = new Map();
  /** `step` counts the requests from when it is set, those `of` these events alone where it says so; `kind`: never arrives (lost), or its answer does not (unheard). */ cut = null;

  constructor() {
    super();
    Object.assign(this.answers, {
      "account.get": ({ accounts }) => ({ chains: accounts.filter((id) => this.chains.has(id)).map((id) => ({ account: id, statements: this.chains.get(id), replaced_by: this.replaced.get(id) ?? null })) }),
      "account.append": (request) => this.#state(request),
      "circle.ledger": ({ from_seq: from }) => ({ entries: this.entries.slice(from), profile: this.profile, more: false }),
      "circle.grants": ({ after }, who) => this.#grantsOf(who, after),
      "circle.append": (request) => this.#write(request),
      "note.post": (request) => this.#post(request),
    });
  }

  async call(event, request, who) {
    const isCounted = this.cut?.of?.has(event) ?? this.cut !== null;
    const isNow = isCounted && --this.cut.step === 0;
    if (isNow) this.cut.came = true;
    if (isNow && this.cut.kind === "lost") throw new Unreachable();
    this.calls.push(event);
    await new Promise((resolve) => setImmediate(resolve)); // so that rivals come in between
    const answer = await this.answers[event](request, who);
    if (isNow) throw new Unreachable();
    return structuredClone(answer);
  }

  async accounts() {
    const states = await Promise.all([...this.chains.values()].map((statements) => account.replay(statements)));
    return new Map(states.map((state) => [state.account, state]));
  }

  epochOf(index) {
    return envelope.peek(this.notes.at(index).envelope).then(({ header }) => header.keys[0].epoch);
  }

  /** The epochs a device was ever granted. */
  grantedTo({ keys }) {
    return new Set(this.grants.map(grant.peek).filter((one) => one.device === keys.id).flatMap((one) => one.keys.map(({ epoch }) => epoch)));
  }

  /** One more device of this person. */
  async anotherDevice(person, at = START + 15) {
    const keys = await keysFromRandom(randomBytes(64));
    const device = deviceOf(keys, "interactive", "second");
    const statements = this.chains.get(person.state.account);
    const state = await account.replay(statements);
    statements.push(await account.addDevice(state, person.keys, { device, possession: await account.possess(keys, device, state.account), at }));
    return { keys, statements, state: await account.replay(statements) };
  }

  /** This person lost everything and begins again. */
  async reset(person) {
    const keys = await keysFromRandom(randomBytes(64));
    const profile = { name: "again", profession: "", organisation: "" };
    const statements = [await account.create(keys, { device: deviceOf(keys, "interactive", "new"), profile, at: this.now, replaces: person.state.account })];
    const again = { keys, statements, state: await account.replay(statements) };
    this.chains.set(again.state.account, statements);
    this.replaced.set(person.state.account, again.state.account);
    return again;
  }

  async #state({ statement }) {
    const chain = this.chains.get(account.peekStatement(statement).account);
    await refusing(async () => account.apply(await account.replay(chain), statement), "conflict");
    chain.push(statement);
    return {};
  }

  #grantsOf({ keys }, after) {
    const mine = this.grants.map((data, index) => ({ data, number: index + 1 })).filter(({ data, number }) => number > after && grant.peek(data).device === keys.id);
    return { grants: mine.map(({ data }) => data), last: mine.at(-1)?.number ?? after };
  }

  async #write({ entry, grants, profile }) {
    const [before, accounts, peeked] = [this.state, await this.accounts(), await ledger.peekEntry(entry)];
    if (peeked.seq !== before.seq + 1 || peeked.prev !== before.head) throw new Refusal("conflict");
    const after = await refusing(() => ledger.apply(before, entry, accounts.get(peeked.account)), "malformed");
    const already = new Set(ledger.entitled(before, accounts, this.now).map(name));
    const given = new Set(grants.map(grant.peek).flatMap((one) => one.keys.map((key) => name({ device: one.device, ...key }))));
    const owed = ledger.entitled(after, accounts, this.now).map(name).filter((one) => !already.has(one));
    if (owed.some((one) => !given.has(one))) throw new Refusal("malformed", { reason: "grants-missing" });
    if (this.state !== before) throw new Refusal("conflict");
    this.state = after;
    this.entries.push(entry);
    this.grants.push(...grants);
    this.profile = profile ?? this.profile;
    return { circle: this.circle, seq: after.seq, head: after.head };
  }

  async #post({ envelope: data }) {
    const [{ header }, accounts, id] = [await envelope.peek(data), await this.accounts(), await digest(data)];
    for (const [index, stored] of this.notes.entries()) {
      if ((await digest(stored.envelope)) === id) return { seq: index + 1, at: stored.at };
    }
    if (!ledger.isActive(this.state.members.get(header.account), this.now)) throw new Refusal("forbidden", { reason: "not-a-member" });
    for (const { audience, epoch } of header.keys) {
      const rotate = ["left", "revoked"].includes(ledger.rotationDue(this.state, audience, { at: this.now, accounts }));
      if (rotate || epoch !== this.state.audiences.get(audience).epoch) throw new Refusal("stale_epoch", { audience, epoch, rotate });
    }
    this.notes.push({ seq: this.notes.length + 1, at: this.now, envelope: data });
    return { seq: this.notes.length, at: this.now };
  }
}

const name = ({ device, audience, epoch }) => `${device} ${audience} ${epoch}`;

/** What the rules refuse, as the relay tells it. */
async function refusing(action, code) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new Refusal(code, { reason: error.reason });
  }
}
