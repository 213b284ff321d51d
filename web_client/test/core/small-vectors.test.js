import assert from "node:assert/strict";
import { test } from "node:test";
import * as account from "../../src/core/account.js";
import { fromHex, toHex } from "../../src/core/bytes.js";
import * as cbor from "../../src/core/cbor.js";
import * as content from "../../src/core/content.js";
import * as epoch from "../../src/core/epoch.js";
import * as join from "../../src/core/join.js";
import * as kit from "../../src/core/kit.js";
import * as login from "../../src/core/login.js";
import * as receipt from "../../src/core/receipt.js";
import * as safety from "../../src/core/safety.js";
import { openSealed, sealTo } from "../../src/core/suite.js";
import { chainsOf, devicesOf, refuses, vectors, withBytes } from "../support/vectors.js";

/** A value as cbor.json writes it. */
function valueOf(written) {
  if (Array.isArray(written)) return written.map(valueOf);
  if (typeof written !== "object" || written === null) return written;
  if ("bytes" in written) return fromHex(written.bytes);
  return new Map(written.map.map(([key, value]) => [key, valueOf(value)]));
}

test("every CBOR value is read and written as the vectors say", () => {
  for (const { name, value, hex } of vectors("cbor").good) {
    assert.equal(toHex(cbor.encode(valueOf(value))), hex, name);
    assert.deepEqual(cbor.decode(fromHex(hex)), valueOf(value), name);
  }
});

test("CBOR that nobody here would have written is refused", async () => {
  for (const { hex, reason } of vectors("cbor").bad) await refuses(reason, () => cbor.decode(fromHex(hex)));
});

test("contents are written, padded and read as the vectors say", () => {
  for (const one of vectors("content").good) {
    const said = withBytes(one.content);
    const encoded = content.encode(said);
    assert.equal(toHex(encoded), one.cbor, one.name);
    assert.deepEqual(content.decode(fromHex(one.cbor)), said, one.name);
    const padded = content.pad(encoded);
    assert.equal(padded.length, one.padded_length, one.name);
    assert.equal(toHex(padded.subarray(0, 300)), one.padded, one.name);
    assert.deepEqual(content.unpad(padded), encoded, one.name);
  }
});

test("contents and paddings that no writer makes are refused", async () => {
  for (const { cbor: encoded, padded, reason } of vectors("content").bad) {
    await refuses(reason, () => (encoded === undefined ? content.unpad(fromHex(padded)) : content.decode(fromHex(encoded))));
  }
});

test("epoch keys give the same commitments, inboxes and wrap keys as in Python", async () => {
  for (const { name, key: hex, audience, epoch: number, ...one } of vectors("epoch").good) {
    const key = fromHex(hex);
    const place = { circle: one.circle, audience, epoch: number, note: one.note, version: one.version };
    assert.equal(toHex(await epoch.commitment(key, audience, number)), one.commitment, name);
    assert.equal(toHex(await epoch.inboxSeed(key, audience, number)), one.inbox_seed, name);
    assert.equal(toHex(await epoch.inboxPublic(key, audience, number)), one.inbox_public, name);
    assert.equal(toHex(await epoch.wrapKey(key, place)), one.wrap_key, name);
    assert.equal(toHex(cbor.encode(epoch.inboxInfo(place))), one.inbox_info, name);
  }
});

test("receipts are written again byte for byte, read and verified", async () => {
  const file = vectors("receipt");
  const devices = await devicesOf(file);
  const reader = await account.replay(file.chain.statements.map(fromHex));
  for (const { by, again: { device, ...fields }, receipt: hex } of file.good) {
    assert.equal(toHex(await receipt.write(devices.get(by), fields)), hex);
    const read = receipt.peek(fromHex(hex));
    assert.equal(read.device, device);
    await receipt.verify(read, reader);
  }
});

test("bad receipts are refused by name", async () => {
  const file = vectors("receipt");
  const reader = await account.replay(file.chain.statements.map(fromHex));
  for (const { reason, receipt: hex } of file.bad) {
    await refuses(reason, async () => receipt.verify(receipt.peek(fromHex(hex)), reader));
  }
});

test("a login is written again byte for byte, and bad ones are refused by name", async () => {
  const file = vectors("login");
  const devices = await devicesOf(file);
  const publicKey = devices.get("anne phone").signPublic;
  for (const { by, challenge, origin, at, login: hex } of file.good) {
    assert.equal(toHex(await login.answer(devices.get(by), fromHex(challenge), { origin, at })), hex);
    await login.verify(login.peek(fromHex(hex)), publicKey);
  }
  for (const { reason, login: hex } of file.bad) {
    await refuses(reason, async () => login.verify(login.peek(fromHex(hex)), publicKey));
  }
});

test("kits have the same words, QR text and keys in both languages", async () => {
  for (const one of vectors("kit").good) {
    const seed = fromHex(one.seed);
    for (const language of ["en", "fr"]) {
      assert.equal((await kit.words(seed, language)).join(" "), one.words[language].normalize("NFC"), one.name);
      assert.deepEqual(await kit.seedOf(one.words[language]), seed, one.name);
      assert.deepEqual(await kit.seedOf(one.words[language].toUpperCase().normalize("NFKD").replace(/\p{Mark}/gu, "")), seed, one.name);
    }
    assert.equal(kit.qrText(seed), one.qr);
    assert.deepEqual(kit.seedOfQr(one.qr), seed);
    assert.equal((await kit.keysOf(seed)).id, one.id);
  }
});

test("bad words and bad QR codes of kits are refused", async () => {
  for (const { words, qr, reason } of vectors("kit").bad) await refuses(reason, () => (words === undefined ? kit.seedOfQr(qr) : kit.seedOf(words)));
});

test("joining codes are made, read however they are typed, and authenticate both words", async () => {
  for (const one of vectors("join").good) {
    const secret = fromHex(one.secret);
    assert.equal(join.makeCode(secret), one.code);
    for (const typed of [one.code, ...one.typed]) assert.deepEqual(join.readCode(typed), secret);
    assert.equal(await join.ticket(secret), one.ticket);
    assert.equal(toHex(await join.requestMac(secret, fromHex(one.possession))), one.request_mac);
    assert.equal(toHex(await join.answerMac(secret, fromHex(one.statement))), one.answer_mac);
    join.checkMac(fromHex(one.request_mac), await join.requestMac(secret, fromHex(one.possession)));
    await refuses("wrong-mac", async () => join.checkMac(fromHex(one.answer_mac), await join.requestMac(secret, fromHex(one.statement))));
  }
  for (const { code, reason } of vectors("join").bad) await refuses(reason, () => join.readCode(code));
});

test("two accounts have the same safety number as in Python, read however it is typed", async () => {
  const file = vectors("safety");
  const chains = await chainsOf(file);
  for (const one of file.good) {
    const [first, second] = [chains.get(one.one), chains.get(one.other)];
    assert.equal(await safety.number(first, second), one.number, one.name);
    assert.equal(await safety.number(second, first), one.number, one.name);
    assert.equal(await safety.half(first), one.half);
    assert.equal(safety.grouped(one.number).join(" "), one.grouped);
    assert.equal(safety.qrText(one.number), one.qr);
    for (const text of [one.qr, one.number, ...one.typed]) assert.ok(safety.isSameNumber(safety.read(text), one.number));
  }
  assert.equal(safety.isSameNumber(file.good[0].number, file.good[1].number), false);
});

test("what is no safety number is refused, and oneself has none", async () => {
  const file = vectors("safety");
  const chains = await chainsOf(file);
  for (const { text, one, other, reason } of file.bad) {
    await refuses(reason, () => (text === undefined ? safety.number(chains.get(one), chains.get(other)) : safety.read(text)));
  }
});

test("what Python sealed to a seed is opened here, and what was changed is not", async () => {
  for (const { seed, info, sealed, reason } of vectors("hpke").bad) {
    await refuses(reason, () => openSealed(fromHex(seed), fromHex(sealed), cbor.decode(fromHex(info))));
  }
  let opened = 0;
  for (const { seed, public: publicKey, info, sealed, plaintext } of vectors("hpke").good) {
    if (seed === undefined) continue; // its key is another file's: opened there
    opened += 1;
    assert.equal(toHex(await openSealed(fromHex(seed), fromHex(sealed), cbor.decode(fromHex(info)))), plaintext);
    const again = await sealTo(fromHex(publicKey), fromHex(plaintext), cbor.decode(fromHex(info)));
    assert.equal(toHex(await openSealed(fromHex(seed), again, cbor.decode(fromHex(info)))), plaintext);
  }
  assert.ok(opened > 0);
});
