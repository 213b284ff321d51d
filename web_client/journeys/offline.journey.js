import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeAll, DRAFT, Network, noteSaying, PATIENT, person, until } from "./support.js";

const networks = [];
after(async () => {
  await closeAll();
  for (const network of networks) await network.stop();
});

const PDF = new File([`%PDF-1.7 ${"x".repeat(3_000_000)}`], "photo.pdf", { type: "application/pdf" });

async function ruralNurse(name) {
  const network = await new Network().start();
  networks.push(network);
  const nurse = await person(name, { origin: network.origin });
  const circle = await nurse.app.circles.create(PATIENT);
  return { network, nurse, circle };
}

const cut = async ({ network, nurse }) => {
  network.cut();
  await until(nurse.app.connectivity, ({ state }) => state !== "online");
};

test("an afternoon without network: notes are read, written and photographed, kept over a reload, and arrive once, in order", async () => {
  const place = await ruralNurse("Fanny Brun");
  const { network, nurse, circle } = place;
  const here = await nurse.circle(circle);
  await here.post({ ...DRAFT, text: "Ce matin" });
  await noteSaying(here, "Ce matin");
  await cut(place);
  await here.post({ ...DRAFT, text: "Sans réseau 1" });
  await here.post({ ...DRAFT, text: "Sans réseau 2", files: [PDF] });
  await nurse.reload();
  const again = await nurse.circle(circle);
  const { notes } = await until(again.timeline, ({ notes: all }) => all.length === 3);
  assert.deepEqual(notes.map((note) => [note.text, note.sending?.state ?? null]), [["Ce matin", null], ["Sans réseau 1", "queued"], ["Sans réseau 2", "queued"]]);
  assert.deepEqual(nurse.app.connectivity.value, { state: nurse.app.connectivity.value.state, waiting: 2, failed: 0 });
  const local = await again.attachment({ note: notes[2].note, version: 1, attachment: notes[2].attachments[0].id, onProgress: () => {}, signal: new AbortController().signal });
  assert.equal(local.size, PDF.size);
  network.mend();
  nurse.wake();
  await until(nurse.app.connectivity, ({ state, waiting }) => state === "online" && waiting === 0);
  await noteSaying(again, "Sans réseau 2");
  assert.deepEqual(again.timeline.value.notes.map((note) => [note.seq, note.text]), [[1, "Ce matin"], [2, "Sans réseau 1"], [3, "Sans réseau 2"]]);
});

test("a note written while the key changed is sealed again under the new one", async () => {
  const place = await ruralNurse("Gilles Arnaud");
  const { network, nurse, circle } = place;
  const [other, gone] = await Promise.all([person("Hugo Vasseur"), person("Irène Vidal")]);
  const here = await nurse.circle(circle);
  for (const one of [other, gone]) await here.add({ account: one.app.session.value.me.account, role: "professional", audiences: ["team"], history: "all", until: null });
  await here.change(other.app.session.value.me.account, { role: "lead", audiences: ["team"], until: null });
  await until(other.app.circles.list, ({ rows }) => rows.some((row) => row.circle === circle && row.name));
  await cut(place);
  await here.post({ ...DRAFT, text: "Écrit sous l’ancienne clé" });
  const there = await other.circle(circle);
  await there.remove(gone.app.session.value.me.account);
  network.mend();
  nurse.wake();
  await noteSaying(there, "Écrit sous l’ancienne clé");
});

test("what was begun and not posted is there after a reload, files included, and unreadable on the disk", async () => {
  const nurse = await person("Katia Simon");
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  const draft = { ...DRAFT, text: "Secret commencé", urgent: true, files: [new File(["%PDF-secret-file"], "ordonnance secrète.pdf", { type: "application/pdf" })] };
  await here.saveDraft(draft);
  const { text } = await nurse.dump();
  for (const secret of ["Secret commencé", "secret-file", "ordonnance secrète", PATIENT.name]) assert.ok(!text.includes(secret), secret);
  await nurse.reload();
  const again = await nurse.circle(circle);
  const kept = await until(again.draft, ({ text: said }) => said !== "");
  assert.deepEqual([kept.text, kept.urgent, kept.files[0].name, await kept.files[0].text()], ["Secret commencé", true, "ordonnance secrète.pdf", "%PDF-secret-file"]);
  await again.post(kept);
  await noteSaying(again, "Secret commencé");
  assert.equal(again.draft.value.text, "");
  const left = await nurse.dump();
  assert.ok(!left.text.includes("Secret commencé"));
  assert.deepEqual([left.rows.outbox, left.rows.blobs, left.rows.drafts], [[], [], []]);
});

test("an upload that is cut off goes on from where it stopped", async () => {
  const place = await ruralNurse("Maud Leclerc");
  const { network, nurse, circle } = place;
  const here = await nurse.circle(circle);
  const states = [];
  here.timeline.watch(({ notes }) => notes.at(-1)?.sending && states.push(notes.at(-1).sending));
  await here.post({ ...DRAFT, text: "Grande image", files: [PDF] });
  await until(here.timeline, ({ notes }) => notes.some((note) => note.sending?.state === "uploading" && note.sending.progress > 0));
  await cut(place);
  const reached = states.findLast((sending) => sending.state === "uploading").progress;
  assert.ok(reached < 1, "cut while it was going up");
  states.length = 0;
  network.mend();
  nurse.wake();
  await noteSaying(here, "Grande image");
  const resumed = states.find((sending) => sending.state === "uploading");
  assert.ok(resumed.progress >= reached, `resumed at ${resumed.progress}, was at ${reached}`);
});
