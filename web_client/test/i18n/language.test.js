import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { age, birthDate, briefly, dayName, fileSize, lasting, list, percent } from "../../src/i18n/formats.js";
import { chooseLanguage, speak, speakInside, t, tMaybe } from "../../src/i18n/language.js";

const NOON = new Date(2026, 5, 10, 12).getTime();
const DAY = 86_400_000;
const words = (/** @type {string} */ text) => text.replaceAll(/[\u00a0\u202f]/gu, " ");

/** With the words of every page. */
async function speaking(language, region) {
  await speak(language, region);
  await speakInside();
}

beforeEach(() => speaking("fr", "fr-FR"));

test("the browser's first language that we speak is chosen, with its region", () => {
  assert.deepEqual(chooseLanguage(["de-DE", "fr-CA", "en-US"]), { language: "fr", locale: "fr-CA" });
  assert.deepEqual(chooseLanguage(["en-GB"]), { language: "en", locale: "en-GB" });
});

test("whoever speaks neither gets English", () => {
  assert.deepEqual(chooseLanguage(["de", "ja"]), { language: "en", locale: "en" });
});

test("a count chooses the plural, as each language counts nought", async () => {
  assert.equal(t("circles.unread", { count: 0 }), "0 note non lue");
  assert.equal(t("circles.unread", { count: 2 }), "2 notes non lues");
  await speaking("en");
  assert.equal(t("circles.unread", { count: 0 }), "0 unread notes");
  assert.equal(t("circles.unread", { count: 1 }), "1 unread note");
});

test("numbers are written as the reader writes them", async () => {
  assert.equal(words(t("volume.total", { count: 12_408 })), "12 408 traces");
  await speaking("en", "en-GB");
  assert.equal(t("volume.total", { count: 12_408 }), "12,408 entries");
});

test("French punctuation never starts a line", () => {
  assert.match(t("circles.last", { author: "A", text: "B" }), /A\u00a0: B/u);
});

test("what is put into a hole is not a template", () => {
  assert.equal(words(t("circles.last", { author: "{text}", text: "B" })), "{text} : B");
});

test("a text without its value is a mistake, and so is a key that does not exist", () => {
  assert.throws(() => t("circles.last", { author: "A" }), /lacks/u);
  assert.throws(() => t(/** @type {any} */ ("no.such")), /no text/u);
  assert.equal(tMaybe("action.no.such", "no.such"), "no.such");
});

test("days are told by their distance", () => {
  assert.equal(dayName(NOON, NOON), "Aujourd’hui");
  assert.equal(dayName(NOON - DAY, NOON), "Hier");
  assert.equal(dayName(NOON - 7 * DAY, NOON), "mercredi 3 juin");
  assert.match(dayName(NOON - 400 * DAY, NOON), /2025/u);
  assert.equal(briefly(NOON - 3_600_000, NOON), "11:00");
});

test("durations, sizes and shares are in the reader's words", () => {
  assert.equal(words(lasting(NOON - 180_000, NOON)), "3 minutes");
  assert.equal(words(lasting(NOON + 5_000, NOON)), "0 seconde");
  assert.equal(words(fileSize(1_840_000)), "1,8 Mo");
  assert.equal(words(fileSize(12)), "1 ko");
  assert.equal(words(percent(0.64)), "64 %");
  assert.equal(list(["a", "b", "c"]), "a, b et c");
});

test("an age is in completed years, and a birth date has no time zone", () => {
  assert.equal(age("1941-06-10", NOON), 85);
  assert.equal(age("1941-06-11", NOON), 84);
  assert.equal(birthDate("1941-03-01"), "01/03/1941");
});
