// Months are written YYYY-MM, days counted from 1; hours are those of a clock on a wall in some time zone.

const HOUR = 3_600_000;

/** The month of a moment, where the reader is. @param {number} at */
export function monthOf(at) {
  const date = new Date(at);
  return written(date.getFullYear(), date.getMonth());
}

/** @param {string} month @param {number} count of months further, or back if negative */
export function monthAfter(month, count) {
  const [year, index] = read(month);
  const date = new Date(Date.UTC(year, index + count, 1));
  return written(date.getUTCFullYear(), date.getUTCMonth());
}

/** @param {string} month @param {number} day */
export function isWeekend(month, day) {
  return [0, 6].includes(new Date(dayIn(month, day)).getUTCDay());
}

/** Midnight UTC of a day. @param {string} month @param {number} day */
export function dayIn(month, day) {
  const [year, index] = read(month);
  return Date.UTC(year, index, day);
}

/**
 * When a clock in a time zone shows that hour; the first time, where it is shown twice.
 * @param {string} zone  IANA name
 * @param {string} month
 * @param {number} day
 * @param {number} hour
 */
export function timeIn(zone, month, day, hour) {
  const wanted = dayIn(month, day) + hour * HOUR;
  const ahead = wanted - offsetAt(zone, wanted - 24 * HOUR);
  return wallAt(zone, ahead) === wanted ? ahead : wanted - offsetAt(zone, wanted + 24 * HOUR);
}

/** @param {string} zone @param {number} at */
const offsetAt = (zone, at) => wallAt(zone, at) - at;

/** What the clock on the wall shows, as if it were UTC. @param {string} zone @param {number} at */
function wallAt(zone, at) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  /** @type {Record<string, number>} */
  const part = {};
  for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
  return Date.UTC(part["year"] ?? 0, (part["month"] ?? 1) - 1, part["day"], part["hour"], part["minute"], part["second"]);
}

/** @param {string} month @returns {[number, number]} year, and month from 0 */
function read(month) {
  const [year = 0, index = 1] = month.split("-").map(Number);
  return [year, index - 1];
}

/** @param {number} year @param {number} index of the month, from 0 */
const written = (year, index) => `${String(year).padStart(4, "0")}-${String(index + 1).padStart(2, "0")}`;
