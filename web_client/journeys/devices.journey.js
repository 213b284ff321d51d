import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Browser, closeAll, DRAFT, fails, noteSaying, PATIENT, person, until } from "./support.js";

const opened = [];
after(async () => {
  for (const browser of opened) browser.app.close();
  assert.deepEqual(opened.flatMap((browser) => browser.faults).map((fault) => fault.stack), []);
  await closeAll();
});

async function newBrowser() {
  const browser = await new Browser().open();
  opened.push(browser);
  return browser;
}

/** A second browser joins with the code shown on the first. */
async function joined(first, label) {
  const second = await newBrowser();
  const offer = await first.app.devices.offer();
  await second.app.entry.join({ code: offer.code, label }, new AbortController().signal);
  await until(offer.state, (state) => state === "joined");
  await until(second.app.connectivity, ({ state }) => state === "online");
  return second;
}

async function withNote(nurse, text) {
  const circle = await nurse.app.circles.create(PATIENT);
  const here = await nurse.circle(circle);
  await here.post({ ...DRAFT, text });
  await noteSaying(here, text);
  return { circle, here };
}

test("a browser that joins by a code reads every note, and says that it is the same person", async () => {
  const nurse = await person("Inès Caron");
  const { circle } = await withNote(nurse, "Avant le second téléphone");
  const second = await joined(nurse, "Ordinateur");
  assert.equal(second.app.session.value.me.name, "Inès Caron");
  assert.notEqual(second.app.session.value.me.device, nurse.app.session.value.me.device);
  const there = await second.circle(circle);
  const note = await noteSaying(there, "Avant le second téléphone");
  assert.deepEqual([note.mine, note.locked], [true, null]);
  await there.post({ ...DRAFT, text: "Depuis l’ordinateur" });
  await noteSaying(await nurse.circle(circle), "Depuis l’ordinateur");
  await until(nurse.app.devices.list, (list) => list.length === 2);
  await nurse.app.devices.rename(second.app.session.value.me.device, "Ordinateur du cabinet");
  await until(second.app.devices.list, (list) => list.some((device) => device.label === "Ordinateur du cabinet" && device.current));
});

test("a code is read once, and a wrong one is refused by name", async () => {
  const nurse = await person("Odile Perrin");
  const second = await newBrowser();
  const signal = new AbortController().signal;
  await fails(second.app.entry.join({ code: "ABCD", label: "x" }, signal), { code: "refused-here", reason: "bad-code" });
  await fails(second.app.entry.join({ code: "AAAA-AAAA-AAAA-AAAA", label: "x" }, signal), { code: "refused-here", reason: "join-expired" });
  const offer = await nurse.app.devices.offer();
  assert.equal(offer.url, `${nurse.app.session.value.me ? process.env.RELAIS_TEST_ORIGIN : ""}/join#${offer.code.replaceAll("-", "")}`);
  await second.app.entry.join({ code: offer.code.toLowerCase(), label: "x" }, signal);
  await until(second.app.connectivity, ({ state }) => state === "online");
  const third = await newBrowser();
  await fails(third.app.entry.join({ code: offer.code, label: "x" }, signal), { code: "refused-here", reason: "join-expired" });
});

test("a device that is revoked is cut off at once, forgets everything, and the circle's key changes", async () => {
  const nurse = await person("Lise Gauthier");
  const { circle, here } = await withNote(nurse, "Lisible partout");
  const lost = await joined(nurse, "Téléphone perdu");
  await noteSaying(await lost.circle(circle), "Lisible partout");
  await nurse.app.devices.revoke(lost.app.session.value.me.device);
  const { me } = await until(lost.app.session, ({ phase }) => phase === "revoked");
  assert.equal(me.name, "Lise Gauthier");
  const { rows } = await lost.dump();
  assert.deepEqual(Object.values(rows).flat(), []);
  await here.post({ ...DRAFT, text: "Après" });
  await noteSaying(here, "Après");
});

test("a recovery kit brings everything back on a new browser, and wrong words do not", async () => {
  const nurse = await person("Rose Lambert");
  const { circle } = await withNote(nurse, "Écrit avant la perte");
  assert.equal(nurse.app.session.value.me.kit, "none");
  await nurse.app.devices.postponeKit();
  assert.equal(nurse.app.session.value.me.kit, "later");
  const kit = await nurse.app.devices.makeKit("fr");
  assert.equal(nurse.app.session.value.me.kit, "made");
  assert.equal(kit.words.length, 24);
  nurse.app.close(); // it fell into the river

  const found = await newBrowser();
  const wrong = [...kit.words.slice(0, 23), kit.words[23] === "abaisser" ? "abandon" : "abaisser"].join(" ");
  assert.equal(await found.app.entry.isKit(wrong), false);
  await fails(found.app.entry.restore({ kit: wrong, label: "x" }), { code: "refused-here", reason: "bad-words" });
  assert.equal(await found.app.entry.isKit(kit.words.join(" ")), true);
  await found.app.entry.restore({ kit: kit.words.join(" "), label: "Téléphone neuf" });
  assert.equal(found.app.session.value.me.name, "Rose Lambert");
  await until(found.app.connectivity, ({ state }) => state === "online");
  const there = await found.circle(circle);
  await noteSaying(there, "Écrit avant la perte");
  await there.post({ ...DRAFT, text: "De retour" });
  await noteSaying(there, "De retour");

  const other = await newBrowser();
  await other.app.entry.restore({ kit: kit.qr, label: "Par le code QR" });
  await noteSaying(await other.circle(circle), "De retour");
});

test("an invitation is good once; its second use is refused and leaves nothing behind", async () => {
  const administrator = await person("Ava Leroy", { roles: ["administrator"] });
  const { url } = await administrator.app.admin.invite({ roles: ["professional"], organisation: "Hôpital", days: 1 });
  const token = url.split("#")[1];
  const name = `Éva ${token.slice(0, 8)}`;
  const form = { token, name, profession: "", organisation: "", label: "Téléphone" };
  const [first, second] = [await newBrowser(), await newBrowser()];
  assert.deepEqual((await first.app.entry.lookInvitation(token)).roles, ["professional"]);
  await first.app.entry.enrol(form);
  await assert.rejects(second.app.entry.enrol(form), (error) => ["not_found", "forbidden", "conflict"].includes(error.code));
  assert.equal(second.app.session.value.phase, "none");
  const everybody = [];
  for (let [last, more] = [0, true]; more; last = everybody.at(-1).number) {
    const page = await administrator.app.admin.accounts({ after: last, limit: 100 });
    everybody.push(...page.rows);
    more = page.more;
  }
  assert.equal(everybody.filter((row) => row.name === name).length, 1);
});
