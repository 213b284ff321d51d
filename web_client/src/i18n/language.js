/** @import { fr } from "./fr.js" */
/** @import { frInside } from "./fr-inside.js" */

/** @typedef {"fr" | "en"} Language */
/** @typedef {keyof typeof fr | keyof typeof frInside} Key */
/** @typedef {Readonly<Record<string, string | { one: string, other: string }>>} Catalogue */

const CHOSEN = "relais.language";
/** @type {Record<Language, () => Promise<Catalogue>>} */
const CATALOGUES = {
  fr: async () => (await import("./fr.js")).fr,
  en: async () => (await import("./en.js")).en,
};

/** @type {Record<Language, () => Promise<Catalogue>>} Words of the pages behind the door. */
const INSIDE = {
  fr: async () => (await import("./fr-inside.js")).frInside,
  en: async () => (await import("./en-inside.js")).enInside,
};

/** @type {Language} */ let current = "fr";
/** @type {string} */ let locale = "fr";
/** @type {Catalogue} */ let catalogue = {};
let isInside = false;
let plural = new Intl.PluralRules("fr");

/**
 * The first of the reader's languages that we speak; English for those who speak neither.
 * @param {readonly string[]} wanted  BCP 47 tags, preferred first
 * @returns {{ language: Language, locale: string }} `locale` keeps the region, for dates and numbers
 */
export function chooseLanguage(wanted) {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "fr" || language === "en") return { language, locale: tag };
  }
  return { language: "en", locale: "en" };
}

/** Load the reader's catalogue: their own choice on this device, else their browser's. */
export async function loadLanguage() {
  const own = localStorage.getItem(CHOSEN);
  const choice = chooseLanguage(own ? [own, ...sameLanguage(own)] : navigator.languages);
  await speak(choice.language, choice.locale);
  document.documentElement.lang = choice.language;
}

/** @param {string} own @returns {readonly string[]} the browser's own regions of that language */
const sameLanguage = (own) => navigator.languages.filter((tag) => tag.startsWith(own));

/** @param {Language} language @param {string} [region] a BCP 47 tag of that language */
export async function speak(language, region = language) {
  catalogue = await CATALOGUES[language]();
  isInside = false;
  current = language;
  locale = region;
  plural = new Intl.PluralRules(region);
}

/** Are the words here that somebody needs who has come in? */
export const speaksInside = () => isInside;

/** Fetch them. */
export async function speakInside() {
  catalogue = { ...catalogue, ...(await INSIDE[current]()) };
  isInside = true;
}

/** Remember another language on this device; the page then starts again in it. @param {Language} language */
export function keepLanguage(language) {
  localStorage.setItem(CHOSEN, language);
  location.reload();
}

export const language = () => current;
export const localeTag = () => locale;

/**
 * The text for `key`, its {holes} filled; `count` chooses the plural and is written as the reader writes numbers.
 * @param {Key} key
 * @param {Readonly<Record<string, string | number>>} [holes]
 * @returns {string}
 */
export function t(key, holes = {}) {
  const entry = catalogue[key];
  if (entry === undefined) throw new Error(`no text for ${key}`);
  const text = typeof entry === "string" ? entry : entry[plural.select(Number(holes["count"])) === "one" ? "one" : "other"];
  return typeset(text).replace(/\{(\w+)\}/g, (_, name) => written(holes[name]));
}

/** French puts a space before high punctuation, which must not break the line. @param {string} text */
const typeset = (text) => (current === "fr" ? text.replace(/ (?=[:;?!»])/gu, "\u00a0").replace(/« /gu, "«\u00a0") : text);

/**
 * The text for a key made at run time, such as an action of the audit log, or `fallback`.
 * @param {string} key
 * @param {string} fallback
 */
export function tMaybe(key, fallback) {
  return key in catalogue ? t(/** @type {Key} */ (key)) : fallback;
}

/** @param {string | number | undefined} value */
function written(value) {
  if (value === undefined) throw new Error("a text lacks one of its values");
  return typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : value;
}
