import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeAll, DRAFT, eventually, fails, noteSaying, PATIENT, person, until } from "./support.js";

after(() => closeAll());

const accountOf = (browser) => browser.app.session.value.me.account;
const add = (open, browser, more = {}) => open.add({ account: accountOf(browser), role: "professional", audiences: ["team"], history: "all", until: null, ...more });
const listed = (browser, circle, passes = () => true) => until(browser.app.circles.list, ({ rows }) => rows.some((row) => row.circle === circle && passes(row)));

test("a newcomer without history reads what comes, knows whose circle it is, and nothing of before", async () => {
  const [nurse, substitute] = await Promise.all([person("Marie Duval"), person("Sam Colin")]);
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  await here.post({ ...DRAFT, text: "Avant" });
  await noteSaying(here, "Avant");
  await add(here, substitute, { history: "none" });
  await here.post({ ...DRAFT, text: "Après" });
  await listed(substitute, circle, (row) => row.name === PATIENT.name && row.last?.text === "Après");
  const there = await substitute.circle(circle);
  await noteSaying(there, "Après");
  await there.earlier();
  assert.deepEqual(there.timeline.value.notes.map((note) => note.text), ["Après"]);
  assert.deepEqual(here.members.value.map((member) => [member.name, member.history]), [["Marie Duval", "all"], ["Sam Colin", "none"]]);
  await there.post({ ...DRAFT, text: "Bonjour" });
  await noteSaying(here, "Bonjour");
});

test("who is removed reads nothing new, and the others go on under a new key", async () => {
  const [nurse, doctor, gone] = await Promise.all([person("Anne Fort"), person("Luc Noir"), person("Guy Perdu")]);
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  await add(here, doctor);
  await add(here, gone);
  await listed(gone, circle, (row) => row.name === PATIENT.name);
  const theirs = await gone.circle(circle);
  await here.remove(accountOf(gone));
  await until(theirs.info, ({ active }) => !active);
  assert.equal(theirs.info.value.mayPost, false);
  await here.post({ ...DRAFT, text: "Sans Guy" });
  await noteSaying(here, "Sans Guy");
  await listed(doctor, circle, (row) => row.last?.text === "Sans Guy");
  await listed(gone, circle, (row) => !row.active);
  assert.ok(theirs.timeline.value.notes.every((note) => note.text !== "Sans Guy"));
  await theirs.post({ ...DRAFT, text: "Je suis encore là" });
  const { notes } = await until(theirs.timeline, ({ notes: all }) => all.at(-1)?.sending?.state === "failed");
  assert.deepEqual([notes.at(-1).sending.code, notes.at(-1).sending.reason], ["protocol", "not-a-member"]);
  await theirs.discard(notes.at(-1).note);
  await until(gone.app.connectivity, ({ waiting, failed }) => waiting === 0 && failed === 0);
});

test("one leaves when another leads, and a closed circle takes no more", async () => {
  const [lead, other] = await Promise.all([person("Léa Chef"), person("Ugo Second")]);
  const circle = await lead.app.circles.create(PATIENT);
  const here = await lead.circle(circle);
  assert.equal(here.info.value.mayLeave, false);
  await fails(here.leave(), { code: "protocol", reason: "last-lead" });
  await add(here, other);
  await here.change(accountOf(other), { role: "lead", audiences: ["team"], until: null });
  await until(here.info, ({ mayLeave }) => mayLeave);
  await listed(other, circle, (row) => row.name === PATIENT.name);
  const there = await other.circle(circle);
  await here.leave();
  await until(here.info, ({ active }) => !active);
  await until(there.members, (members) => members.some((member) => member.name === "Léa Chef" && !member.active));
  await there.post({ ...DRAFT, text: "Sous une nouvelle clé" });
  await noteSaying(there, "Sous une nouvelle clé");
  await there.close();
  await until(there.info, ({ closed, mayPost }) => closed && !mayPost);
  await listed(other, circle, (row) => row.closed);
});

test("a circle of the same patient is pointed out before a second one is made", async () => {
  const nurse = await person("Julie Ménard");
  const circle = await nurse.app.circles.create({ ...PATIENT, name: "Marchand Odette" });
  await listed(nurse, circle, (row) => row.patient !== null);
  assert.deepEqual(nurse.app.circles.similar({ ...PATIENT, name: "ODETTE  marchand-Roux" }).map((row) => row.circle), [circle]);
  assert.deepEqual(nurse.app.circles.similar({ ...PATIENT, born: "1939-04-12" }), []);
  await fails(nurse.app.circles.create({ ...PATIENT, born: "12/04/1938" }), { code: "refused-here", reason: "bad-patient" });
});

test("people are found in the directory by any word of their name", async () => {
  const family = `Quériault${Math.random().toString(36).replace(/[^a-z]/g, "")}`;
  const [nurse] = await Promise.all([person(`Théo ${family}`), person(`Zélie ${family}`)]);
  const found = await nurse.app.directory.search(family.toUpperCase().replace("É", "e"));
  assert.deepEqual(found.map((one) => one.name).sort(), [`Théo ${family}`, `Zélie ${family}`]);
  assert.deepEqual(found[0].roles, ["professional"]);
});

test("the lead and the auditor see who looked at a circle, and the auditor's proof holds", async () => {
  const [nurse, auditor] = await Promise.all([person("Ivan Morin"), person("Aude Contrôle", { roles: ["auditor"] })]);
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  await here.post({ ...DRAFT, text: "Surveillé" });
  await noteSaying(here, "Surveillé");
  await eventually(async () => (await here.accesses({ before: 0, account: null, since: null, until: null })).rows.some((row) => row.action === "note.post" && row.name === "Ivan Morin" && row.outcome === "ok"));
  const asked = { account: accountOf(nurse), circle, organisation: null, action: null, outcome: null, since: null, until: null };
  const { rows } = await auditor.app.audit.search({ ...asked, before: 0, limit: 50 });
  assert.ok(rows.some((row) => row.action === "note.post" && row.circle === circle));
  const shares = [];
  const verified = await auditor.app.audit.verify(rows, (share) => shares.push(share));
  assert.deepEqual([verified.ok, verified.included, verified.problems], [true, rows.length, []]);
  assert.equal(shares.at(-1), 1);
  const again = await auditor.app.audit.verify(rows.slice(0, 1), () => {});
  assert.equal(again.grownFrom, verified.size);
  const changed = { ...rows[0], raw: rows[0].raw.replace('"v":1', '"v":2') };
  const refused = await auditor.app.audit.verify([changed], () => {});
  assert.deepEqual([refused.ok, refused.problems], [false, [{ index: rows[0].index, reason: "entry-differs" }]]);
  const volume = await auditor.app.audit.volume(asked);
  assert.equal(volume.buckets.reduce((sum, bucket) => sum + bucket.ok + bucket.refused, 0) >= rows.length, true);
  const csv = await (await auditor.app.audit.export(asked, "csv")).text();
  assert.ok(csv.includes("note.post") && csv.includes("Ivan Morin") && !csv.includes("Surveillé"));
  const lines = (await (await auditor.app.audit.export(asked, "ndjson")).text()).trim().split("\n");
  assert.ok(lines.every((line) => JSON.parse(line).circle === circle));
  await fails(nurse.app.audit.search({ ...asked, before: 0, limit: 50 }), { code: "forbidden", reason: "not-allowed" });
});

