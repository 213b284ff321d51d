import assert from "node:assert/strict";
import { after, test } from "node:test";
import { administrator, Browser, closeAll, DRAFT, enrolled, fails, noteSaying, ORIGIN, PATIENT, person, until } from "./support.js";

after(() => closeAll());

const accountOf = (browser) => browser.app.session.value.me.account;
const add = (open, browser, more = {}) => open.add({ account: accountOf(browser), role: "professional", audiences: ["team"], history: "all", until: null, ...more });

/** The same person with a new account on a new device. */
async function reset(name, account) {
  const { url } = await (await administrator()).app.admin.invite({ roles: ["professional"], organisation: "Territoire", days: 1, resets: account });
  const looked = await (await new Browser().open()).app.entry.lookInvitation(url.split("#")[1]);
  assert.deepEqual([looked.resets.account, looked.resets.name], [account, name]);
  return enrolled(name, url, ORIGIN);
}

test("who was reset waits in each circle, is let in again with one operation, and reads what they could read", async () => {
  const [nurse, doctor, other] = await Promise.all([person("Odile Perdue"), person("Luc Portier"), person("Max Tiers")]);
  const circle = await doctor.app.circles.create(PATIENT);
  const there = await doctor.circle(circle);
  await add(there, nurse);
  await add(there, other);
  await there.post({ ...DRAFT, text: "Avant la perte" });
  await noteSaying(there, "Avant la perte");
  const old = accountOf(nurse);

  const again = await reset("Odile Perdue", old);

  await until(nurse.app.session, ({ phase }) => phase === "revoked");
  const [waiting] = await until(there.waiting, (rows) => rows.length === 1);
  assert.deepEqual([waiting.account, waiting.by.account, waiting.by.name, waiting.mayReadmit], [old, accountOf(again), "Odile Perdue", true]);
  await until(doctor.app.circles.list, ({ rows }) => rows.some((row) => row.circle === circle && row.waiting === 1));
  const theirs = await other.circle(circle);
  await until(theirs.waiting, (rows) => rows.length === 1 && !rows[0].mayReadmit);
  await fails(theirs.readmit(old), { code: "protocol", reason: "not-allowed" });
  await fails(there.readmit(accountOf(other)), { code: "refused-here", reason: "nobody-waits" });

  await there.readmit(old);

  const here = await again.circle(circle);
  await noteSaying(here, "Avant la perte");
  await here.post({ ...DRAFT, text: "De retour" });
  await noteSaying(there, "De retour");
  assert.deepEqual(there.waiting.value, []);
  const rows = there.members.value.filter((member) => member.name === "Odile Perdue");
  assert.deepEqual(rows.map(({ account, active, role }) => [account, active, role]), [[old, false, "professional"], [accountOf(again), true, "professional"]]);
});

test("the only lead of a circle is let in again by a colleague, and leads it", async () => {
  const [lead, colleague] = await Promise.all([person("Rose Seule"), person("Paul Aide")]);
  const circle = await lead.app.circles.create(PATIENT);
  const here = await lead.circle(circle);
  await here.post({ ...DRAFT, text: "À garder" });
  await add(here, colleague);
  const there = await colleague.circle(circle);
  await noteSaying(there, "À garder");
  const again = await reset("Rose Seule", accountOf(lead));
  await until(there.waiting, (rows) => rows.length === 1 && rows[0].mayReadmit);
  await there.readmit(accountOf(lead));
  const back = await again.circle(circle);
  await noteSaying(back, "À garder");
  await until(back.info, ({ mayLead }) => mayLead);
  await back.remove(accountOf(colleague));
  await until(there.info, ({ active }) => !active);
});
