import { html, nothing } from "lit";
import { dateTime, lasting, list, shortTime, dayOf } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { Ticking } from "./ticking.js";

/** @import { OpenCircle } from "../state/types.js" */
/** @import { Help } from "../state/types-audience.js" */

const EVERY = 30_000;
const HERE = 15 * 60_000; // a device that was seen so lately is here: tokens are renewed every few minutes
const LONG = 10 * 60_000;
const NAMED = 3;

/** A circle whose key is on its way: for how long, who can help, what one can do. It asks again as time passes. */
export class HelpNotice extends LightElement {
  /** @override */
  static properties = { open: { attribute: false }, help: { attribute: false } };

  #asked = Date.now();

  constructor() {
    super();
    /** @type {OpenCircle} */ this.open = later();
    /** @type {Help} */ this.help = later();
    Ticking.on(this, EVERY);
  }

  /** @override */
  willUpdate() {
    if (Date.now() - this.#asked < EVERY - 1_000) return;
    this.#asked = Date.now();
    void this.open.lookForHelp();
  }

  /** What ticks is outside of what is announced. @override */
  render() {
    const now = Date.now();
    return html`
      <div class="notice wait">${icon("key")}
        <div class="stack-small">
          <p><strong role="status">${t("help.title")}</strong> <span class="small">${t("help.since", { time: lasting(this.help.since, now) })}</span></p>
          <p class="small">${this.#who()} ${this.#when(now)}</p>
          ${now - this.help.since > LONG ? html`<p class="small">${this.#advice()}</p>` : nothing}
        </div>
      </div>`;
  }

  #who() {
    const { people, mine } = this.help;
    const named = list([...people.slice(0, NAMED), ...(people.length > NAMED ? [t("help.others", { count: people.length - NAMED })] : [])]);
    if (mine && people.length > 0) return t("help.mine-and", { people: named });
    if (mine) return t("help.mine");
    return people.length > 0 ? t("help.people", { people: named }) : t("help.soon");
  }

  /** @param {number} now */
  #when(now) {
    const { people, mine, lastSeen } = this.help;
    if ((people.length === 0 && !mine) || lastSeen === null || now - lastSeen < HERE) return nothing;
    return t("help.nobody-since", { time: dayOf(lastSeen) === dayOf(now) ? shortTime(lastSeen) : dateTime(lastSeen) });
  }

  #advice() {
    const { people, mine } = this.help;
    if (mine) return t("help.advice.mine");
    return people[0] ? t("help.advice", { person: people[0] }) : t("help.advice.anybody");
  }
}
customElements.define("help-notice", HelpNotice);
