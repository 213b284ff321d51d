// The next note after somebody or something left is under a new key; rivals settle on one; no cut leaves a circle that does not work.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { uuid7 } from "../../src/core/bytes.js";
import * as envelope from "../../src/core/envelope.js";
import { ProtocolError } from "../../src/core/errors.js";
import { Unreachable } from "../../src/core/refusal.js";
import { Acknowledged } from "../../src/state/acknowledged.js";
import { CircleKeeper } from "../../src/state/circle-keeper.js";
import { Failure } from "../../src/state/failure.js";
import { rotateIfDue } from "../../src/state/healing.js";
import { adding, append, leaving, readmitting, removing } from "../../src/state/membership.js";
import { Outbox } from "../../src/state/outbox.js";
import { appendStatement, revoking } from "../../src/state/own-account.js";
import { KeepingRelay } from "../support/keeping-relay.js";
import { memberAt, somebody, START } from "../support/relay.js";

const DAY = 86_400_000;
const JOINING = { role: "professional", audiences: ["team"], history: "all", until: null };

/** One client on one device, begun from what its browser keeps. */
class Phone {
  static async of(relay, person, disk = new IDBFactory()) {
    const phone = new Phone();
    Object.assign(phone, { relay, person, disk });
    await phone.begin();
    return phone;
  }

  async begin() {
    this.member = await memberAt(this.relay, this.person, { disk: this.disk });
    this.keeper = new CircleKeeper(this.member, this.relay.circle);
    this.outbox = new Outbox(this.member, { keeperOf: () => this.keeper, onPosted: async () => {}, acknowledged: new Acknowledged(this.member.database), exclusively: (_, task) => task() });
    await this.outbox.load();
  }

  /** The tab is closed, and opened again. */
  async restart() {
    this.outbox.close();
    await this.begin();
  }

  /** Write a note, and wait until it is the relay's, or is refused. */
  async write(text) {
    const content = { type: "GEN", text, form: null, attachments: [], reply_to: null, broadcast: null };
    const note = uuid7(this.relay.now);
    const writing = { note, version: 1, circle: this.relay.circle, replaces: null, kind: "post", at: this.relay.now, audiences: ["team"], urgent: false, acknowledge: false, mentions: [], content };
    await this.outbox.put([writing], { blobs: [] });
    return this.settled(note);
  }

  /** The version's state in the outbox once it is not on its way any more; null: it is posted. */
  settled(note) {
    return new Promise((resolve) => {
      const look = () => {
        const waiting = this.outbox.waiting.find(({ row }) => row.note === note);
        if (waiting && waiting.sending.state !== "failed") return;
        stop();
        resolve(waiting?.sending ?? null);
      };
      const stop = this.outbox.watch(look);
      look();
    });
  }

  /** Every note this device can open, in order; null: locked. */
  async read() {
    await this.keeper.refresh({ isForced: true });
    return Promise.all(this.relay.notes.map(async ({ envelope: data }) => {
      try {
        return (await envelope.openEnvelope(await envelope.peek(data), this.keeper.keys)).text;
      } catch (error) {
        assert.equal(error.reason, "key-missing");
        return null;
      }
    }));
  }
}

/** A nurse who leads, a doctor with two devices, a pharmacist; each has a phone, and the circle one note. */
async function scene() {
  const [nurse, doctor, pharmacist, substitute] = await Promise.all(["Nurse", "Doctor", "Pharmacist", "Substitute"].map(somebody));
  const relay = await KeepingRelay.of(nurse, doctor, pharmacist);
  relay.chains.set(substitute.state.account, [...substitute.statements]);
  const second = await relay.anotherDevice(doctor);
  relay.profile = await relay.sealed(nurse, "Odette", { kind: "profile" });
  for (const one of [nurse, doctor, pharmacist, second]) await relay.grant(one);
  const people = { nurse, doctor, pharmacist, substitute, second };
  const phones = Object.fromEntries(await Promise.all(Object.entries(people).map(async ([name, person]) => [name, await Phone.of(relay, person)])));
  assert.equal(await phones.nurse.write("before"), null);
  return { relay, people, phones };
}

const remove = ({ phones: { nurse }, people }) => append(nurse.member, nurse.keeper, removing(nurse.member, people.pharmacist.state.account));
const leave = ({ phones: { pharmacist } }) => append(pharmacist.member, pharmacist.keeper, leaving(pharmacist.member));

/** What a device does that is told that the epoch is due. */
function rotate({ phones: { nurse } }) {
  nurse.keeper.expire();
  return rotateIfDue(nurse.member, nurse.keeper);
}

const add = ({ phones: { nurse }, people }, more = {}) => append(nurse.member, nurse.keeper, adding(nurse.member, { ...JOINING, account: people.substitute.state.account, ...more }));
const readmit = ({ phones: { nurse }, people }) => append(nurse.member, nurse.keeper, readmitting(nurse.member, people.pharmacist.state.account));

/** An epoch of the same millisecond would be renewed once more. */
async function revokeOnly({ relay, phones: { doctor }, people }) {
  await appendStatement(doctor.member, revoking(doctor.member.keys, people.second.keys.id)).finally(() => { relay.now += 1; });
}

async function revoke(at) {
  await revokeOnly(at);
  await rotateIfDue(at.phones.doctor.member, at.phones.doctor.keeper);
}

/** The next note is under a new key, which every one of these reads and that one not. */
async function assertRotated({ relay, phones, people }, gone) {
  assert.equal(await phones.nurse.write("after"), null);
  assert.equal(await relay.epochOf(-1), 2);
  assert.ok(!relay.grantedTo(people[gone]).has(2));
  assert.equal((await phones[gone].read()).at(-1), null);
  assert.equal((await phones.doctor.read()).at(-1), "after");
}

test("the note after a removal is under a new key", async () => {
  const at = await scene();
  await remove(at);
  await assertRotated(at, "pharmacist");
});

test("the note after somebody left is under a new key", async () => {
  const at = await scene();
  await leave(at);
  await assertRotated(at, "pharmacist");
});

test("the note after a device was revoked is under a new key, also where nobody rotated and the writer was not told", async () => {
  const at = await scene();
  await at.phones.nurse.read(); // the doctor's two devices are known, and nothing more is told
  await revokeOnly(at);
  await assertRotated(at, "second");
});

test("a guest writes until the minute, not on it, and the next note is under a new key", async () => {
  const at = await scene();
  const end = at.relay.now + 90 * 60_000;
  await add(at, { until: end });
  const { substitute } = at.phones;
  at.relay.now = end - 1;
  assert.equal(await substitute.write("in time"), null);
  assert.equal(await at.relay.epochOf(-1), 1);

  at.relay.now = end;
  const refused = await substitute.write("too late");
  assert.deepEqual([refused.state, refused.reason], ["failed", "not-a-member"]);
  assert.equal(at.relay.notes.length, 2);
  await assertRotated(at, "substitute");
});

test("who is let in while their clock is behind is in, and writes; a key that is due is renewed and given", async () => {
  const at = await scene();
  const { relay, phones: { substitute, doctor }, people } = at;
  for (const { member: { clock } } of [substitute, doctor]) clock.now = () => relay.now - 5_000;
  await add(at);
  assert.equal(await substitute.write("just in"), null);
  await revokeOnly(at);
  assert.equal(await doctor.write("renewed"), null);
  assert.equal(await relay.epochOf(-1), 2);
  assert.ok(relay.grantedTo(people.substitute).has(2));
});

for (const [days, epoch] of [[29, 1], [30, 2]]) {
  test(`a key that is ${days} days old is ${epoch === 1 ? "written under" : "renewed before the next note"}`, async () => {
    const { relay, phones } = await scene();
    relay.now = relay.state.audiences.get("team").epochs.get(1).openedAt + days * DAY;
    assert.equal(await phones.doctor.write("one"), null);
    assert.equal(await phones.nurse.write("two"), null);
    assert.deepEqual([await relay.epochOf(-2), await relay.epochOf(-1)], [epoch, epoch]);
    assert.deepEqual(await phones.pharmacist.read(), ["before", "one", "two"]);
  });
}

/** The next to write an entry waits until another does. @param {import("../support/keeping-relay.js").KeepingRelay} relay */
function appendTogether(relay) {
  const write = relay.answers["circle.append"];
  /** @type {(() => void)[]} */
  const waiting = [];
  let come = 0;
  relay.answers["circle.append"] = async (request, who) => {
    come += 1;
    if (come === 1) await new Promise((resolve) => waiting.push(resolve));
    for (const go of waiting.splice(0)) go();
    return write(request, who);
  };
}

test("while nobody goes no key changes", async () => {
  const at = await scene();
  await add(at);
  for (const name of ["nurse", "doctor", "second", "substitute"]) assert.equal(await at.phones[name].write(name), null);
  await rotate(at);
  assert.equal(at.relay.state.audiences.get("team").epoch, 1);
});

for (const count of [2, 3, 4]) {
  test(`${count} devices that rotate at the same moment settle on one key, and all write`, async () => {
    const at = await scene();
    const { relay, phones } = at;
    await add(at);
    const rivals = ["doctor", "second", "nurse", "substitute"].slice(0, count);
    await leave(at);
    appendTogether(relay);
    for (const text of ["at once ", "again "]) {
      assert.deepEqual(await Promise.all(rivals.map((name) => phones[name].write(text + name))), rivals.map(() => null));
    }
    assert.equal(relay.state.audiences.get("team").epoch, 2);
    assert.equal(relay.notes.length, 1 + 2 * count);
    assert.ok(relay.calls.filter((event) => event === "circle.append").length > 2 + 1, "there were rivals");
    for (const name of rivals) assert.ok(!(await phones[name].read()).includes(null), name);
    assert.deepEqual((await phones.pharmacist.read()).slice(1), Array(2 * count).fill(null));
  });
}

test("who was not told of a device that came meanwhile rotates for it all the same", async () => {
  const at = await scene();
  await at.phones.nurse.read();
  const third = await at.relay.anotherDevice(at.people.doctor, START + 500);
  await remove(at);
  assert.ok(at.relay.grantedTo(third).has(2));
});

test("a note whose writer never gets to rotate waits, and is not refused", async () => {
  const at = await scene();
  const { relay, phones } = at;
  await leave(at);
  const honest = relay.answers["circle.append"];
  let refusals = 0;
  const refusedOften = new Promise((resolve) => {
    relay.answers["circle.append"] = (request) => {
      refusals += 1;
      if (refusals === 6) resolve(undefined);
      return honest({ ...request, entry: relay.entries.at(-1) }); // its place is taken, each time
    };
  });
  const written = phones.doctor.write("waits");
  await refusedOften;
  relay.answers["circle.append"] = honest;
  assert.equal(await written, null, "it goes out with the next try");
  assert.equal(await relay.epochOf(-1), 2);
});

const CHANGES = {
  add: { act: add, by: "nurse", epoch: 1 },
  remove: { act: remove, by: "nurse", epoch: 2 },
  rotate: { before: leave, act: rotate, by: "nurse", epoch: 2 },
  readmit: { before: async (at) => { at.people.again = await at.relay.reset(at.people.pharmacist); }, act: readmit, by: "nurse", epoch: 2 },
  revoke: { act: revoke, by: "doctor", epoch: 2 },
};
const DONE_ALREADY = new Set(["already-a-member", "not-a-member", "revoked-device", "not-a-device", "nobody-waits"]);

for (const [what, change] of Object.entries(CHANGES)) {
  for (const kind of ["lost", "unheard"]) {
    test(`${what}, ${kind} at any request and begun again from what is kept, leaves a circle that works`, async () => {
      let step = 0;
      for (let came = true; came; came = await isCutAt({ ...change, what, kind, step })) step += 1;
      assert.ok(step > 3, "it has several steps");
    });
  }
}

/** One circle in which the change is cut at that request; false: it was over before. */
async function isCutAt({ before, act, by, epoch, what, kind, step }) {
  const at = await scene();
  await before?.(at);
  if (what === "readmit") for (const name of ["nurse", "doctor"]) await at.phones[name].member.accounts.get([at.people.pharmacist.state.account], { isFresh: true });
  const cut = { step, kind, came: false };
  at.relay.cut = cut;
  await act(at).catch((error) => assert.ok(error instanceof Unreachable && cut.came, error));
  at.relay.cut = null;
  await at.phones[by].restart();
  await act(at).catch((error) => assert.ok((error instanceof ProtocolError || error instanceof Failure) && DONE_ALREADY.has(error.reason), error));
  await assertWorks(at, epoch);
  return cut.came;
}

/** Everybody who is in it writes, and reads everything; nobody else reads what is new. */
async function assertWorks({ relay, people, phones }, epoch) {
  const accounts = await relay.accounts();
  const present = Object.entries(people).filter(([, { state, keys }]) => relay.state.members.has(state.account)
    && relay.state.members.get(state.account).periods.at(-1).removedAt === null && accounts.get(state.account).devices.get(keys.id).revokedAt === null);
  for (const [name, person] of Object.entries(people)) phones[name] ??= await Phone.of(relay, person);
  for (const [name] of present) assert.equal(await phones[name].write(name), null, name);
  assert.equal(relay.state.audiences.get("team").epoch, epoch);
  for (const [name] of present) assert.deepEqual(await phones[name].read(), ["before", ...present.map(([one]) => one)], name);
  for (const [name, person] of Object.entries(people)) {
    if (!present.some(([one]) => one === name)) assert.ok(!relay.grantedTo(person).has(epoch), name);
  }
}
