import assert from "node:assert/strict";
import { test } from "node:test";
import { openPossession } from "../../src/core/account.js";
import { fromHex, toHex } from "../../src/core/bytes.js";
import { deviceOf } from "../../src/core/device.js";
import * as emergency from "../../src/core/emergency.js";
import * as escrow from "../../src/core/escrow.js";
import { accountsOf, chainsOf, devicesOf, refuses, vectors } from "../support/vectors.js";

const [ESCROWS, REQUESTS] = [vectors("escrow"), vectors("emergency")];
const publicOf = (keys) => deviceOf(keys, "interactive", "");
const hexes = (parts) => [...parts.values()].map(toHex);

test("a seed is split into the same parts as in Python, held by the same guardians, and gives the same device", async () => {
  for (const one of ESCROWS.splits) {
    const parts = escrow.split(fromHex(one.seed), one.random.map(fromHex));
    assert.deepEqual(hexes(parts), one.parts, one.name);
    assert.equal(toHex(escrow.combine(parts)), one.seed, one.name);
    const held = Array.from({ length: one.guardians }, (_, position) => escrow.heldBy(position, one));
    assert.deepEqual(held, one.held, one.name);
    const keys = await escrow.keysOf(fromHex(one.seed));
    assert.deepEqual([keys.id, toHex(keys.kemSeed)], [one.device, one.kem_seed], one.name);
  }
});

test("fewer guardians than the quorum lack a part, whoever they are; the quorum lacks none", () => {
  for (const { name, guardians, quorum, parts } of ESCROWS.splits) {
    for (const some of Array.from({ length: 2 ** guardians }, (_, set) => set)) {
      const people = Array.from({ length: guardians }, (_, position) => position).filter((position) => some & (1 << position));
      const together = new Set(people.flatMap((position) => escrow.heldBy(position, { guardians, quorum })));
      assert.equal(together.size === parts.length, people.length >= quorum, `${name}: ${people.join()}`);
    }
  }
});

test("what an escrow states is written again byte for byte, read and verified", async () => {
  const chains = await chainsOf(ESCROWS);
  for (const one of ESCROWS.good) {
    const keys = await escrow.keysOf(fromHex(one.seed));
    const { account, quorum, guardians, at } = one.again;
    const written = await escrow.writeStatement(keys, { account, quorum, guardians, at, parts: one.parts.map(fromHex) });
    assert.equal(toHex(written), one.statement, one.name);
    const read = escrow.peekStatement(fromHex(one.statement));
    await escrow.verifyStatement(read, chains.get(one.chain), { isPast: one.past ?? false });
    if (one.past) await refuses("wrong-device", () => escrow.verifyStatement(read, chains.get(one.chain)));
    if (one.possession) assert.equal((await openPossession(fromHex(one.possession))).device.id, read.device);
  }
});

test("each guardian opens its own share, and a quorum of them has the escrow's device", async () => {
  const devices = await devicesOf(ESCROWS);
  for (const one of ESCROWS.good) {
    const statement = escrow.peekStatement(fromHex(one.statement));
    const opened = new Map();
    for (const { guardian, device, held, sealed } of one.shares) {
      const parts = await escrow.openShare(devices.get(device), fromHex(sealed), { statement, guardian });
      assert.deepEqual([...parts.keys()], held, one.name);
      opened.set(guardian, parts);
      const again = await escrow.sealShare(publicOf(devices.get(device)), [...parts.values()], statement);
      assert.deepEqual(hexes(await escrow.openShare(devices.get(device), again, { statement, guardian })), hexes(parts));
    }
    const quorum = [...opened.values()].slice(-statement.quorum).flatMap((parts) => [...parts]);
    assert.equal((await escrow.assemble(statement, new Map(quorum))).id, statement.device, one.name);
  }
});

test("bad statements, shares and parts of escrows are refused by name", async () => {
  const [chains, devices] = [await chainsOf(ESCROWS), await devicesOf(ESCROWS)];
  for (const { reason, chain, statement: data, guardian, device, sealed, parts } of ESCROWS.bad) {
    await refuses(reason, async () => {
      const statement = escrow.peekStatement(fromHex(data));
      if (sealed) return escrow.openShare(devices.get(device), fromHex(sealed), { statement, guardian });
      if (parts) return escrow.assemble(statement, new Map(Object.entries(parts).map(([number, part]) => [Number(number), fromHex(part)])));
      return escrow.verifyStatement(statement, chains.get(chain));
    });
  }
});

test("a request is written again byte for byte, verified, and its words are told to each guardian", async () => {
  const [accounts, devices] = [await accountsOf(REQUESTS), await devicesOf(REQUESTS)];
  for (const { name, by, again: { device, ...fields }, request: hex, id, text, salt, plaintext, sealed } of REQUESTS.good) {
    assert.equal(toHex(await emergency.writeRequest(devices.get(by), fields)), hex, name);
    const read = await emergency.peekRequest(fromHex(hex));
    assert.deepEqual([read.id, read.device], [id, device], name);
    await emergency.verifyRequest(read, accounts.get(read.account));
    const said = await emergency.explain(text, fromHex(salt));
    assert.deepEqual([toHex(said.plaintext), said.hash], [plaintext, read.explained], name);
    for (const [guardian, words] of Object.entries(sealed)) {
      assert.equal(await emergency.openWords(devices.get(guardian), fromHex(words), read), text, name);
      const resealed = await emergency.sealWords(read, publicOf(devices.get(guardian)), said.plaintext);
      assert.equal(await emergency.openWords(devices.get(guardian), resealed, read), text, name);
    }
  }
});

test("answers are written again byte for byte, and a guardian's own parts with those of another give the escrow's device", async () => {
  const [accounts, devices] = [await accountsOf(REQUESTS), await devicesOf(REQUESTS)];
  const statement = escrow.peekStatement(fromHex(REQUESTS.statement));
  for (const { name, by, again, answer: hex, held, own } of REQUESTS.answers) {
    const { parts, ...fields } = again;
    const listed = Object.entries(parts).map(([to, sealed]) => ({ device: to, sealed: fromHex(sealed) }));
    assert.equal(toHex(await emergency.writeAnswer(devices.get(by), { ...fields, parts: listed })), hex, name);
    const read = emergency.peekAnswer(fromHex(hex));
    await emergency.verifyAnswer(read, accounts.get(read.account), fields.request);
    const mine = new Map(held.map((number, index) => [number, fromHex(own[index])]));
    for (const other of REQUESTS.answers.filter((one) => fields.approved && one.by !== by)) {
      const given = await emergency.openParts(devices.get(other.by), read, statement);
      assert.deepEqual([[...given.keys()], hexes(given)], [held, own], name);
      const whole = new Map([...given, ...other.held.map((number, index) => [number, fromHex(other.own[index])])]);
      assert.equal((await escrow.assemble(statement, whole)).id, statement.device, name);
      const sealed = await emergency.sealParts(devices.get(by), publicOf(devices.get(other.by)), { request: fields.request, parts: mine });
      assert.deepEqual(hexes(await emergency.openParts(devices.get(other.by), { ...read, parts: [{ device: devices.get(other.by).id, sealed }] }, statement)), own);
    }
  }
});

test("bad requests, words, answers and parts are refused by name", async () => {
  const [chains, accounts, devices] = [await chainsOf(REQUESTS), await accountsOf(REQUESTS), await devicesOf(REQUESTS)];
  const statement = escrow.peekStatement(fromHex(REQUESTS.statement));
  const requester = accounts.get(REQUESTS.good[0].again.account);
  const verifyBad = (read) => emergency.verifyRequest(read, accounts.get(read.account) ?? requester);
  const anyRequest = REQUESTS.answers[0].again.request;
  for (const { reason, request, sealed, answer, chain, opens } of REQUESTS.bad) {
    await refuses(reason, async () => {
      if (sealed !== undefined) return emergency.openWords(devices.get(opens), fromHex(sealed), await emergency.peekRequest(fromHex(request)));
      if (request !== undefined) return verifyBad(await emergency.peekRequest(fromHex(request)));
      const read = emergency.peekAnswer(fromHex(answer));
      return opens ? emergency.openParts(devices.get(opens), read, statement) : emergency.verifyAnswer(read, chains.get(chain), anyRequest);
    });
  }
});

test("a request and a statement that no reader would take are not written", async () => {
  const devices = await devicesOf(REQUESTS);
  const { device, ...fields } = REQUESTS.good[0].again;
  assert.ok(device);
  await refuses("unknown-reason", () => emergency.writeRequest(devices.get("denis phone"), { ...fields, reason: "curiosity" }));
  await refuses("bad-period", () => emergency.writeRequest(devices.get("denis phone"), { ...fields, until: fields.at }));
  const { account, guardians, at } = ESCROWS.good[0].again;
  await refuses("bad-quorum", () => escrow.writeStatement(devices.get("anne phone"), { account, guardians, at, quorum: 1, parts: ESCROWS.good[0].parts.map(fromHex) }));
});
