import { html, nothing } from "lit";
import { dateTime, list } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement } from "./light-element.js";
import { href } from "./router.js";

/** @import { MemberRow } from "../state/types.js" */
/** @import { EmergencyView } from "../state/types-emergency.js" */

/** What everybody in a circle sees of emergency access: who asks to come in, and who did. */
export class EmergencyNotice extends LightElement {
  /** @override */
  static properties = { requests: { attribute: false }, members: { attribute: false }, circle: { attribute: false } };

  constructor() {
    super();
    /** @type {readonly EmergencyView[]} Of this circle. */ this.requests = [];
    /** @type {readonly MemberRow[]} */ this.members = [];
    this.circle = "";
  }

  /** @override */
  render() {
    return html`
      ${this.requests.filter(({ state, requester }) => (state === "open" || state === "approved") && !requester.me).map((one) => this.#asks(one))}
      ${this.requests.filter((one) => this.#isIn(one)).map((one) => this.#reads(one))}`;
  }

  /** Until its end, or until somebody removes them. @param {EmergencyView} request */
  #isIn({ state, requester, until }) {
    const member = this.members.find(({ account }) => account === requester.account);
    return state === "released" && until > Date.now() && member !== undefined && member.active && member.until === until;
  }

  /** @param {EmergencyView} request */
  #asks({ requester, reason, until, asked }) {
    return html`
      <div class="notice wait wraps" role="status">${icon("bell")}
        <div class="grow"><p><strong>${t("emergency.notice.asked", { name: requester.name })}</strong></p>
          <p class="small">${t("emergency.notice.asked.text", { reason: t(`emergency.reason.${reason}`), time: dateTime(until) })} ${asked ? nothing : this.#more()}</p></div>
        ${asked ? html`<a class="button" href=${href.emergencies}>${t("emergency.call.action")}</a>` : nothing}
      </div>`;
  }

  /** @param {EmergencyView} request */
  #reads({ requester, reason, until, approvedBy }) {
    const people = list(approvedBy.map(({ me, name }) => (me ? t("emergency.yourself") : name)));
    return html`
      <div class="notice wraps" role="status">${icon("bell")}
        <div class="grow"><p><strong>${t("emergency.notice.in", { name: requester.me ? t("emergency.yourself") : requester.name, time: dateTime(until) })}</strong></p>
          <p class="small">${t("emergency.notice.in.text", { reason: t(`emergency.reason.${reason}`), people })} ${requester.me ? nothing : this.#more()}</p></div>
      </div>`;
  }

  /** Beside the words: the notes keep the room. */
  #more() {
    return html`<a href=${href.members(this.circle)}>${t("emergency.notice.more")}</a>`;
  }
}
customElements.define("emergency-notice", EmergencyNotice);
