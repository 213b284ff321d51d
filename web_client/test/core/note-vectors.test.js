import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex } from "../../src/core/bytes.js";
import * as content from "../../src/core/content.js";
import * as envelope from "../../src/core/envelope.js";
import { keyName } from "../../src/core/epoch.js";
import * as grant from "../../src/core/grant.js";
import * as ledger from "../../src/core/ledger.js";
import { checkCouldPost } from "../../src/core/posting.js";
import { accountsOf, chainsOf, devicesOf, refuses, vectors, withBytes } from "../support/vectors.js";

const GRANTS = vectors("grant");
const ENVELOPES = vectors("envelope");

const circleOf = async (file) => {
  const accounts = await accountsOf(file);
  return ledger.replay(file.entries.map(fromHex), (id) => accounts.get(id));
};

const keysOf = (rows) => new Map(rows.map(({ audience, epoch, key }) => [keyName(audience, epoch), fromHex(key)]));

test("every grant is read, verified and opened to the keys it hands on", async () => {
  const [devices, chains, state] = [await devicesOf(GRANTS), await chainsOf(GRANTS), await circleOf(GRANTS)];
  for (const { name, to, granter, grant: hex, read, opened } of GRANTS.good) {
    const peeked = grant.peek(fromHex(hex));
    const { circle, account, device, at } = peeked;
    const keys = peeked.keys.map((one) => ("note" in one ? [one.note, one.version] : [one.audience, one.epoch]));
    assert.deepEqual(
      { circle, account, device, granter: peeked.granter, granter_device: peeked.granterDevice, at, keys, sealed: toHex(peeked.sealed) }, read, name);
    assert.deepEqual(await grant.openGrant(fromHex(hex), devices.get(to), { state, granter: chains.get(granter) }), keysOf(opened), name);
  }
});

test("every bad grant is refused by name", async () => {
  const [devices, chains, state] = [await devicesOf(GRANTS), await chainsOf(GRANTS), await circleOf(GRANTS)];
  for (const { name, to, granter, grant: hex, reason } of GRANTS.bad) {
    const opening = () => grant.openGrant(fromHex(hex), devices.get(to), { state, granter: chains.get(granter) });
    await assert.doesNotReject(() => refuses(reason, opening), name);
  }
});

test("every envelope passes each stage, and opens to what was said", async () => {
  const [accounts, state] = [await accountsOf(ENVELOPES), await circleOf(ENVELOPES)];
  for (const one of ENVELOPES.good) {
    const peeked = await envelope.peek(fromHex(one.envelope));
    assert.deepEqual(peeked.header, withBytes(one.header), one.name);
    assert.equal(peeked.digest, one.digest, one.name);
    await envelope.verify(peeked, accounts.get(peeked.header.account));
    checkCouldPost(state, peeked.header);
    envelope.checkFollows(peeked, await Promise.all(one.previous.map((hex) => envelope.peek(fromHex(hex)))));
    assert.deepEqual(await envelope.openEnvelope(peeked, keysOf(ENVELOPES.keys)), withBytes(one.content), one.name);
  }
});

test("a version opens with its own key alone, and a key that is not its own counts as none", async () => {
  const keys = keysOf(ENVELOPES.keys);
  for (const { name, envelope: hex, content: said } of ENVELOPES.good) {
    const peeked = await envelope.peek(fromHex(hex));
    const own = keyName(peeked.header.note, peeked.header.version);
    const key = await envelope.contentKeyOf(peeked, keys);
    assert.deepEqual(await envelope.openEnvelope(peeked, new Map([[own, key]])), withBytes(said), name);
    const wrong = new Uint8Array(32);
    await refuses("key-missing", () => envelope.openEnvelope(peeked, new Map([[own, wrong]])));
    assert.deepEqual(await envelope.contentKeyOf(peeked, new Map([...keys, [own, wrong]])), key, name);
  }
});

test("what a draft and its entropy determine is sealed again byte for byte", async () => {
  const devices = await devicesOf(ENVELOPES);
  const determined = ENVELOPES.good.filter((one) => one.is_deterministic);
  assert.ok(determined.length > 0);
  for (const { name, by, draft, content: said, to, entropy, envelope: expected } of determined) {
    const targets = to.map(({ audience, epoch, key, inbox_key: inbox }) =>
      ({ audience, epoch, key: key && fromHex(key), inboxKey: inbox && fromHex(inbox) }));
    const sealed = await envelope.seal(devices.get(by), withBytes(draft), withBytes(said), { to: targets, entropy: fromHex(entropy) });
    assert.equal(toHex(sealed), expected, name);
  }
});

test("every bad envelope is refused by name, at its stage and not before", async () => {
  const [accounts, state] = [await accountsOf(ENVELOPES), await circleOf(ENVELOPES)];
  const stages = {
    peek: async (hex) => envelope.peek(fromHex(hex)),
    verify: async (hex) => {
      const peeked = await envelope.peek(fromHex(hex));
      await envelope.verify(peeked, accounts.get(peeked.header.account) ?? [...accounts.values()][0]);
    },
    posting: async (hex) => checkCouldPost(state, (await envelope.peek(fromHex(hex))).header),
    follows: async (hex, previous) =>
      envelope.checkFollows(await envelope.peek(fromHex(hex)), await Promise.all(previous.map((one) => envelope.peek(fromHex(one))))),
    open: async (hex) => envelope.openEnvelope(await envelope.peek(fromHex(hex)), keysOf(ENVELOPES.keys)),
  };
  const order = Object.keys(stages);
  for (const { name, stage, reason, envelope: hex, previous } of ENVELOPES.bad) {
    const before = stage === "posting" ? order.slice(0, order.indexOf(stage)) : ["peek", "verify"].slice(0, order.indexOf(stage));
    for (const earlier of before) await assert.doesNotReject(() => stages[earlier](hex, previous), `${name}: ${earlier}`);
    await assert.doesNotReject(() => refuses(reason, () => stages[stage](hex, previous)), name);
  }
});

test("an envelope sealed to an inbox key is opened by whoever holds the epoch's", async () => {
  const [devices, state] = [await devicesOf(ENVELOPES), await circleOf(ENVELOPES)];
  const { by, draft, content: said, to: [{ epoch }] } = ENVELOPES.good[0];
  const { inboxKey } = state.audiences.get("team").epochs.get(epoch);
  const entropy = crypto.getRandomValues(new Uint8Array(envelope.ENTROPY_SIZE));
  const sealed = await envelope.seal(devices.get(by), withBytes(draft), withBytes(said), { to: [{ audience: "team", epoch, inboxKey }], entropy });
  const peeked = await envelope.peek(sealed);
  assert.equal(peeked.header.keys[0].method, "inbox");
  assert.deepEqual(content.encode(await envelope.openEnvelope(peeked, keysOf(ENVELOPES.keys))), content.encode(withBytes(said)));
});
