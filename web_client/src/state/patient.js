/** The four fields a circle starts with (docs/protocol.md §6): sealed in the circle's profile, nowhere else. */
import { declined } from "./failure.js";

/** @typedef {import("./types.js").Patient} Patient */
/** @typedef {import("../core/content.js").Content} Content */

const SCHEMA = "relais/patient/1";
const SEXES = /** @type {const} */ (["F", "M", "U"]);

/** Throws Failure `refused-here` `bad-patient`. @param {Patient} patient @returns {Content} */
export function profileOf({ name, sex, born, place }) {
  const isWhole = name.trim() !== "" && place.trim() !== "" && SEXES.includes(sex) && isDate(born);
  if (!isWhole) throw declined("bad-patient");
  const form = { schema: SCHEMA, data: { name: name.trim(), sex, born, place: place.trim() } };
  return { type: "PROFILE", text: name.trim(), form, attachments: [], reply_to: null, broadcast: null };
}

/** Null for a profile of another schema. @param {Content | null} profile @returns {Patient | null} */
export function patientOf(profile) {
  if (profile?.form?.schema !== SCHEMA) return null;
  const { name, sex, born, place } = profile.form.data;
  const isPatient = [name, born, place].every((field) => typeof field === "string") && SEXES.includes(sex);
  return isPatient ? Object.freeze({ name: String(name), sex: /** @type {Patient["sex"]} */ (sex), born: String(born), place: String(place) }) : null;
}

/** Would a reader take them for the same person? The same birth date, and a word of the name in common. @param {Patient} one @param {Patient} other */
export function isSimilar(one, other) {
  const words = new Set(wordsOf(one.name));
  return one.born === other.born && wordsOf(other.name).some((word) => words.has(word));
}

/** Without case, accents, and particles of one or two letters. @param {string} name */
const wordsOf = (name) => name.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase().split(/[^\p{Letter}]+/u).filter((word) => word.length > 2);

/** @param {string} text */
function isDate(text) {
  const date = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
