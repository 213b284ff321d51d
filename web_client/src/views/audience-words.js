import { list } from "../i18n/formats.js";
import { tMaybe } from "../i18n/language.js";

/** Those one is offered when opening a further one, with names in each language. */
export const SUGGESTED = /** @type {const} */ (["care", "social", "family"]);

/** An audience in people's words. @param {string} name as the ledger has it */
export const audienceName = (name) => tMaybe(`audience.${name}`, name.charAt(0).toLocaleUpperCase() + name.slice(1).replaceAll("-", " "));

/** @param {readonly string[]} names */
export const audienceNames = (names) => list(names.map(audienceName));

/** The word a typed name becomes (docs/protocol.md §4: `[a-z][a-z0-9-]{0,19}`); empty where nothing is left of it. @param {string} typed */
export function audienceWord(typed) {
  const plain = typed.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/gu, "-").replace(/^[^a-z]+/u, "").slice(0, 20).replace(/-+$/u, "");
}

/** Is there more than one to choose from, or one that is not the whole team? @param {readonly string[]} names */
export const isSpecial = (names) => names.length !== 1 || names[0] !== "team";
