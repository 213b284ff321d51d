import { localeTag, t } from "./language.js";

const DAY = 86_400_000;
/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} name @param {Intl.DateTimeFormatOptions} options */
function dateFormat(name, options) {
  const key = `${localeTag()} ${name}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat(localeTag(), options);
  formats.set(key, known);
  return known;
}

/** @param {number} at */
export const shortTime = (at) => dateFormat("time", { hour: "2-digit", minute: "2-digit" }).format(at);

/** @param {number} at */
export const fullTime = (at) =>
  dateFormat("full", { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(at);

/** @param {number} at */
export const dateTime = (at) =>
  dateFormat("date-time", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(at);

/** With seconds, for the audit log. @param {number} at */
export const exactTime = (at) =>
  dateFormat("exact", { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);

/** @param {number} at */
export const shortDate = (at) => dateFormat("date", { day: "numeric", month: "short", year: "numeric" }).format(at);

/** "March 2026". @param {string} month YYYY-MM */
export const monthName = (month) => dateFormat("month", { month: "long", year: "numeric", timeZone: "UTC" }).format(Date.parse(`${month}-01`));

/** "Mon", of a day of a month. @param {string} month YYYY-MM @param {number} day */
export const weekday = (month, day) => dateFormat("weekday UTC", { weekday: "narrow", timeZone: "UTC" }).format(Date.parse(`${month}-01`) + (day - 1) * DAY);

/** Midnight before `at`, where the reader is. @param {number} at */
export const dayOf = (at) => new Date(at).setHours(0, 0, 0, 0);

/** "Today", "Yesterday", "Monday 3 June". @param {number} at @param {number} now */
export function dayName(at, now) {
  const days = Math.round((dayOf(now) - dayOf(at)) / DAY);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? {} : { year: /** @type {const} */ ("numeric") };
  return dateFormat(`day ${"year" in year}`, { weekday: "long", day: "numeric", month: "long", ...year }).format(at);
}

/** As short as it can be said: the hour today, else the day. @param {number} at @param {number} now */
export function briefly(at, now) {
  if (dayOf(at) === dayOf(now)) return shortTime(at);
  if (dayOf(now) - dayOf(at) <= DAY * 1.1) return t("day.yesterday");
  if (now - at < 6 * DAY) return dateFormat("weekday", { weekday: "short" }).format(at);
  return dateFormat("day-month", { day: "numeric", month: "short" }).format(at);
}

/** "for 3 minutes": how long something has lasted. @param {number} since @param {number} now */
export function lasting(since, now) {
  const seconds = Math.max(0, Math.round((now - since) / 1000));
  if (seconds < 60) return unit(seconds, "second");
  if (seconds < 3600) return unit(Math.round(seconds / 60), "minute");
  if (seconds < 86_400) return unit(Math.round(seconds / 3600), "hour");
  return unit(Math.round(seconds / 86_400), "day");
}

/** @param {number} count @param {string} name a unit of ECMA-402 */
const unit = (count, name) => new Intl.NumberFormat(localeTag(), { style: "unit", unit: name, unitDisplay: "long" }).format(count);

/** @param {number} bytes */
export function fileSize(bytes) {
  const [value, name] = bytes < 1_000_000 ? [bytes / 1000, "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  const maximumFractionDigits = value < 10 && name === "megabyte" ? 1 : 0;
  return new Intl.NumberFormat(localeTag(), { style: "unit", unit: name, maximumFractionDigits }).format(Math.max(1e-9, value < 1 && name === "kilobyte" ? 1 : value));
}

/** @param {number} value */
export const number = (value) => new Intl.NumberFormat(localeTag()).format(value);

/** @param {number} share 0 to 1 */
export const percent = (share) => new Intl.NumberFormat(localeTag(), { style: "percent" }).format(share);

/** @param {readonly string[]} parts */
export const list = (parts) => new Intl.ListFormat(localeTag(), { type: "conjunction" }).format(parts);

/** A date of birth, whatever the reader's time zone. @param {string} born YYYY-MM-DD */
export const birthDate = (born) => dateFormat("born", { day: "2-digit", month: "2-digit", year: "numeric", timeZone: "UTC" }).format(Date.parse(born));

/** Completed years. @param {string} born YYYY-MM-DD @param {number} now */
export function age(born, now) {
  const [year, month, day] = born.split("-").map(Number);
  const today = new Date(now);
  const before = today.getMonth() + 1 < (month ?? 1) || (today.getMonth() + 1 === month && today.getDate() < (day ?? 1));
  return today.getFullYear() - (year ?? 0) - (before ? 1 : 0);
}
