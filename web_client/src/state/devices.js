/** One's own devices: what state/types.js calls Devices. */
import { openPossession } from "../core/account.js";
import { randomBytes } from "../core/bytes.js";
import { deviceOf } from "../core/device.js";
import { ProtocolError } from "../core/errors.js";
import { answerMac, checkMac, makeCode, requestMac, SECRET_SIZE, ticket as ticketOf } from "../core/join.js";
import * as kits from "../core/kit.js";
import { acting } from "./failure.js";
import { heal, rotateIfDue } from "./healing.js";
import { each } from "./lane.js";
import { adding, appendStatement, joiningDevice, renaming, revoking } from "./own-account.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types.js").Devices} DevicesView */
/** @typedef {import("./types.js").DeviceView} DeviceView */
/** @typedef {import("../core/wire.d.ts").DeviceRequested} DeviceRequested */
/** @typedef {import("./world.js").World} World */
/** @typedef {{ ticket: string, secret: Uint8Array, state: Signal<"waiting" | "joined" | "expired" | "refused">, timer: ReturnType<typeof setTimeout> }} Offer */

const KIT_LABELS = { fr: "Trousse de secours", en: "Recovery kit" };
const ROTATED_AT_ONCE = 1;

/** @implements {DevicesView} */
export class Devices {
  list = new Signal(/** @type {readonly DeviceView[]} */ ([]));
  #world;
  #hooks;
  /** @type {Map<string, Offer>} by ticket */ #offers = new Map();
  /** @type {Map<string, number | null>} */ #lastSeen = new Map();

  /**
   * @param {World} world
   * @param {{ onKit: () => Promise<void>, onKitMade: (device: string, words: readonly string[]) => Promise<void>, onOwnRevoked: () => Promise<void>, circles: () => readonly string[] }} hooks
   */
  constructor(world, hooks) {
    this.#world = world;
    this.#hooks = hooks;
  }

  refresh() {
    return acting(async () => {
      const { member } = this.#world;
      await member.accounts.get([member.account], { isFresh: true });
      const { devices } = await member.transport.call("device.list", {});
      this.#lastSeen = new Map(devices.map((row) => [row.device, row.last_seen]));
      this.draw();
    });
  }

  /** From one's own chain, as it is known now: not yet, where it was lost from this device. */
  draw() {
    const { member } = this.#world;
    const devices = member.accounts.known.get(member.account)?.devices ?? new Map();
    this.list.value = [...devices.values()].map(({ device, addedAt, revokedAt }) => Object.freeze({
      device: device.id, label: device.label, kind: device.kind, current: device.id === member.keys.id, addedAt,
      lastSeen: this.#lastSeen.get(device.id) ?? null, revokedAt,
    }));
  }

  /** @param {string} device @param {string} label */
  rename(device, label) {
    return acting(async () => {
      const { member } = this.#world;
      await appendStatement(member, renaming(member.keys, device, label));
      this.draw();
    });
  }

  /** @param {string} device */
  revoke(device) {
    return acting(async () => {
      const { member, book } = this.#world;
      await appendStatement(member, revoking(member.keys, device));
      this.draw();
      if (device === member.keys.id) return this.#hooks.onOwnRevoked();
      await each(this.#hooks.circles(), ROTATED_AT_ONCE, async (circle) => {
        await rotateIfDue(member, book.keeper(circle)).catch((error) => member.alarms.fault(error, circle));
      });
      return undefined;
    });
  }

  /** The kit that was made last replaces those before it. @param {string} kept its device */
  async retireKits(kept) {
    const former = this.list.value.filter(({ device, kind, revokedAt }) => kind === "recovery" && revokedAt === null && device !== kept);
    for (const { device } of former) await this.revoke(device);
  }

  offer() {
    return acting(async () => {
      const { member } = this.#world;
      const secret = randomBytes(SECRET_SIZE);
      const ticket = await ticketOf(secret);
      const { expires_at: expiresAt } = await member.transport.call("device.offer", { ticket });
      const state = /** @type {Offer["state"]} */ (new Signal("waiting"));
      const timer = setTimeout(() => this.#end(ticket, "expired"), Math.max(0, expiresAt - member.clock.now()));
      this.#offers.set(ticket, { ticket, secret, state, timer });
      const code = makeCode(secret);
      return { code, url: `${member.origin}/join#${code.replaceAll("-", "")}`, expiresAt, state, cancel: () => this.#end(ticket, "expired") };
    });
  }

  /** A device asks to join by a code shown here. @param {DeviceRequested} requested */
  async hear({ ticket, possession, mac }) {
    const offer = this.#offers.get(ticket);
    if (!offer) return;
    try {
      await this.#approve(offer, possession, mac);
      this.#end(ticket, "joined");
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(ticket, "refused");
    }
    const { member, book } = this.#world;
    await heal(member, { circle: null, keeperOf: (circle) => book.keeper(circle) });
  }

  /** @param {Offer} offer @param {import("../core/bytes.js").Bytes} possession @param {Uint8Array} mac */
  async #approve({ ticket, secret }, possession, mac) {
    const { member } = this.#world;
    checkMac(mac, await requestMac(secret, possession));
    const { account, device } = await openPossession(possession);
    if (account !== member.account) throw new ProtocolError("wrong-account");
    await appendStatement(member, adding(member.keys, { device, possession }), async (statement) =>
      member.transport.call("device.approve", { ticket, statement, mac: await answerMac(secret, statement) }));
    this.draw();
  }

  /** @param {string} ticket @param {"joined" | "expired" | "refused"} state */
  #end(ticket, state) {
    const offer = this.#offers.get(ticket);
    if (!offer) return;
    clearTimeout(offer.timer);
    this.#offers.delete(ticket);
    offer.state.value = state;
  }

  /** The seed is here while the kit is made, and in what is returned; nowhere else. @param {"fr" | "en"} language */
  makeKit(language) {
    return acting(async () => {
      const { member, book } = this.#world;
      const seed = randomBytes(32);
      const keys = await kits.keysOf(seed);
      const joining = await joiningDevice(keys, deviceOf(keys, "recovery", KIT_LABELS[language]), member.account);
      const shown = { words: await kits.words(seed, language), qr: kits.qrText(seed) };
      seed.fill(0);
      await appendStatement(member, adding(member.keys, joining));
      this.draw();
      await heal(member, { circle: null, keeperOf: (circle) => book.keeper(circle) });
      await this.#hooks.onKitMade(keys.id, shown.words);
      await this.#hooks.onKit();
      return { ...shown, device: keys.id, madeAt: member.clock.now() };
    });
  }

  postponeKit() {
    return acting(async () => {
      await this.#world.member.database.write([{ store: "values", key: "kit later", put: true }]);
      await this.#hooks.onKit();
    });
  }
}
