/** Keys that are on their way: who can give them; and memberships that end while one looks. */

/** @typedef {import("./member.js").Member} Member */
/** @typedef {import("./types-audience.js").Help} Help */
/** @typedef {import("../core/ledger.js").CircleState} CircleState */

const LONGEST = 12 * 3_600_000; // a timer of more days than 24 would ring at once

/** Null when this device waits for nothing there. @param {Member} member @param {string} circle @returns {Promise<Help | null>} */
async function askHelp(member, circle) {
  const { since, accounts, last_seen: lastSeen } = await member.transport.call("circle.help", { circle });
  if (since === null) return null;
  await member.accounts.get(accounts);
  const others = accounts.filter((account) => account !== member.account).map((account) => member.accounts.nameOf(account));
  return Object.freeze({ since, people: Object.freeze(others), mine: others.length < accounts.length, lastSeen });
}

/** What passes with time in a circle that somebody looks at. */
export class Waiting {
  #member;
  #keeper;
  #onChange;
  /** @type {Help | null} */ #help = null;
  #ending = /** @type {ReturnType<typeof setTimeout> | null} */ (null);

  /** @param {Member} member @param {import("./circle-keeper.js").CircleKeeper} keeper @param {() => void} onChange */
  constructor(member, keeper, onChange) {
    this.#member = member;
    this.#keeper = keeper;
    this.#onChange = onChange;
  }

  /** While a key is on its way; before anybody was asked, only since when. @returns {Help | null} */
  get help() {
    const { lockedSince } = this.#keeper;
    if (lockedSince === null) return null;
    return this.#help ?? Object.freeze({ since: lockedSince, people: [], mine: false, lastSeen: null });
  }

  async refresh() {
    if (this.#keeper.lockedSince === null || this.#member.transport.state !== "online") return;
    this.#help = await askHelp(this.#member, this.#keeper.circle);
    this.#onChange();
  }

  /** As views ask for it, while time passes: a failure shows as an alarm. */
  async look() {
    try {
      await this.refresh();
    } catch (error) {
      this.#member.alarms.fault(error, this.#keeper.circle);
    }
  }

  /** Somebody's time may end while one looks: then it shows. */
  untilNextEnd() {
    this.stop();
    const left = nextEnd(this.#keeper.state, this.#member.clock.now());
    this.#ending = left === null ? null : setTimeout(this.#onChange, left + 1);
  }

  stop() {
    if (this.#ending !== null) clearTimeout(this.#ending);
    this.#ending = null;
  }
}

/** How long until the next member's time is over, in milliseconds; null: nobody's is. @param {CircleState | null} state @param {number} now */
export function nextEnd(state, now) {
  const ends = [...(state?.members.values() ?? [])].flatMap(({ periods }) => {
    const last = periods.at(-1);
    return last && last.removedAt === null && last.until !== null && last.until > now ? [last.until] : [];
  });
  return ends.length > 0 ? Math.min(LONGEST, Math.min(...ends) - now) : null;
}
