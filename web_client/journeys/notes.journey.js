import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeAll, DRAFT, noteSaying, PATIENT, person, until } from "./support.js";

after(() => closeAll());

const PDF = new File([`%PDF-1.7 ${"ordonnance ".repeat(20_000)}`], "ordonnance.pdf", { type: "application/pdf" });

test("a note with a document goes from the nurse to the doctor, who acknowledges it, and the nurse sees that", async () => {
  const [nurse, doctor] = await Promise.all([person("Nadia Belkacem"), person("Denis Roux")]);
  const circle = await nurse.app.circles.create(PATIENT);
  const row = nurse.app.circles.list.value.rows.find((one) => one.circle === circle);
  assert.equal(row.name, PATIENT.name);
  assert.deepEqual(row.patient, PATIENT);
  const here = await nurse.circle(circle);
  await here.add({ account: doctor.app.session.value.me.account, role: "professional", audiences: ["team"], history: "all", until: null });
  assert.deepEqual(here.members.value.map((member) => [member.name, member.role, member.active]),
    [["Nadia Belkacem", "lead", true], ["Denis Roux", "professional", true]]);

  await here.post({ ...DRAFT, text: "Pansement refait", urgent: true, acknowledge: true, files: [PDF] });
  const posted = await noteSaying(here, "Pansement refait");
  assert.equal(posted.seq, 1);
  assert.equal(posted.attachments[0].name, "ordonnance.pdf");

  const { rows } = await until(doctor.app.circles.list, ({ rows: all }) => all.some((one) => one.circle === circle && one.unread === 1 && one.last));
  assert.deepEqual([rows[0].name, rows[0].urgent, rows[0].last.text, rows[0].locked], [PATIENT.name, true, "Pansement refait", false]);
  const there = await doctor.circle(circle);
  const received = await noteSaying(there, "Pansement refait");
  assert.deepEqual([received.author, received.unread, received.mine, received.acknowledge], ["Nadia Belkacem", true, false, true]);
  assert.equal(there.timeline.value.firstUnread, received.note);

  const shares = [];
  const fetched = await there.attachment({
    note: received.note, version: 1, attachment: received.attachments[0].id, onProgress: (share) => shares.push(share), signal: new AbortController().signal,
  });
  assert.equal(await fetched.text(), await PDF.text());
  assert.equal(shares.at(-1), 1);

  await there.markRead([received.note]);
  assert.equal(there.timeline.value.notes[0].unread, false);
  const matrix = await here.receipts(posted.note);
  await until(matrix, ({ rows: [one] }) => one.stored !== null && one.read !== null && one.acknowledged === null);
  await there.acknowledge(received.note);
  const { rows: [doctorRow] } = await until(matrix, ({ rows: [one] }) => one.acknowledged !== null);
  assert.deepEqual([doctorRow.name, doctorRow.active, doctorRow.earlierVersion], ["Denis Roux", true, null]);
  const seen = (await until(here.timeline, ({ notes }) => notes[0].seen.acknowledged === 1)).notes[0].seen;
  assert.deepEqual(seen, { people: 1, stored: 1, read: 1, acknowledged: 1 });
  await until(doctor.app.circles.list, ({ rows: [one] }) => one.unread === 0 && !one.urgent);
});

test("a corrected note is unread again, its versions stay, and a withdrawn one says why", async () => {
  const [nurse, doctor] = await Promise.all([person("Nora Petit"), person("Didier Blanc")]);
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  await here.add({ account: doctor.app.session.value.me.account, role: "professional", audiences: ["team"], history: "all", until: null });
  await here.post({ ...DRAFT, text: "Paracétamol 500 mg" });
  const first = await noteSaying(here, "Paracétamol 500 mg");
  await until(doctor.app.circles.list, ({ rows }) => rows.some((row) => row.circle === circle && row.active));
  const there = await doctor.circle(circle);
  await noteSaying(there, "Paracétamol 500 mg");
  await there.acknowledge(first.note);

  await here.post({ ...DRAFT, text: "Paracétamol 1 g", replaces: first.note });
  const corrected = await noteSaying(there, "Paracétamol 1 g");
  assert.deepEqual([corrected.version, corrected.unread, corrected.acknowledged, corrected.seq], [2, true, false, 1]);
  assert.equal(there.timeline.value.notes.length, 1);
  const matrix = await here.receipts(first.note);
  const { rows: [row] } = await until(matrix, ({ version, loaded }) => version === 2 && loaded);
  assert.deepEqual([row.read, row.earlierVersion], [null, 1]);
  assert.deepEqual((await there.history(first.note)).map(({ version, kind, text }) => [version, kind, text]),
    [[1, "post", "Paracétamol 500 mg"], [2, "correction", "Paracétamol 1 g"]]);

  await there.post({ ...DRAFT, text: "Bien reçu", replyTo: first.note });
  const reply = await noteSaying(here, "Bien reçu");
  assert.deepEqual([reply.replyTo.note, reply.replyTo.author, reply.replyTo.excerpt], [first.note, "Nora Petit", "Paracétamol 1 g"]);

  await noteSaying(here, "Paracétamol 1 g");
  await here.withdraw(first.note, "Mauvais patient");
  const { notes: [withdrawn] } = await until(there.timeline, ({ notes }) => notes[0].withdrawn !== null);
  assert.deepEqual([withdrawn.withdrawn.reason, withdrawn.text, withdrawn.version], ["Mauvais patient", "", 3]);
});

test("a long timeline opens at its end and pages backwards to its beginning", async () => {
  const nurse = await person("Lucie Fabre");
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  const texts = Array.from({ length: 120 }, (_, index) => `note ${index + 1}`);
  for (const text of texts) await here.post({ ...DRAFT, text });
  await until(nurse.app.connectivity, ({ waiting }) => waiting === 0);
  here.release();
  await nurse.reload();
  const again = await nurse.circle(circle);
  assert.deepEqual(again.timeline.value.notes.map((note) => note.text), texts.slice(-50));
  assert.equal(again.timeline.value.complete, false);
  while (!again.timeline.value.complete) await again.earlier();
  assert.deepEqual(again.timeline.value.notes.map((note) => note.text), texts);
  assert.deepEqual(again.timeline.value.notes.map((note) => note.seq), texts.map((_, index) => index + 1));
});

test("one plan goes to several circles, and one table shows who acknowledged it", async () => {
  const [coordinator, pharmacist] = await Promise.all([person("Claire Vidal", { roles: ["coordinator", "professional"] }), person("Paul Henry")]);
  const circles = [];
  for (const name of ["Madame A.", "Monsieur B."]) circles.push(await coordinator.app.circles.create({ ...PATIENT, name }));
  for (const circle of circles) {
    const open = await coordinator.circle(circle);
    await open.add({ account: pharmacist.app.session.value.me.account, role: "professional", audiences: ["team"], history: "all", until: null });
    open.release();
  }
  const broadcast = await coordinator.app.broadcasts.send({ circles, type: "INST", text: "Plan de sortie", urgent: false, acknowledge: true, files: [PDF] });
  const matrix = await coordinator.app.broadcasts.matrix(broadcast);
  await until(matrix, ({ circles: all }) => all.every((one) => one.sending === null));
  assert.deepEqual(matrix.value.circles.map((one) => one.name), ["Madame A.", "Monsieur B."]);
  await until(pharmacist.app.circles.list, ({ rows }) => rows.filter((row) => row.last?.text === "Plan de sortie").length === 2);
  const open = await pharmacist.circle(circles[1]);
  const note = await noteSaying(open, "Plan de sortie");
  assert.equal(note.broadcast, broadcast);
  await open.acknowledge(note.note);
  const { circles: [first, second] } = await until(matrix, ({ circles: all }) => all[1].rows[0]?.acknowledged !== null);
  assert.equal(first.rows[0].acknowledged, null);
  assert.equal(second.rows[0].name, "Paul Henry");
  assert.deepEqual(coordinator.app.broadcasts.list.value.map(({ circles: count, people, acknowledged }) => [count, people, acknowledged]), [[2, 2, 1]]);
});
