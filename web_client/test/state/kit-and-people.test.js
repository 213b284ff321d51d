import assert from "node:assert/strict";
import { test } from "node:test";
import * as account from "../../src/core/account.js";
import { randomBytes } from "../../src/core/bytes.js";
import { deviceOf } from "../../src/core/device.js";
import * as kits from "../../src/core/kit.js";
import { Unreachable } from "../../src/core/refusal.js";
import { FIRST, KitCheck, LONGEST } from "../../src/state/kit-check.js";
import { People } from "../../src/state/people.js";
import { memberAt, Relay, somebody } from "../support/relay.js";

const DAY = 86_400_000;

/** This person's chain gets one more device. */
async function joins(relay, person, keys, kind) {
  const device = deviceOf(keys, kind, "");
  const possession = await account.possess(keys, device, person.state.account);
  const statement = await account.addDevice(person.state, person.keys, { device, possession, at: person.state.at });
  await appended(relay, person, statement);
}

async function appended(relay, person, statement) {
  person.state = await account.apply(person.state, statement);
  relay.chains.get(person.state.account).push(statement);
}

async function withAKit() {
  const nadia = await somebody("Nadia");
  const relay = await Relay.of(nadia);
  const seed = randomBytes(32);
  const keys = await kits.keysOf(seed);
  await joins(relay, nadia, keys, "recovery");
  const member = await memberAt(relay, nadia);
  await member.accounts.get([member.account]);
  const check = new KitCheck({ member }, () => {});
  await check.load();
  const words = await kits.words(seed, "fr");
  await check.remember(keys.id, words);
  return { relay, nadia, member, check, words, device: keys.id };
}

/** The server's clock shows a later day. */
function later(member, milliseconds) {
  member.clock.set(member.clock.now() + milliseconds);
}

test("the kit's third word is asked for after a week, then twice as rarely up to half a year", async () => {
  const { member, check, words } = await withAKit();
  const waits = [];
  for (let wait = FIRST, times = 0; times < 7; times += 1, wait = Math.min(2 * wait, LONGEST)) {
    later(member, wait - 60_000);
    assert.equal(check.isDue, false, `not before ${wait / DAY} days`);
    later(member, 60_000);
    assert.equal(check.isDue, true);
    waits.push(wait / DAY);
    assert.equal(await check.check(words[2]), true);
    assert.equal(check.isDue, false);
  }
  assert.deepEqual(waits, [7, 14, 28, 56, 112, 182, 182]);
});

test("a wrong word changes nothing, and it can be put off until tomorrow", async () => {
  const { member, check, words } = await withAKit();
  later(member, FIRST);
  for (const wrong of [words[1], words[3], ""]) assert.equal(await check.check(wrong), false);
  assert.equal(check.isDue, true);
  await check.postpone();
  assert.equal(check.isDue, false);
  later(member, DAY);
  assert.equal(check.isDue, true);
  assert.equal(await check.check(` ${words[2].toUpperCase()} `), true);
});

test("a kit that was revoked is not asked for, and one made elsewhere cannot be checked", async () => {
  const { relay, nadia, member, check, words, device } = await withAKit();
  await appended(relay, nadia, await account.revokeDevice(nadia.state, nadia.keys, { device, at: nadia.state.at }));
  await member.accounts.get([member.account], { isFresh: true });
  later(member, FIRST);
  assert.equal(check.isDue, false);
  await assert.rejects(check.check(words[2]), { code: "refused-here", reason: "no-kit-here" });
});

async function pair() {
  const [nadia, denis] = [await somebody("Nadia"), await somebody("Denis")];
  const relay = await Relay.of(nadia, denis);
  const [one, other] = [await memberAt(relay, nadia), await memberAt(relay, denis)];
  return { relay, nadia, denis, hers: new People({ member: one }), his: new People({ member: other }), member: one };
}

test("two people see one number, and what one scans of the other verifies them here only", async () => {
  const { nadia, denis, hers, his } = await pair();
  const shown = await his.safety(nadia.state.account);
  assert.deepEqual((await hers.safety(denis.state.account)).groups, shown.groups);
  assert.equal(await hers.compare(denis.state.account, shown.qr), true);
  assert.equal(hers.marks.value.get(denis.state.account).mark, "verified");
  assert.equal(his.marks.value.size, 0);
  await hers.forget(denis.state.account);
  assert.equal(hers.marks.value.size, 0);
});

test("another number verifies nobody, and what is none is refused", async () => {
  const { denis, hers } = await pair();
  assert.equal(await hers.compare(denis.state.account, "0".repeat(60)), false);
  assert.equal(hers.marks.value.size, 0);
  await assert.rejects(hers.compare(denis.state.account, "https://relais.example"), { reason: "bad-code" });
});

test("a device that comes later shows, also where only what this device has is known", async () => {
  const { relay, nadia, denis, hers, member } = await pair();
  await hers.confirm(denis.state.account);
  await joins(relay, denis, await kits.keysOf(randomBytes(32)), "recovery");
  await member.accounts.get([denis.state.account], { isFresh: true });
  relay.answers = { ...relay.answers, "account.get": () => Promise.reject(new Unreachable()) };
  member.accounts.changed(denis.state.account);
  await hers.changed(nadia.state.account);
  assert.equal(hers.marks.value.get(denis.state.account).mark, "verified", "that was somebody else");
  await hers.changed(denis.state.account);
  assert.equal(hers.marks.value.get(denis.state.account).mark, "changed");
  await assert.rejects(hers.confirm(denis.state.account), { code: "offline" }, "nothing is compared with an old chain");
});
