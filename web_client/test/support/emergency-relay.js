// A relay in memory that keeps escrows, requests for emergency access and answers, by the rules of the real one.
import * as account from "../../src/core/account.js";
import { deviceOf } from "../../src/core/device.js";
import { peekAnswer, peekRequest, writeRequest } from "../../src/core/emergency.js";
import { ordered, peekStatement, verifyStatement } from "../../src/core/escrow.js";
import * as grant from "../../src/core/grant.js";
import * as ledger from "../../src/core/ledger.js";
import { Refusal } from "../../src/core/refusal.js";
import { ESCROW_LABEL, newKeys, shareOut } from "../../src/state/escrow-shares.js";
import { KeepingRelay } from "./keeping-relay.js";
import { START } from "./relay.js";

const FOR_ESCROWS = new Set([
  "login", "account.get", "account.append", "escrow.share", "circle.ledger", "circle.grants", "circle.unopenable", "circle.missing", "circle.grant", "circle.append",
]);
const QUORUM = 2;
/** Chains by their last statement: replayed once, whoever asks and however often. */
const replayed = new WeakMap();

export class EmergencyRelay extends KeepingRelay {
  /** By device of the escrow: how its key is shared, and among whom. */ shared = new Map();
  /** By guardian. */ said = new Map();
  request = null;
  released = null;

  constructor() {
    super();
    Object.assign(this.answers, {
      "login": () => ({}),
      "escrow.list": async (_, { state }) => ({ escrows: [{ account: this.escrow, statement: this.current.statement, mine: await this.#sharesOf(state.account) }] }),
      "escrow.share": (request, who) => this.#share(request, who),
      "emergency.list": () => ({ requests: [this.#row()] }),
      "emergency.answer": ({ answer }) => this.#answer(answer),
      "circle.missing": async () => ({ missing: await this.#missing(), notes: [] }),
      "circle.grant": ({ grants }, who) => this.#grant(grants, who),
      "circle.append": this.#appending(this.answers["circle.append"]),
    });
  }

  /** An escrow of these guardians, who are not in any circle; two of them have its key together. */
  static async escrow(guardians) {
    const accounts = new Map(guardians.map(({ state }) => [state.account, state]));
    const among = { quorum: QUORUM, guardians: ordered(accounts.keys()) };
    const made = await newKeys(among);
    const statements = [await account.create(made.keys, { device: deviceOf(made.keys, "interactive", ESCROW_LABEL), profile: { name: "Escrow", profession: "", organisation: "" }, at: START })];
    const state = await account.replay(statements);
    const { statement, shares } = await shareOut(made, { account: state.account, at: START, ...among, accounts });
    return { keys: made.keys, statements, state, statement, shares };
  }

  /** The same once more, from which on it goes its own way. */
  fork() {
    const { state, profile, lead, escrow, inForce, request, asked, now } = this;
    const chains = new Map([...this.chains].map(([id, statements]) => [id, [...statements]]));
    const lists = { entries: [...this.entries], grants: [...this.grants], notes: [...this.notes] };
    return Object.assign(new EmergencyRelay(), { state, profile, lead, escrow, inForce, request, asked, now, chains, ...lists, shared: new Map(this.shared), said: new Map(this.said) });
  }

  /** Its escrow is in the circle already. */
  keep({ state, keys, statement, shares }, guardians) {
    this.escrow = state.account;
    this.shared.set(keys.id, { statement, shares });
    for (const one of guardians) this.chains.set(one.state.account, [...one.statements]);
  }

  async call(event, request, who) {
    const state = await this.#account(who.state.account);
    if (state.devices.get(who.keys.id)?.revokedAt !== null) throw new Refusal("unauthenticated");
    if (who.state.account === this.escrow && !FOR_ESCROWS.has(event)) throw new Refusal("forbidden", { reason: "not-allowed" });
    this.inForce = await this.#devicesInForce();
    try {
      return await super.call(event, request, who);
    } finally {
      this.inForce = await this.#devicesInForce();
    }
  }

  async #account(id) {
    const statements = this.chains.get(id);
    const last = statements.at(-1);
    if (!replayed.has(last)) replayed.set(last, await account.replay(statements));
    return replayed.get(last);
  }

  async accounts() {
    return new Map(await Promise.all([...this.chains.keys()].map(async (id) => [id, await this.#account(id)])));
  }

  async #devicesInForce() {
    return account.devicesInForce(await this.#account(this.escrow)).map(({ id }) => id);
  }

  /** The statement that counts: of the oldest device in force that has one. */
  get current() {
    return this.shared.get(this.inForce.find((id) => this.shared.has(id)));
  }

  /** Somebody outside asks to be let in. */
  async ask({ keys, state }, until) {
    const fields = { escrow: this.escrow, circle: this.circle, account: state.account, account_head: state.head, at: this.now, until, reason: "night", explained: "0".repeat(64) };
    this.request = await writeRequest(keys, fields);
    this.asked = await peekRequest(this.request);
  }

  get standing() {
    if (this.released) return "released";
    const { device, quorum } = peekStatement(this.current.statement);
    const good = [...this.said.values()].map(peekAnswer).filter((one) => one.approved && one.escrow_device === device);
    return good.length >= quorum ? "approved" : "open";
  }

  #row() {
    const { statement } = this.released ?? this.current;
    return { id: this.asked.id, request: this.request, state: this.standing, statement, answers: [...this.said.values()], explained: [], review_due: null };
  }

  #answer(data) {
    const said = peekAnswer(data);
    if (this.released) throw new Refusal("conflict", { reason: "closed" });
    if (said.escrow_device !== peekStatement(this.current.statement).device) throw new Refusal("conflict", { reason: "wrong-device" });
    this.said.set(said.account, data);
    return { id: said.request, circle: this.circle, state: this.standing };
  }

  async #devicesOf(id) {
    return new Set((await this.#account(id)).devices.keys());
  }

  async #sharesOf(guardian) {
    const devices = await this.#devicesOf(guardian);
    return this.current.shares.filter(({ device }) => devices.has(device));
  }

  async #share({ statement, possession, shares }, who) {
    const peeked = peekStatement(statement);
    const state = await this.#account(this.escrow);
    const isKnown = state.devices.has(peeked.device);
    if (peeked.account !== who.state.account || isKnown === (possession !== null)) throw new Refusal("malformed", { reason: "wrong-device" });
    if (isKnown) await verifyStatement(peeked, state);
    this.shared.set(peeked.device, { statement, shares });
    return { stored: shares.length };
  }

  async #missing() {
    const given = new Set(this.grants.map(grant.peek).flatMap((one) => one.keys.map(({ audience, epoch }) => `${one.device} ${audience} ${epoch}`)));
    return ledger.entitled(this.state, await this.accounts(), this.now).filter(({ device, audience, epoch }) => !given.has(`${device} ${audience} ${epoch}`))
      .map((one) => ({ circle: this.circle, account: one.account, device: one.device, audience: one.audience, epochs: [one.epoch], since: this.now }));
  }

  async #grant(grants, who) {
    const own = await this.#devicesOf(this.escrow);
    if (who.state.account === this.escrow && grants.some((data) => !own.has(grant.peek(data).device))) throw new Refusal("forbidden", { reason: "not-allowed" });
    this.grants.push(...grants);
    return { stored: grants.length };
  }

  /** An escrow's entry lets in the one whom a quorum approved, and with it the request is over. */
  #appending(append) {
    return async (request, who) => {
      if (who.state.account !== this.escrow) return append(request, who);
      const { operations: [first, ...more] } = await ledger.peekEntry(request.entry);
      const isFit = first.op === "member.add" && first.account === this.asked.account && first.role === "professional" && first.until <= this.asked.until;
      if (this.standing !== "approved" || !isFit || more.length > 0) throw new Refusal("forbidden", { reason: "not-allowed" });
      const released = this.current;
      const answer = await append(request, who);
      this.released = released;
      return answer;
    };
  }
}
