import assert from "node:assert/strict";
import { test } from "node:test";
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { randomBytes } from "../../src/core/bytes.js";
import { Database } from "../../src/state/database.js";
import { declined } from "../../src/state/failure.js";
import { KeyStore } from "../../src/state/key-store.js";
import { Lock, TRIES_MOST } from "../../src/state/lock.js";

const CODE = "274913";
const IDENTITY = { account: "a".repeat(64), device: "b".repeat(32), origin: "https://relais.example", joinedAt: 1 };

/** An authenticator in memory: one secret, computed over the salt. */
class FakePasskeys {
  #secrets = new Map();
  isThere = true;
  asked = 0;

  isPossible() {
    return true;
  }

  async create({ salt }) {
    const id = randomBytes(16);
    this.#secrets.set(id.join(), randomBytes(32));
    return { id, output: await this.ask({ id, salt }) };
  }

  async ask({ id, salt }) {
    this.asked += 1;
    if (!this.isThere) throw declined("passkey-refused");
    const key = await crypto.subtle.importKey("raw", this.#secrets.get(id.join()), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", key, salt));
  }
}

/** One browser: what stays when its page is opened again. */
class Browser {
  database;
  passkeys = new FakePasskeys();
  told = [];

  static async withAnAccount() {
    const browser = new Browser();
    browser.database = await Database.open(new IDBFactory(), "test");
    const keyStore = new KeyStore(browser.database);
    const { keys, stored } = await keyStore.make();
    browser.id = keys.id;
    await keyStore.keep(stored, IDENTITY);
    await browser.database.write(await keyStore.epochWrites("c", [{ audience: "team", epoch: 1, key: new Uint8Array(32).fill(7) }]));
    return browser;
  }

  /** A page: nothing in memory yet. */
  async page() {
    const keyStore = new KeyStore(this.database);
    const page = { keyStore, active: () => {} };
    page.lock = new Lock({
      database: this.database, keyStore, passkeys: this.passkeys, onActivity: (listener) => (page.active = listener), onLock: () => this.told.push("locked"),
      onChanged: () => this.told.push("changed"), onDeclined: () => this.told.push("declined"), onUnlocked: async () => this.told.push("unlocked"),
    });
    await page.lock.load();
    await keyStore.load();
    return page;
  }
}

const wrong = (lock, code = "111113") => assert.rejects(lock.unlockWithCode(code), { code: "refused-here", reason: "wrong-pin" });

test("with a code set, nothing kept opens in the next page until the code is given", async () => {
  const browser = await Browser.withAnAccount();
  const first = await browser.page();
  assert.equal(await first.keyStore.state(), "open");
  await first.lock.setCode(CODE);
  first.lock.close();

  const next = await browser.page();
  assert.equal(await next.keyStore.state(), "locked");
  assert.equal(await next.keyStore.load(), null);
  await assert.rejects(next.keyStore.epochKeys("c"));
  await wrong(next.lock);
  assert.equal(await next.keyStore.state(), "locked");
  await next.lock.unlockWithCode(CODE);
  assert.equal((await next.keyStore.load()).keys.id, browser.id);
  assert.deepEqual([...(await next.keyStore.epochKeys("c")).values()], [new Uint8Array(32).fill(7)]);
  assert.deepEqual(browser.told, ["changed", "unlocked"]);
});

test("no key that decrypts, and none that signs, stands in a locked database", async () => {
  const browser = await Browser.withAnAccount();
  const { lock } = await browser.page();
  await lock.setCode(CODE);
  lock.close();
  const kept = [await browser.database.get("values", "keys"), await browser.database.get("values", "lock")];
  const found = [];
  const look = (value) => {
    if (value instanceof CryptoKey) found.push([value.algorithm.name, ...value.usages]);
    else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) Object.values(value).forEach(look);
  };
  look(kept);
  assert.deepEqual(found, [["HMAC", "sign"]], "only the code's own, which opens nothing without the digits");
});

test("tries are counted before they are made, over reloads, and after the last the code opens nothing", async () => {
  const browser = await Browser.withAnAccount();
  const first = await browser.page();
  await first.lock.setCode(CODE);
  first.lock.close();
  for (let tried = 1; tried < TRIES_MOST; tried += 1) {
    const { lock } = await browser.page();
    await wrong(lock);
    assert.equal(lock.state.value.triesLeft, TRIES_MOST - tried);
  }
  const { lock, keyStore } = await browser.page();
  await assert.rejects(lock.unlockWithCode("000001"), { reason: "pin-exhausted" });
  await assert.rejects(lock.unlockWithCode(CODE), { reason: "pin-exhausted" });
  assert.equal(await keyStore.state(), "locked");
  const again = await browser.page();
  assert.deepEqual([again.lock.state.value.isExhausted, again.lock.state.value.hasCode, again.lock.state.value.isSet], [true, false, true]);
});

test("the right code at the last try opens, and gives the tries back", async () => {
  const browser = await Browser.withAnAccount();
  const first = await browser.page();
  await first.lock.setCode(CODE);
  first.lock.close();
  const { lock, keyStore } = await browser.page();
  await browser.database.update("values", "lock", (kept) => ({ ...kept, tries: TRIES_MOST - 1 }));
  await lock.unlockWithCode(CODE);
  assert.deepEqual([await keyStore.state(), lock.state.value.triesLeft], ["open", TRIES_MOST]);
});

test("a passkey opens it, also after the code was wrong too often; one that does not answer leaves it locked", async () => {
  const browser = await Browser.withAnAccount();
  const first = await browser.page();
  await first.lock.setPasskey("Relais");
  await first.lock.setCode(CODE);
  first.lock.close();
  const { lock, keyStore } = await browser.page();
  await browser.database.update("values", "lock", (kept) => ({ ...kept, tries: TRIES_MOST }));
  await assert.rejects(lock.unlockWithCode(CODE), { reason: "pin-exhausted" });
  browser.passkeys.isThere = false;
  await assert.rejects(lock.unlockWithPasskey(), { reason: "passkey-refused" });
  browser.passkeys.isThere = true;
  await lock.unlockWithPasskey();
  assert.equal(await keyStore.state(), "open");
});

test("a code that anybody would try first, or that is none, is not taken", async () => {
  const browser = await Browser.withAnAccount();
  const { lock } = await browser.page();
  for (const code of ["12345", "abcdef", "1234567890123", "", "27491 3"]) await assert.rejects(lock.setCode(code), { reason: "bad-pin" }, code);
  for (const code of ["111111", "123456", "987654"]) await assert.rejects(lock.setCode(code), { reason: "weak-pin" }, code);
  assert.equal(lock.state.value.isSet, false);
});

test("without a lock again, the next page is open by itself", async () => {
  const browser = await Browser.withAnAccount();
  const first = await browser.page();
  await first.lock.setCode(CODE);
  await first.lock.remove();
  first.lock.close();
  const next = await browser.page();
  assert.deepEqual([await next.keyStore.state(), next.lock.state.value.isSet], ["open", false]);
  assert.equal((await next.keyStore.load()).keys.id, browser.id);
});

test("it locks after its minutes of quiet, and not while somebody is there", async (context) => {
  const browser = await Browser.withAnAccount();
  const page = await browser.page();
  context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  await page.lock.setCode(CODE);
  await page.lock.setMinutes(2);
  browser.told.length = 0;
  context.mock.timers.tick(119_000);
  page.active();
  context.mock.timers.tick(119_000);
  assert.deepEqual(browser.told, []);
  context.mock.timers.tick(2_000);
  assert.deepEqual(browser.told, ["locked"]);
  page.lock.close();
});

test("the first touch after the machine slept locks, and does not count as somebody there", async (context) => {
  const browser = await Browser.withAnAccount();
  const page = await browser.page();
  context.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  await page.lock.setCode(CODE);
  browser.told.length = 0;
  context.mock.timers.setTime(Date.now() + 6 * 60_000);
  page.active();
  assert.deepEqual(browser.told, ["locked"]);
  page.lock.close();
});

test("whoever comes in anew by another way finds nothing of what was locked", async () => {
  const browser = await Browser.withAnAccount();
  const first = await browser.page();
  await first.lock.setCode(CODE);
  first.lock.close();
  const { keyStore } = await browser.page();
  const { keys, stored } = await keyStore.make();
  await keyStore.keep(stored, { ...IDENTITY, device: keys.id });
  const next = await browser.page();
  assert.deepEqual([await next.keyStore.state(), next.lock.state.value.isSet, (await next.keyStore.epochKeys("c")).size], ["open", false, 0]);
  assert.equal(await browser.database.get("values", "lock"), undefined);
});
