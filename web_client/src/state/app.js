/** The whole of the state, as state/types.js says it: opened once, before anything is shown. */
import { Alarms } from "./alarms.js";
import { BROWSER } from "./browser.js";
import { Broadcasts } from "./broadcasts.js";
import { Circles } from "./circles.js";
import { Database } from "./database.js";
import { Devices } from "./devices.js";
import { EmergencyDoor } from "./emergency-door.js";
import { Entry } from "./entry.js";
import { acting } from "./failure.js";
import { KeyStore } from "./key-store.js";
import { Keeping } from "./keeping.js";
import { KitCheck } from "./kit-check.js";
import { Lock } from "./lock.js";
import { People } from "./people.js";
import { Session } from "./session.js";
import { Signal } from "./signal.js";

/** @typedef {import("./types.js").App} AppView */
/** @typedef {import("./types.js").Me} Me */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./browser.js").Ground} Ground */
/** @type {import("./types.js").Session} */
const STARTING = Object.freeze({ phase: "starting", me: null });
/** @type {import("./types.js").Connectivity} */
const CONNECTING = Object.freeze({ state: "connecting", waiting: 0, failed: 0 });

/** @param {Partial<Ground>} [ground] @returns {Promise<AppView>} */
export async function openApp(ground = {}) {
  const whole = { ...BROWSER, ...ground };
  const database = await Database.open(whole.indexedDB, whole.databaseName);
  const app = new App(whole, database);
  void app.start(); // its failure shows as an alarm
  return app;
}

/** @implements {AppView} */
class App {
  session = new Signal(STARTING);
  connectivity = new Signal(CONNECTING);
  logCheck = new Signal(/** @type {import("./types.js").LogCheck | null} */ (null));
  reminder = new Signal(/** @type {import("./types-keys.js").Reminder | null} */ (null));
  #ground;
  #database;
  #keyStore;
  #alarms;
  /** Filled when a session starts. */
  #world = /** @type {World} */ ({});
  #session = /** @type {Session | null} */ (null);
  #hasKitLater = false;
  #hasLockLater = false;
  #stopHearing = () => {};

  /** @param {Ground} ground @param {Database} database */
  constructor(ground, database) {
    this.#ground = ground;
    this.#database = database;
    this.#keyStore = new KeyStore(database);
    const nameOf = (/** @type {string} */ circle) => this.circles.nameOf(circle) || null;
    const now = () => this.#session?.world.member.clock.now() ?? Date.now();
    this.#alarms = new Alarms({ database, now, nameOf, report: ground.report });
    const { origin, fetch, report } = ground;
    this.keeping = new Keeping(ground);
    this.entry = new Entry({ origin, fetch, database, keyStore: this.#keyStore, persist: () => this.keeping.ask(), report, onEntered: () => this.#begin() });
    this.lock = new Lock({
      database, keyStore: this.#keyStore, passkeys: ground.passkeys, onActivity: ground.onActivity,
      onLock: () => this.#startAnew({ isEverywhere: true }), onChanged: () => this.#lockChanged(),
      onDeclined: () => this.#lockDeclined(), onUnlocked: () => this.#begin(),
    });
    this.people = new People(this.#world);
    this.kitCheck = new KitCheck(this.#world, () => this.#remind());
    this.circles = new Circles(this.#world);
    this.emergency = new EmergencyDoor(this.#world);
    this.broadcasts = new Broadcasts(this.#world, (circle) => this.circles.nameOf(circle));
    this.devices = new Devices(this.#world, {
      onKit: () => this.#kitChanged(), onKitMade: (device, words) => this.kitCheck.remember(device, words), onOwnRevoked: () => this.#revoked(), circles: () => this.circles.active,
    });
    ground.onWake(() => this.#session?.world.member.transport.retryNow());
    database.onGone = () => this.#startAnew({ isEverywhere: false });
    this.#stopHearing = ground.elsewhere.listen(() => this.#startAnew({ isEverywhere: false }));
  }

  get alarms() {
    return this.#alarms.list;
  }

  /** @param {string} alarm */
  dismissAlarm(alarm) {
    return acting(async () => {
      const seen = this.alarms.value.find((one) => one.id === alarm);
      await this.#alarms.dismiss(alarm);
      if (seen?.kind === "wrong-order" && seen.circle) await this.#world.book.log(seen.circle).anew();
    });
  }

  directory = {
    search: (/** @type {string} */ text) => acting(async () => {
      const { entries } = await this.#member.transport.call("directory.search", { text, limit: 20 });
      return entries;
    }),
  };

  /** @type {import("./types.js").Audit} loaded when an auditor first asks */
  audit = {
    search: (search) => acting(async () => (await import("./audit.js")).search(this.#member, search)),
    volume: (filter) => acting(async () => (await import("./audit-watch.js")).volume(this.#member, filter)),
    verify: (rows, onProgress) => acting(async () => (await import("./audit.js")).verify(this.#member, rows, onProgress)),
    export: (filter, format) => acting(async () => (await import("./audit.js")).exported(this.#member, filter, format)),
    witnesses: () => acting(async () => (await import("./log-policy.js")).knownWitnesses(this.#member)),
    trust: (file) => acting(async () => (await import("./log-policy.js")).keepPolicy(this.#member, file && new Uint8Array(await file.arrayBuffer()))),
    findings: (asked) => acting(async () => (await import("./audit-watch.js")).findings(this.#member, asked)),
    review: (finding, verdict) => acting(async () => (await import("./audit-watch.js")).review(this.#member, finding, verdict)),
    view: (index) => acting(async () => (await import("./audit-watch.js")).view(this.#member, index)),
    hours: (account, month) => acting(async () => (await import("./audit-watch.js")).hours(this.#member, account, month)),
    rules: () => acting(async () => (await import("./audit-watch.js")).rules(this.#member)),
    setRules: (rules) => acting(async () => (await import("./audit-watch.js")).setRules(this.#member, rules)),
  };

  /** @type {import("./types.js").Admin} */
  admin = {
    invite: (form) => acting(async () => (await import("./admin.js")).invite(this.#member, form)),
    accounts: (page) => acting(async () => (await import("./admin.js")).accounts(this.#member, page)),
  };

  get #member() {
    return this.#world.member;
  }

  /** Settles when the session is more than `starting`, or an alarm says why it is not. */
  async start() {
    try {
      await this.#alarms.load();
      await this.lock.load();
      const state = await this.#keyStore.state();
      if (state === "open") await this.#begin();
      else this.session.value = Object.freeze({ phase: state === "none" && this.#ground.mark.isSet() ? "lost" : state, me: null });
    } catch (error) {
      this.#alarms.fault(error);
    }
  }

  /** Close the connection, as when the page goes. */
  close() {
    this.#stopHearing();
    this.lock.close();
    this.#session?.close();
    this.#database.close();
  }

  /** Nothing of what is in memory outlives this. @param {{ isEverywhere: boolean }} how */
  #startAnew({ isEverywhere }) {
    this.close();
    this.session.value = STARTING;
    if (isEverywhere) this.#ground.elsewhere.tell();
    this.#ground.restart();
  }

  /** Other tabs hold keys under what was before. */
  #lockChanged() {
    this.#ground.elsewhere.tell();
    this.#remind();
  }

  #lockDeclined() {
    this.#hasLockLater = true;
    this.#remind();
  }

  #remind() {
    if (!this.#session) return;
    const offersLock = !this.lock.state.value.isSet && !this.#hasLockLater;
    this.reminder.value = this.kitCheck.isDue ? "kit-check" : offersLock ? "lock" : null;
  }

  /** Start the session of the account whose keys this device holds: with what is here, then with the server. */
  async #begin() {
    const loaded = await this.#keyStore.load();
    if (!loaded) throw new Error("the keys were kept a moment ago");
    const { fetch, prepare, exclusively, hesitation } = this.#ground;
    const parts = { ...loaded, database: this.#database, keyStore: this.#keyStore, alarms: this.#alarms, fetch, prepare, exclusively, hesitation };
    const session = new Session(parts, {
      onState: () => this.#showConnectivity(), onAccount: () => this.#showMe(), onPerson: (account) => this.people.changed(account), onRevoked: () => this.#revoked(), onCircle: (circle) => this.circles.changed(circle),
      onLog: (check) => {
        this.logCheck.value = check;
      },
      onEmergency: async (isConnected) => (isConnected ? this.emergency.connected() : this.emergency.changed()),
      onFilled: async () => {
        if (session.roles.includes("coordinator")) await this.broadcasts.gather(this.circles.active);
      },
    });
    this.#session = session;
    this.#ground.mark.set(true);
    Object.assign(this.#world, session.world);
    this.#hasKitLater = (await this.#database.get("values", "kit later")) ?? false;
    this.#hasLockLater = (await this.#database.get("values", "lock later")) ?? false;
    await session.load();
    await this.kitCheck.load();
    await this.circles.load();
    this.#alarms.name();
    await this.broadcasts.load();
    this.devices.draw();
    this.#showMe();
    this.#showConnectivity();
    session.open(this.circles, this.devices);
    this.lock.watch();
  }

  #showMe() {
    const session = this.#session;
    const account = session?.world.member.accounts.known.get(session.world.member.account);
    if (!session || !account) return;
    const { keys } = session.world.member;
    const hasKit = [...account.devices.values()].some(({ device, revokedAt }) => device.kind === "recovery" && revokedAt === null);
    const kit = hasKit ? "made" : this.#hasKitLater ? "later" : "none";
    /** @type {Me} */
    const me = { account: account.account, ...account.profile, roles: session.roles, device: keys.id, kit };
    this.session.value = Object.freeze({ phase: "ready", me: Object.freeze(me) });
    this.#remind();
  }

  async #kitChanged() {
    this.#hasKitLater = (await this.#database.get("values", "kit later")) ?? false;
    this.#showMe();
  }

  #showConnectivity() {
    if (!this.#session) return;
    const { member, outbox } = this.#session.world;
    const waiting = outbox.waiting;
    this.connectivity.value = Object.freeze({ state: member.transport.state, waiting: waiting.length, failed: waiting.filter(({ sending }) => sending.state === "failed").length });
  }

  /** This device was cut off: nothing of the account stays on it. */
  async #revoked() {
    const { me } = this.session.value;
    this.#session?.close();
    this.#session = null;
    await this.#database.erase();
    this.lock.close();
    this.#ground.mark.set(false);
    this.session.value = Object.freeze({ phase: "revoked", me });
  }
}
