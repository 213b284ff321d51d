/** A member at work on this device: everything of a session, made when it starts, and where what the server tells goes. */
import { peek } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { Transport } from "../core/transport.js";
import { AccountBook } from "./account-book.js";
import { Acknowledged } from "./acknowledged.js";
import { CircleBook } from "./circle-book.js";
import { Drafts } from "./drafts.js";
import { heal, rotateIfDue } from "./healing.js";
import { LogLooking } from "./log-looking.js";
import { isBot } from "./member.js";
import { Outbox } from "./outbox.js";
import { ReceiptSender } from "./receipts.js";
import { Signal } from "./signal.js";

/** @typedef {import("../core/wire.d.ts").Events} Events */
/** @typedef {import("./types.js").AccountRole} AccountRole */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./circles.js").Circles} Circles */
/** @typedef {import("./devices.js").Devices} Devices */
/**
 * @typedef {object} SessionParts
 * @property {import("../core/device.js").DeviceKeys} keys
 * @property {import("./key-store.js").Identity} identity
 * @property {import("./database.js").Database} database
 * @property {import("./key-store.js").KeyStore} keyStore
 * @property {import("./alarms.js").Alarms} alarms
 * @property {typeof globalThis.fetch} fetch
 * @property {import("./attachments.js").Prepare} prepare
 * @property {import("./outbox.js").Exclusively} exclusively
 * @property {number} hesitation milliseconds within which devices that heard the same choose who acts first
 */
/**
 * @typedef {object} SessionHooks
 * @property {() => void} onState
 * @property {() => void} onAccount one's own account or roles changed
 * @property {() => Promise<void>} onRevoked
 * @property {(circle: string) => void} onCircle
 * @property {(check: import("./types.js").LogCheck) => void} onLog what is shown was compared with the audit log
 * @property {(account: string) => Promise<void>} onPerson somebody else's account changed
 * @property {(isConnected: boolean) => Promise<void>} onEmergency somebody asks to be let in, or was; `isConnected`: nothing was told before
 * @property {() => Promise<void>} onFilled the notes of the last 30 days are on this device
 */

export class Session {
  #parts;
  #hooks;
  #world;
  #circles = /** @type {Circles | null} */ (null);
  #devices = /** @type {Devices | null} */ (null);
  /** @type {readonly AccountRole[]} */ roles = [];
  #isOver = false;
  #log;

  /** @param {SessionParts} parts @param {SessionHooks} hooks */
  constructor(parts, hooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    const { keys, identity: { account, origin, joinedAt }, database, keyStore, alarms, prepare, exclusively } = parts;
    const transport = new Transport({ origin, keys, fetch: parts.fetch, hearing: this.#hearing() });
    const accounts = new AccountBook({ database, transport, alarms });
    const member = { keys, account, origin, joinedAt, transport, clock: transport.clock, database, keyStore, accounts, alarms, roles: () => this.roles, actAs: async (/** @type {import("../core/device.js").DeviceKeys} */ other) => (await import("./second-session.js")).connected({ origin, fetch: parts.fetch }, other) };
    const sender = new ReceiptSender(member);
    const acknowledged = new Acknowledged(database);
    const book = new CircleBook(member, { sender, acknowledged });
    const outbox = new Outbox(member, { keeperOf: (circle) => book.keeper(circle), onPosted: ({ circle, ...stored }) => book.log(circle).hear(stored, { isOwn: true }), acknowledged, exclusively });
    /** @type {World} */
    this.#world = { member, book, outbox, sender, drafts: new Drafts({ database, keyStore }), prepare, escrows: new Signal(new Set()), changed: hooks.onCircle };
    this.#log = new LogLooking({ member, book }, { onChecked: hooks.onLog, onFault: (error) => alarms.fault(error) });
    sender.watch((circle) => hooks.onCircle(circle));
    outbox.watch(() => hooks.onState());
  }

  get world() {
    return this.#world;
  }

  /** What this device has, before anything is asked. */
  async load() {
    const { member, outbox, escrows } = this.#world;
    this.roles = (await member.database.get("values", "roles")) ?? [];
    escrows.value = new Set(await member.database.get("values", "escrows"));
    member.clock.reached((await member.database.get("values", "clock floor")) ?? 0);
    await member.accounts.load();
    await outbox.load();
  }

  /** Connect, and stay so. @param {Circles} circles @param {Devices} devices */
  open(circles, devices) {
    this.#circles = circles;
    this.#devices = devices;
    const { member } = this.#world;
    member.transport.keepOpen().catch((error) => member.alarms.fault(error));
  }

  close() {
    this.#isOver = true;
    this.#log.close();
    this.#world.outbox.close();
    this.#world.member.transport.close();
    this.#circles?.close();
  }

  /** @returns {import("../core/transport.js").Hearing} */
  #hearing() {
    return {
      onState: (state) => {
        this.#hooks.onState();
        if (state === "online") void this.#safely(null, () => this.#connected());
      },
      onEvent: (event, fact) => void this.#safely("circle" in fact ? fact.circle : null, () => this.#heard(event, fact)),
      onToken: (token) => void this.#safely(null, () => this.#accepted(token)),
      onDenied: (refusal) => void this.#safely(null, async () => {
        if (refusal.reason === "revoked-device" || refusal.reason === "superseded") await this.#hooks.onRevoked();
        else this.#parts.alarms.raise("bug"); // the server forgot this device: its notes are not erased for that
      }),
      onFault: (error) => this.#parts.alarms.fault(error),
    };
  }

  /** @param {import("../core/wire.d.ts").Token} token */
  async #accepted(token) {
    const { member } = this.#world;
    if (member.clock.fault) member.alarms.raise(member.clock.fault);
    await member.database.update("values", "clock floor", (before) => Math.max(before ?? 0, member.clock.floor));
    if (token.account !== member.account) throw new ProtocolError("wrong-account");
    if (this.roles.join() === token.roles.join()) return;
    this.roles = token.roles;
    await member.database.write([{ store: "values", key: "roles", put: token.roles }]);
    this.#hooks.onAccount();
  }

  /** After any time without a connection: nothing was told meanwhile. */
  async #connected() {
    const { member, book, outbox, sender } = this.#world;
    member.accounts.allChanged();
    book.expire();
    await this.#ownAccountChanged();
    outbox.flush();
    sender.flush();
    void member.alarms.connected(member.transport);
    await this.#circles?.renewOpen();
    await this.#circles?.refresh();
    this.#log.soon();
    if (isBot(member)) return;
    await this.#safely(null, () => this.#hooks.onEmergency(true));
    await heal(member, { circle: null, keeperOf: (circle) => book.keeper(circle) });
    await this.#circles?.fill();
    await this.#hooks.onFilled();
  }

  async #ownAccountChanged() {
    const { member } = this.#world;
    const accounts = await member.accounts.get([member.account], { isFresh: true });
    const record = accounts.get(member.account)?.devices.get(member.keys.id);
    if (record && record.revokedAt !== null) return this.#hooks.onRevoked();
    this.#devices?.draw();
    return this.#hooks.onAccount();
  }

  /** @template {keyof Events} E @param {E} event @param {Events[E]} fact */
  async #heard(event, fact) {
    const handlers = /** @type {{ [K in keyof Events]: (fact: Events[K]) => Promise<unknown> }} */ ({
      "account.changed": (changed) => this.#accountChanged(changed),
      "device.requested": (requested) => this.#devices?.hear(requested),
      "circle.changed": ({ circle }) => this.#circleChanged(circle),
      "circle.granted": ({ circle }) => this.#granted(circle),
      "circle.wanted": (wanted) => this.#wanted(wanted),
      "note.posted": (posted) => this.#noted(posted),
      "audit.due": async () => this.#hooks.onState(),
      "emergency.changed": () => this.#hooks.onEmergency(false),
      "receipt.posted": ({ circle, receipts }) => this.#world.book.openReceipts(circle)?.hear(receipts),
    });
    await handlers[event](fact);
  }

  /** @param {Events["account.changed"]} changed */
  async #accountChanged({ account }) {
    const { member } = this.#world;
    member.accounts.changed(account);
    if (account === member.account) return this.#ownAccountChanged();
    if (!member.accounts.known.has(account)) return;
    await member.accounts.get([account]);
    this.#log.soon();
    await this.#circles?.accountChanged(account);
    await this.#hooks.onPerson(account);
  }

  /** @param {string} circle */
  async #circleChanged(circle) {
    const keeper = this.#world.book.keeper(circle);
    keeper.expire();
    await keeper.refresh();
    this.#log.soon();
    this.#hooks.onCircle(circle);
  }

  /** @param {string} circle */
  async #granted(circle) {
    const keeper = this.#world.book.keeper(circle);
    await (keeper.state ? keeper.refreshGrants() : keeper.refresh());
    this.#hooks.onCircle(circle);
    this.#world.outbox.flush();
  }

  /** Somebody needs a key, or the epoch is due. Everybody in the circle hears it: each waits a moment of its own. @param {Events["circle.wanted"]} wanted */
  async #wanted({ circle, rotate }) {
    const { member, book } = this.#world;
    if (isBot(member)) return;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * this.#parts.hesitation));
    if (this.#isOver) return;
    const keeper = book.keeper(circle);
    keeper.expire();
    if (rotate) await rotateIfDue(member, keeper);
    await heal(member, { circle, keeperOf: (one) => book.keeper(one) });
  }

  /** @param {Events["note.posted"]} posted */
  async #noted(posted) {
    const { circle, seq, at, envelope } = posted;
    const header = await headerOf(envelope);
    const isOwn = header?.device === this.#world.member.keys.id; // it is told what it wrote: that is no reading of the circle
    await this.#world.book.log(circle).hear({ seq, at, envelope }, { isOwn }); // which shows what cannot be read as damaged
    await this.#circles?.hear(posted, { mine: header?.account === this.#world.member.account, urgent: header?.urgent ?? false });
  }

  /** @param {string | null} circle @param {() => Promise<unknown>} task */
  async #safely(circle, task) {
    try {
      await task();
    } catch (error) {
      this.#parts.alarms.fault(error, circle);
    }
  }
}

/** Null for what is no envelope, which the timeline shows as such. @param {import("../core/bytes.js").Bytes} data */
async function headerOf(data) {
  try {
    return (await peek(data)).header;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
