import assert from "node:assert/strict";
import { IDBFactory } from "fake-indexeddb";
import { test } from "node:test";
import { ProtocolError } from "../../src/core/errors.js";
import { Refusal, Unreachable } from "../../src/core/refusal.js";
import { memberAt, Relay, somebody } from "../support/relay.js";

const FORK = { kind: "fork", circle: "c1".repeat(32), of: "ab".repeat(32), seq: 3 };
const ABOUT = { of: FORK.of, seq: FORK.seq };

async function scene() {
  const doctor = await somebody("Doctor");
  const relay = await Relay.of(doctor);
  const disk = new IDBFactory();
  return { relay, load: () => memberAt(relay, doctor, { disk }) };
}

const waiting = async (member) => ((await member.database.get("values", "alarm reports")) ?? []).filter(({ told }) => !told).map(({ kind }) => kind);

test("an alarm is reported once, also after it was dismissed and after a restart", async () => {
  const { relay, load } = await scene();
  const member = await load();
  member.alarms.raise("fork", FORK.circle, null, ABOUT);
  assert.deepEqual(await relay.told(1), [FORK]);
  await member.alarms.dismiss(member.alarms.list.value[0].id);
  member.alarms.raise("fork", FORK.circle, null, ABOUT);
  const later = await load();
  later.alarms.raise("fork", FORK.circle, null, ABOUT);
  later.alarms.raise("rollback", FORK.circle);
  assert.deepEqual(await relay.told(2), [FORK, { kind: "rollback", circle: FORK.circle }]);
  assert.deepEqual(later.alarms.list.value.map(({ kind }) => kind), ["fork", "rollback"], "they are shown all the same");
});

test("what could not be reported is when there is a connection again, by whichever page is open then", async () => {
  const { relay, load } = await scene();
  const member = await load();
  const [answer, tries] = [relay.answers["alarm.report"], []];
  for (const trouble of [new Unreachable(), new Refusal("rate_limited"), new Refusal("unavailable")]) {
    relay.answers["alarm.report"] = () => {
      tries.push(trouble);
      return Promise.reject(trouble);
    };
    member.alarms.raise("fork", FORK.circle, null, ABOUT);
    await member.alarms.connected(member.transport);
    assert.equal(tries.at(-1), trouble);
    assert.deepEqual(await waiting(member), ["fork"]);
  }
  relay.answers["alarm.report"] = answer;
  const later = await load();
  assert.deepEqual([relay.reported.length, await waiting(later)], [1, []]);
});

test("a report that is refused for good is not made again, and holds up no other", async () => {
  const { relay, load } = await scene();
  const member = await load();
  const noted = [];
  relay.answers["alarm.report"] = ({ kind }) => {
    if (kind === "fork") throw new Refusal("forbidden", { reason: "not-a-member" });
    noted.push(kind);
    return {};
  };
  member.alarms.raise("fork", FORK.circle, null, ABOUT);
  member.alarms.raise("server-clock");
  await member.alarms.connected(member.transport);
  assert.deepEqual([noted, await waiting(member)], [["server-clock"], []]);
});

test("what is wrong with this device alone, or was told in another way, is shown and not reported", async () => {
  const { relay, load } = await scene();
  const member = await load();
  const quota = new DOMException("full", "QuotaExceededError");
  for (const error of [quota, new TypeError("a mistake"), new ProtocolError("key-missing"), new ProtocolError("not-a-member", { about: { isOwn: true } })]) member.alarms.fault(error);
  member.alarms.wrongKey(new ProtocolError("wrong-key"), FORK.circle, "Nurse");
  member.alarms.fault(new ProtocolError("rollback", { about: { isKnown: true } }), FORK.circle);
  await member.alarms.connected(member.transport);
  assert.deepEqual([relay.reported, member.alarms.list.value.map(({ kind }) => kind)], [[], ["storage", "bug", "wrong-key", "rollback"]]);
});

test("one error that several tell of is one alarm", async () => {
  const { relay, load } = await scene();
  const member = await load();
  const error = new ProtocolError("bad-signature", { about: { account: "a1".repeat(32) } });
  member.alarms.fault(error);
  member.alarms.fault(error, FORK.circle);
  assert.deepEqual(await relay.told(1), [{ kind: "bad-signature", account: "a1".repeat(32) }]);
  assert.deepEqual(member.alarms.list.value.map(({ kind, circle, person }) => [kind, circle, person]), [["account", null, "a1a1a1a1"]]);
  assert.equal(member.faults.length, 1);
});

test("a clock that is wrong is reported, whosever it is", async () => {
  const { relay, load } = await scene();
  const member = await load();
  for (const kind of ["server-clock", "clock"]) member.alarms.raise(kind);
  assert.deepEqual((await relay.told(2)).sort((one, other) => (one.kind < other.kind ? -1 : 1)), [{ kind: "clock" }, { kind: "server-clock" }]);
});
