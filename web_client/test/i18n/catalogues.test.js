import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { en as enFirst } from "../../src/i18n/en.js";
import { enInside } from "../../src/i18n/en-inside.js";
import { ACTIONS } from "../../src/views/audit-words.js";
import { fr as frFirst } from "../../src/i18n/fr.js";
import { frInside } from "../../src/i18n/fr-inside.js";
import { spokenAttributesOf, templatesIn, textOf } from "../support/templates.js";

const [fr, en] = [{ ...frFirst, ...frInside }, { ...enFirst, ...enInside }];
const VIEWS = new URL("../../src/views/", import.meta.url);
const FORMATS = new Set(["ABCD-EFGH-JKMN-PQRS"]); // how a code looks: the same in every language

/** @typedef {string | { one: string, other: string }} Entry */
/** @type {[string, Entry][]} */ const french = Object.entries(fr);
/** @type {Map<string, Entry>} */ const english = new Map(Object.entries(en));
/** @param {string} key @returns {Entry} */ const inEnglish = (key) => english.get(key) ?? "";

const views = await Promise.all((await readdir(VIEWS)).filter((name) => name.endsWith(".js")).map(async (name) => ({ name, source: await readFile(new URL(name, VIEWS), "utf8") })));

/** @param {Entry} entry */
const forms = (entry) => (typeof entry === "string" ? [entry] : [entry.one, entry.other]);
/** @param {string} text */
const holes = (text) => new Set(Array.from(text.matchAll(/\{(\w+)\}/gu), ([, name]) => name));

test("French and English have the same keys", () => {
  assert.deepEqual(Object.keys(fr).sort(), Object.keys(en).sort());
});

test("both languages fill the same holes and make a plural of the same texts", () => {
  for (const [key, entry] of french) {
    const other = inEnglish(key);
    assert.equal(typeof entry, typeof other, `${key}: one language counts, the other does not`);
    const many = (/** @type {Entry} */ counted) => holes(typeof counted === "string" ? counted : counted.other);
    assert.deepEqual(many(entry), many(other), key);
    if (typeof entry !== "string") assert.ok(many(entry).has("count"), `${key} has no {count}`);
  }
});

test("no text is empty, and the languages differ", () => {
  for (const [key, entry] of french) {
    for (const text of [...forms(entry), ...forms(inEnglish(key))]) assert.notEqual(text.trim(), "", key);
  }
  const same = french.filter(([key, entry]) => JSON.stringify(entry) === JSON.stringify(inEnglish(key)));
  assert.ok(same.length < 30, `${same.length} texts are the same in both: ${same.map(([key]) => key).join(", ")}`);
});

test("no view holds literal text", () => {
  assert.ok(views.length > 30);
  for (const { name, source } of views) {
    for (const template of templatesIn(source)) {
      const said = [textOf(template), ...spokenAttributesOf(template)].filter((text) => /\p{L}/u.test(text) && !FORMATS.has(text));
      assert.deepEqual(said, [], name);
    }
  }
});

test("a literal text in a view would be found", () => {
  const [template = ""] = templatesIn('html`<p title="Hello">${t("x")} there ${html`<b>nested</b>`}</p>`');
  assert.match(textOf(template), /there/u);
  assert.deepEqual(spokenAttributesOf(template), ["Hello"]);
  assert.equal(templatesIn('html`<p>${html`<b>nested</b>`}</p>`').length, 2);
});

test("no view sets a style attribute or unsafe markup, which the content policy would refuse", () => {
  for (const { name, source } of views) {
    for (const template of templatesIn(source)) assert.doesNotMatch(template, /\sstyle\s*=|<script|<style|\son\w+\s*=/u, name);
    assert.doesNotMatch(source, /unsafeHTML|innerHTML|insertAdjacentHTML|styleMap/u, name);
  }
});

test("whatever this device declines, it says why", async () => {
  const folders = ["../../src/state/", "../../src/core/"].map((folder) => new URL(folder, import.meta.url));
  const files = (await Promise.all(folders.map(async (folder) => (await readdir(folder)).filter((name) => name.endsWith(".js")).map((name) => new URL(name, folder))))).flat();
  const sources = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const reasons = new Set(sources.flatMap((source) => Array.from(source.matchAll(/(?:declined|AttachmentError)\("([a-z-]+)"/gu), ([, reason]) => `reason.${reason}`)));
  assert.ok(reasons.size > 5);
  assert.deepEqual([...reasons].filter((key) => !(key in fr)), []);
});

test("every action the filter offers has a name", () => {
  assert.deepEqual(ACTIONS.filter((action) => !(`action.${action}` in fr)), []);
});

test("every text is used by some view", () => {
  const source = views.map((view) => view.source).join("\n");
  const prefixes = Array.from(source.matchAll(/[`"]([a-z][a-z.-]*\.)\$\{/gu), ([, prefix]) => prefix ?? "");
  const unused = Object.keys(fr).filter((key) => !source.includes(`"${key}"`) && !prefixes.some((prefix) => key.startsWith(prefix)) && !key.startsWith("day."));
  assert.deepEqual(unused, []);
});
