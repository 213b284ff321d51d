import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { randomBytes } from "../../src/core/bytes.js";
import { openOperation } from "../../src/core/epoch.js";
import { Refusal } from "../../src/core/refusal.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { LogWatch } from "../../src/state/log-watch.js";
import { memberAt, Relay, somebody } from "../support/relay.js";

const ORIGIN = "relais.example/log";
const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leafOf = (entry) => sha(Buffer.of(0), entry);
const node = (left, right) => sha(Buffer.of(1), left, right);
const cut = (size) => 2 ** (Math.ceil(Math.log2(size)) - 1);
const rootOf = (leaves) => {
  if (leaves.length < 2) return leaves[0] ?? sha(Buffer.alloc(0));
  const k = cut(leaves.length);
  return node(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
};
const pathOf = (index, leaves) => {
  if (leaves.length === 1) return [];
  const k = cut(leaves.length);
  return index < k ? [...pathOf(index, leaves.slice(0, k)), rootOf(leaves.slice(k))] : [...pathOf(index - k, leaves.slice(k)), rootOf(leaves.slice(0, k))];
};
const growthOf = (old, leaves, isWhole = true) => {
  if (old === leaves.length) return isWhole ? [] : [rootOf(leaves)];
  const k = cut(leaves.length);
  return old <= k ? [...growthOf(old, leaves.slice(0, k), isWhole), rootOf(leaves.slice(k))] : [...growthOf(old - k, leaves.slice(k), false), rootOf(leaves.slice(0, k))];
};

/** An audit log in memory, naive, which tells heads of ledgers and can lie. */
class Log {
  entries = [];
  keys = generateKeyPairSync("ed25519");

  tell(ledger, seq, head) {
    const names = ["account", "circle", "device", "on_behalf_of", "organisation", "purpose", "reason", "request", "role", "source"];
    const entry = Object.fromEntries(names.map((name) => [name, null]));
    Object.assign(entry, { action: "ledger.head", outcome: "ok", v: 1, at: "2026-03-01T07:30:00.000Z", id: `0195f3a0-7c00-7abc-8def-${String(this.entries.length).padStart(12, "0")}` });
    const text = JSON.stringify(Object.fromEntries(Object.entries({ ...entry, subject: { head, ledger, seq } }).toSorted(([a], [b]) => (a < b ? -1 : 1))));
    this.entries.push({ ledger, data: Buffer.from(text) });
  }

  tellAll(ledger, heads) {
    for (const [seq, head] of heads.entries()) this.tell(ledger, seq, head);
  }

  get public() {
    return Buffer.from(this.keys.publicKey.export({ format: "jwk" }).x, "base64url");
  }

  keyId(name = ORIGIN) {
    return sha(Buffer.from(`${name}\n`), Buffer.of(1), this.public).subarray(0, 4);
  }

  get vkey() {
    return `${ORIGIN}+${this.keyId().toString("hex")}+${Buffer.concat([Buffer.of(1), this.public]).toString("base64")}`;
  }

  checkpoint(leaves) {
    const text = `${ORIGIN}\n${leaves.length}\n${rootOf(leaves).toString("base64")}\n`;
    const signature = sign(null, Buffer.from(text), this.keys.privateKey);
    return new Uint8Array(Buffer.from(`${text}\n— ${ORIGIN} ${Buffer.concat([this.keyId(), signature]).toString("base64")}\n`));
  }

  heads({ ledgers, size }) {
    const leaves = this.entries.map(({ data }) => leafOf(data));
    if (size > leaves.length) throw new Refusal("not_found", { size: leaves.length });
    const found = this.entries.flatMap(({ ledger, data }, index) => (ledgers.some((one) => one.ledger === ledger && index >= one.index) ? [{ index, entry: new Uint8Array(data), path: pathOf(index, leaves).map((hash) => new Uint8Array(hash)) }] : []));
    return { entries: found, consistency: size === 0 ? [] : growthOf(size, leaves).map((hash) => new Uint8Array(hash)), checkpoint: this.checkpoint(leaves), more: false };
  }
}

/** A doctor's device at a relay with a log that tells everything there is, once. */
async function scene() {
  const [nurse, doctor] = await Promise.all(["Nurse", "Doctor"].map(somebody));
  const relay = await Relay.of(nurse, doctor);
  const log = new Log();
  for (const { state } of [nurse, doctor]) log.tellAll(state.account, state.heads);
  log.tellAll(relay.circle, relay.state.heads);
  relay.answers["audit.heads"] = (request) => log.heads(request);
  const member = await memberAt(relay, doctor);
  member.transport.http = { file: async () => new TextEncoder().encode(`${log.vkey}\n`) };
  const keeper = new CircleKeeper(member, relay.circle);
  await keeper.refresh();
  const book = { known: [relay.circle], keeper: () => keeper };
  const watch = (patience) => new LogWatch(member, book, patience);
  const kinds = () => member.alarms.list.value.map(({ kind, circle }) => [kind, circle]);
  const evidence = () => member.database.get("values", "log evidence");
  const rewind = () => member.database.update("values", "log ledgers", () => ({}));
  return { nurse, doctor, relay, log, member, keeper, watch, kinds, evidence, rewind };
}

test("what is shown is compared with the log once, and what is proven is not asked for again", async () => {
  const { relay, log, watch, kinds } = await scene();
  assert.equal(await watch().check(), true);
  assert.equal(await watch().check(), true);
  assert.equal(relay.calls.filter((event) => event === "audit.heads").length, 1);
  const state = await watch().state();
  assert.deepEqual([state.size, state.ledgers, state.missing, state.at > 0], [log.entries.length, 3, 0, true]);
  assert.deepEqual(kinds(), []);
});

test("what grows is proven from where it was, and the log may grow by what others do", async () => {
  const { nurse, relay, log, keeper, watch, kinds } = await scene();
  await watch().check();
  await relay.append(nurse, [await openOperation("team", 2, randomBytes(32))]);
  log.tell("ab".repeat(32), 0, "cd".repeat(32));
  log.tell(relay.circle, relay.state.seq, relay.state.head);
  await keeper.refresh({ isForced: true });
  assert.equal(await watch().check(), true);
  assert.deepEqual([(await watch().state()).size, kinds()], [log.entries.length, []]);
});

test("another ledger than the log tells of is an alarm with evidence, and nothing more is written there", async () => {
  const { nurse, relay, log, keeper, watch, kinds, evidence } = await scene();
  await relay.append(nurse, [{ op: "close" }]);
  await keeper.refresh({ isForced: true });
  log.tell(relay.circle, relay.state.seq, "ef".repeat(32));
  await assert.rejects(watch().check(), { reason: "forked-ledger" });
  assert.deepEqual(kinds(), [["log-ledger", relay.circle], ["fork", relay.circle]]);
  assert.throws(() => keeper.requireSound(), { reason: "fork" });
  const [{ reason, answer }] = await evidence();
  assert.deepEqual([reason, answer.entries.length], ["forked-ledger", 5]);
  assert.deepEqual(await relay.told(1), [{ kind: "forked-ledger", circle: relay.circle }]);
});

test("both of two heads in the log are seen by whoever was shown one of them", async () => {
  const { relay, log, watch, kinds, rewind } = await scene();
  await watch().check();
  log.tell(relay.circle, 1, "ef".repeat(32));
  await rewind();
  await assert.rejects(watch().check(), { reason: "forked-ledger" });
  assert.deepEqual(kinds()[0], ["log-ledger", relay.circle]);
});

test("a head left out of the log is an alarm once patience ends, not before", async () => {
  const { relay, watch, kinds } = await scene();
  const honest = relay.answers["audit.heads"];
  relay.answers["audit.heads"] = (request) => ({ ...honest(request), entries: [] });
  assert.equal(await watch().check(), false);
  assert.deepEqual([(await watch().state()).missing, kinds()], [3, []]);
  assert.equal(await watch({ missing: 0, withheld: 0 }).check(), false);
  assert.deepEqual(kinds(), [["log-silent", null]]);
});

test("a log that is never answered for is an alarm once patience ends; being offline is none", async () => {
  const { relay, member, watch, kinds } = await scene();
  relay.answers["audit.heads"] = () => {
    throw new Refusal("unavailable");
  };
  member.transport.state = "offline";
  for (const at of [1, 2]) await assert.rejects(watch({ missing: 0, withheld: 0 }).check(), { code: "unavailable" }, String(at));
  assert.deepEqual(kinds(), []);
  member.transport.state = "online";
  for (const at of [1, 2]) await assert.rejects(watch({ missing: 0, withheld: 0 }).check(), { code: "unavailable" }, String(at));
  assert.deepEqual(kinds(), [["log-silent", null]]);
});

test("entries the log told of and the ledger lacks are an alarm, once the ledger is fetched again without them", async () => {
  const { nurse, relay, log, keeper, watch, kinds } = await scene();
  log.tell(relay.circle, relay.state.seq + 1, "ef".repeat(32));
  await watch().check();
  assert.equal(await watch({ missing: 0, withheld: -1 }).check(), true, "it was fetched before");
  const later = watch({ missing: 0, withheld: -1 });
  await keeper.refresh({ isForced: true });
  await later.check();
  assert.deepEqual(kinds(), [["log-silent", relay.circle]]);
  assert.equal(relay.lead, nurse);
});

test("a forged proof and an edited entry are alarms", async () => {
  for (const lie of [
    (one) => ({ ...one, path: [new Uint8Array(32), ...one.path.slice(1)] }),
    (one) => ({ ...one, entry: new TextEncoder().encode(new TextDecoder().decode(one.entry).replace("07:30", "07:31")) }),
  ]) {
    const { relay, watch, kinds } = await scene();
    const honest = relay.answers["audit.heads"];
    relay.answers["audit.heads"] = (request) => {
      const { entries, ...rest } = honest(request);
      return { ...rest, entries: [lie(entries[0]), ...entries.slice(1)] };
    };
    await assert.rejects(watch().check(), { reason: "root-mismatch" });
    assert.deepEqual(kinds(), [["log-fork", null]]);
  }
});

test("a log that goes back, takes another way, or changes its key is an alarm, and the head seen last stays", async () => {
  const { relay, log, member, watch, kinds, rewind, evidence } = await scene();
  await watch().check();
  const seen = await member.database.get("values", "log head");
  const dropped = log.entries.pop();
  await rewind();
  await assert.rejects(watch().check(), { code: "not_found" });
  assert.deepEqual(kinds(), [["log-rollback", null]]);
  log.tell("ab".repeat(32), 0, "cd".repeat(32));
  await assert.rejects(watch().check(), { reason: "old-root-mismatch" });
  log.entries.splice(-1, 1, dropped);
  log.keys = generateKeyPairSync("ed25519");
  await assert.rejects(watch().check(), { reason: "no-known-signature" });
  assert.deepEqual(kinds(), [["log-rollback", null], ["log-fork", null]]);
  assert.deepEqual((await evidence()).map(({ reason }) => reason), ["rolled-back", "old-root-mismatch", "no-known-signature"]);
  assert.deepEqual(await member.database.get("values", "log head"), seen);
  assert.ok(relay.calls.includes("audit.heads"));
});

test("a circle one may not read any more is left out, and the rest is compared", async () => {
  const { relay, watch, kinds } = await scene();
  const honest = relay.answers["audit.heads"];
  relay.answers["audit.heads"] = (request) => {
    if (request.ledgers.some(({ ledger }) => ledger === relay.circle)) throw new Refusal("forbidden");
    return honest(request);
  };
  assert.equal(await watch().check(), true);
  assert.deepEqual([(await watch().state()).ledgers, kinds()], [2, []]);
});
