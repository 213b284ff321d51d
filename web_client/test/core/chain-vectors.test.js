import assert from "node:assert/strict";
import { test } from "node:test";
import * as account from "../../src/core/account.js";
import { fromHex, toHex } from "../../src/core/bytes.js";
import { deviceOf } from "../../src/core/device.js";
import * as ledger from "../../src/core/ledger.js";
import { readersOf } from "../../src/core/readers.js";
import { chainsOf, devicesOf, accountsOf, refuses, replayed, vectors, withBytes } from "../support/vectors.js";

const MAKERS = {
  "create": (state, keys, { device, profile, replaces, at }) =>
    account.create(keys, { device: deviceOf(keys, device.kind, device.label), profile, replaces, at }),
  "device.add": (state, keys, step) => account.addDevice(state, keys, withBytes(step)),
  "device.revoke": account.revokeDevice,
  "device.rename": account.renameDevice,
  "profile": account.changeProfile,
};

/** A state as account.json writes it. */
function accountJson({ account: id, seq, head, at, profile, replaces, devices }) {
  const rows = [...devices.values()].map(({ device, addedAt, revokedAt }) =>
    ({ id: device.id, kind: device.kind, label: device.label, added_at: addedAt, revoked_at: revokedAt }));
  return { account: id, seq, head, at, profile, replaces, devices: rows };
}

test("every chain of an account is written again byte for byte and replays to its state", async () => {
  const file = vectors("account");
  const devices = await devicesOf(file);
  for (const { name, steps, state: expected } of file.good) {
    let state = null;
    for (const step of steps) {
      assert.equal(toHex(await MAKERS[step.op](state, devices.get(step.by), step)), step.statement, name);
      state = await account.apply(state, fromHex(step.statement));
      assert.equal(state.head, step.digest, name);
    }
    assert.deepEqual(accountJson(state), expected, name);
  }
});

test("a device's word on its account is signed again byte for byte", async () => {
  const file = vectors("account");
  const devices = await devicesOf(file);
  const steps = file.good.flatMap(({ state, steps: all }) => all.map((step) => ({ ...step, account: state.account })));
  const added = steps.filter((step) => step.op === "device.add");
  assert.ok(added.length > 0);
  for (const { new: label, device, possession, account: id } of added) {
    const keys = devices.get(label);
    assert.equal(toHex(await account.possess(keys, deviceOf(keys, device.kind, device.label), id)), possession);
  }
});

test("every bad statement is refused by name, and what stands before it is good", async () => {
  for (const { name, reason, statements } of vectors("account").bad) {
    const before = await replayed(statements.slice(0, -1));
    await assert.doesNotReject(() => refuses(reason, () => account.apply(before, fromHex(statements.at(-1)))), name);
  }
});

/** A state as ledger.json writes it. */
function circleJson({ circle, seq, head, at, closed, heads, members, audiences }) {
  return {
    circle, seq, head, at, closed, heads,
    members: [...members.values()].map((member) => ({
      account: member.account, account_head: member.accountHead, added_by: member.addedBy, history: member.history,
      periods: member.periods.map((one) => ({
        since: one.since, until: one.until, removed_at: one.removedAt, role: one.role, audiences: [...one.audiences].sort(),
        seq: one.seq, ended_seq: one.endedSeq,
      })),
    })),
    audiences: [...audiences.values()].map(({ name, epoch, epochs }) => ({
      name, epoch,
      epochs: [...epochs.values()].map((one) => ({
        epoch: one.epoch, commitment: toHex(one.commitment), inbox_key: toHex(one.inboxKey), opened_at: one.openedAt, seq: one.seq,
      })),
    })),
  };
}

test("every ledger is written again byte for byte and replays to its state", async () => {
  const file = vectors("ledger");
  const [devices, accounts] = [await devicesOf(file), await accountsOf(file)];
  for (const { name, steps, state: expected } of file.good) {
    let state = null;
    for (const { by, account: acting, account_head: accountHead, at, operations, entry, digest } of steps) {
      const act = { account: acting, accountHead, at, operations: withBytes(operations) };
      assert.equal(toHex(await ledger.writeEntry(state, devices.get(by), act)), entry, name);
      state = await ledger.apply(state, fromHex(entry), accounts.get(acting));
      assert.equal(state.head, digest, name);
    }
    assert.deepEqual(circleJson(state), expected, name);
    assert.deepEqual(structuredClone(state), state, "a state survives the database");
  }
});

test("who is active, may read, is entitled and whether a rotation is due are as in Python", async () => {
  const file = vectors("ledger");
  const [chains, accounts] = [await chainsOf(file), await accountsOf(file)];
  for (const { name, steps, checks } of file.good) {
    const states = [];
    for (const { account: acting, entry } of steps) states.push(await ledger.apply(states.at(-1) ?? null, fromHex(entry), accounts.get(acting)));
    for (const check of checks) {
      const state = states[check.after];
      const known = new Map(Object.entries(check.chains).map(([id, chain]) => [id, chains.get(chain)]));
      const label = `${name} after ${check.after} at ${check.at}`;
      assert.deepEqual(ledger.activeMembers(state, check.at).map((one) => one.account), check.active, label);
      for (const [audience, expected] of Object.entries(check.readers)) {
        assert.deepEqual(ledger.readers(state, audience, check.at).map((one) => one.account), expected, label);
      }
      const entitled = ledger.entitled(state, known, check.at).map((one) => [one.account, one.device, one.audience, one.epoch].join(" "));
      assert.deepEqual(entitled.sort(), check.entitled.map((one) => one.join(" ")).sort(), label);
      const owed = ledger.activeMembers(state, check.at).flatMap((one) => [...state.audiences.values()].flatMap(({ name: audience, epochs }) =>
        [...epochs.keys()].flatMap((epoch) => [one.history - 1, one.history, check.at].flatMap((at) =>
          (one.history && ledger.isOwedKey(state, one, { keys: [{ audience, epoch }], at }) ? [[one.account, audience, epoch, at]] : [])))));
      assert.deepEqual(owed, check.owed, label);
      for (const [audience, expected] of Object.entries(check.rotation)) {
        assert.equal(ledger.rotationDue(state, audience, { at: check.at, accounts: known }), expected, label);
      }
    }
  }
});

test("who could read a version, since when, until when and by what, is as in Python", async () => {
  const file = vectors("ledger");
  const accounts = await accountsOf(file);
  for (const { name, steps, could_read: asked } of file.good) {
    const states = await ledger.replayed(steps.map(({ entry }) => fromHex(entry)), (id) => accounts.get(id));
    assert.ok(asked.some(({ readers }) => readers.length > 0), name);
    for (const { at, keys, readers } of asked) {
      const found = readersOf(states, (id) => accounts.get(id), { at, keys }).map(({ byOwnKey, ...one }) => ({ ...one, by_own_key: byOwnKey }));
      assert.deepEqual(found, readers, `${name}: ${JSON.stringify(keys)} at ${at}`);
    }
  }
});

test("every bad entry is refused by name, and what stands before it is good", async () => {
  const file = vectors("ledger");
  const accounts = await accountsOf(file);
  const stranger = [...accounts.values()][0];
  for (const { name, reason, entries } of file.bad) {
    let state = null;
    for (const entry of entries.slice(0, -1)) state = await applied(state, entry, accounts, stranger);
    await assert.doesNotReject(() => refuses(reason, () => applied(state, entries.at(-1), accounts, stranger)), name);
  }
});

/** @param {string} entry hex */
async function applied(state, entry, accounts, stranger) {
  const { account: acting } = await ledger.peekEntry(fromHex(entry));
  return ledger.apply(state, fromHex(entry), accounts.get(acting) ?? stranger);
}
