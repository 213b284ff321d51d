import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeAll, DRAFT, eventually, noteSaying, PATIENT, person, until } from "./support.js";

after(() => closeAll());

const accountOf = (browser) => browser.app.session.value.me.account;
const textsOf = (open) => open.timeline.value.notes.map((note) => note.text);

test("a history from a moment on shows every note since and none before, also after a reload", async () => {
  const [nurse, substitute] = await Promise.all([person("Irma Depuis"), person("Sam Mars")]);
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  await here.post({ ...DRAFT, text: "Avant le 3 mars" });
  const before = await noteSaying(here, "Avant le 3 mars");
  const since = before.at + 1;
  await eventually(async () => Date.now() > since + 1);
  for (const text of ["Le 3 mars", "Le 4 mars"]) {
    await here.post({ ...DRAFT, text });
    await noteSaying(here, text);
  }
  await here.add({ account: accountOf(substitute), role: "professional", audiences: ["team"], history: since, until: null });
  await until(substitute.app.circles.list, ({ rows }) => rows.some((row) => row.circle === circle && row.name === PATIENT.name));
  const there = await substitute.circle(circle);
  await noteSaying(there, "Le 3 mars");
  await noteSaying(there, "Le 4 mars");
  await there.earlier();
  assert.deepEqual(textsOf(there), ["Le 3 mars", "Le 4 mars"]);
  await here.post({ ...DRAFT, text: "Aujourd’hui" });
  await noteSaying(there, "Aujourd’hui");
  await substitute.reload();
  const again = await substitute.circle(circle);
  await noteSaying(again, "Aujourd’hui");
  assert.deepEqual(textsOf(again), ["Le 3 mars", "Le 4 mars", "Aujourd’hui"]);
});
