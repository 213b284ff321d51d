/** Who could read a version of a note, person by person: from the circle's whole ledger and the version's header. */
import { ProtocolError } from "../core/errors.js";
import { checkHead, peekEntry, replayed } from "../core/ledger.js";
import { readersOf } from "../core/readers.js";
import { ledgerOf } from "./whole-ledger.js";

/** @typedef {import("../core/ledger.js").CircleState} CircleState */
/** @typedef {import("../core/readers.js").Reader} Reader */
/** @typedef {import("./circle-keeper.js").CircleKeeper} CircleKeeper */
/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types-audience.js").NoteReader} NoteReader */
/** @typedef {import("./types-audience.js").ReadingSpan} ReadingSpan */

/**
 * Those who still can come first. Throws what the transport throws, and ProtocolError for a ledger that does not hold or
 * is not the one this device knows.
 * @param {Member} member @param {CircleKeeper} keeper @param {import("../core/readers.js").Sealed} header
 * @returns {Promise<readonly NoteReader[]>}
 */
export async function couldRead(member, keeper, header) {
  const found = readersOf(await statesOf(member, keeper), (account) => member.accounts.require(account), header);
  const people = [...new Set(found.map(({ account }) => account))].map((account) => personOf(member, account, found));
  return Object.freeze(people.sort((one, other) => Number(other.still) - Number(one.still)));
}

/** @param {Member} member @param {CircleKeeper} keeper @returns {Promise<readonly CircleState[]>} */
async function statesOf(member, keeper) {
  const entries = await ledgerOf(member, keeper.circle);
  const authors = (await Promise.all(entries.map(peekEntry))).map(({ account }) => account);
  await member.accounts.get([...authors, ...keeper.known.members.keys()], { isFresh: true });
  const states = await replayed(entries, (account) => member.accounts.require(account));
  await checkKnown(keeper, states.at(-1));
  await member.accounts.get(states.at(-1)?.members.keys() ?? []); // who came meanwhile
  return states;
}

/** @param {CircleKeeper} keeper @param {CircleState | undefined} last */
async function checkKnown(keeper, last) {
  try {
    if (!last) throw new ProtocolError("rollback");
    checkHead(last, keeper.known.seq, keeper.known.head);
  } catch (error) {
    if (error instanceof ProtocolError && (error.reason === "fork" || error.reason === "rollback")) await keeper.contradict(error.reason);
    throw error;
  }
}

/** @param {Member} member @param {string} account @param {readonly Reader[]} found @returns {NoteReader} */
function personOf({ accounts, account: me, clock }, account, found) {
  const { profile, devices } = accounts.require(account);
  const labels = (/** @type {readonly string[]} */ ids) => ids.map((id) => devices.get(id)?.device.label || id.slice(0, 8));
  const spans = joined(found.filter((one) => one.account === account)).map((span) => Object.freeze({ ...span, devices: labels(span.devices) }));
  const still = spans.some(({ until }) => until === null || until > clock.now());
  return Object.freeze({ account, name: profile.name, profession: profile.profession, me: account === me, still, spans });
}

/**
 * What one could read at the same time through several audiences, and without a break, is one span.
 * @param {readonly Reader[]} readers of one person, in the order they came @returns {ReadingSpan[]}
 */
function joined(readers) {
  /** @type {ReadingSpan[]} */
  const spans = [];
  for (const { since, until, byOwnKey, devices, audience, epoch } of readers) {
    const last = spans.at(-1);
    const isSame = last?.since === since && last.until === until && last.byOwnKey === byOwnKey;
    if (isSame) spans.splice(-1, 1, { ...last, keys: [...last.keys, { audience, epoch }] });
    else spans.push({ since, until, byOwnKey, devices, keys: [{ audience, epoch }] });
  }
  return spans.reduce(continued, []);
}

/** @param {ReadingSpan[]} spans @param {ReadingSpan} next */
function continued(spans, next) {
  const last = spans.at(-1);
  const isGoingOn = last?.until === next.since && last.byOwnKey === next.byOwnKey && nameOf(last) === nameOf(next);
  if (!last || !isGoingOn) return [...spans, next];
  return [...spans.slice(0, -1), { ...next, since: last.since, devices: [...new Set([...last.devices, ...next.devices])] }];
}

/** @param {ReadingSpan} span */
const nameOf = ({ keys }) => JSON.stringify(keys);
