/** Who reads what: the audiences of a circle (docs/protocol.md §4), and those a note goes to. */
import { audiencesOf as namedIn } from "../core/envelope.js";
import { audiencesOf, readers, TEAM } from "../core/ledger.js";
import { declined } from "./failure.js";

/** @typedef {import("./timeline-view.js").Scene} Scene */
/** @typedef {import("./types-audience.js").AudienceView} AudienceView */

/** `team` first, the others as they came. @param {Pick<Scene, "state" | "accounts" | "me" | "now">} scene @returns {readonly AudienceView[]} */
export function audienceViews({ state, accounts, me, now }) {
  if (!state) return [];
  return inOrder([...state.audiences.keys()]).map((name) => {
    const people = readers(state, name, now).map(({ account }) => {
      const profile = accounts.known.get(account)?.profile;
      return Object.freeze({ account, name: profile?.name ?? "", profession: profile?.profession ?? "", me: account === me });
    });
    return Object.freeze({ name, mine: people.some((person) => person.me), people: Object.freeze(people) });
  });
}

/** The audiences one is in, or was in last: whether one still is shows when it is sealed. @param {Pick<Scene, "state" | "me">} scene @returns {string[]} */
export function ownAudiences({ state, me }) {
  const mine = state?.members.get(me);
  return mine ? inOrder(audiencesOf(mine)) : [];
}

/** Everybody who reads one of these audiences now; an escrow reads nothing. @param {Pick<Scene, "state" | "now" | "escrows">} scene @param {readonly string[]} names @returns {string[]} */
export function readersOf({ state, now, escrows }, names) {
  const known = names.filter((name) => state?.audiences.has(name));
  const accounts = new Set(known.flatMap((name) => (state ? readers(state, name, now) : [])).map((member) => member.account));
  return [...accounts].filter((account) => !escrows.has(account));
}

/**
 * Where a draft goes: those chosen that one is in; where nothing was chosen, the whole team.
 * Empty where all that was chosen is out of reach: it goes nowhere else instead.
 * @param {readonly string[]} mine @param {readonly string[] | null} chosen @returns {readonly string[]}
 */
export function audiencesFor(mine, chosen) {
  if (chosen) return chosen.filter((name) => mine.includes(name));
  return mine.includes(TEAM) ? [TEAM] : mine.slice(0, 1);
}

/**
 * Whom a note goes to; a later version goes to whom the note did. Throws Failure `refused-here` `audience-left`.
 * @param {Pick<Scene, "state" | "me">} scene @param {readonly string[] | null} chosen
 * @param {import("../core/envelope.js").Envelope | null | undefined} replaced @returns {string[]}
 */
export function addressed(scene, chosen, replaced) {
  const wanted = replaced ? namedIn(replaced.header) : null;
  const audiences = audiencesFor(ownAudiences(scene), wanted ?? chosen);
  if (audiences.length === 0 || (wanted && audiences.length < wanted.length)) throw declined("audience-left");
  return [...audiences].sort();
}

/** @param {readonly string[]} names */
const inOrder = (names) => [...names].sort((one, other) => Number(other === TEAM) - Number(one === TEAM));
