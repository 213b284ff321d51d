import { html, nothing } from "lit";
import { dateTime, list } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { LightElement, later } from "./light-element.js";
import { avatar, failureView } from "./parts.js";
import { href } from "./router.js";
import "./confirm-dialog.js";

/** @import { Emergency, EmergencyView, Named } from "../state/types-emergency.js" */

const TONES = /** @type {const} */ ({ open: "wait", approved: "accent", declined: "", released: "accent", expired: "", withdrawn: "" });

/** One request for emergency access: who asks and why, who agreed, and what one can do about it. */
export class EmergencyRequest extends LightElement {
  /** @override */
  static properties = { emergency: { attribute: false }, request: { attribute: false }, circle: { attribute: false }, asking: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {Emergency} */ this.emergency = later();
    /** @type {EmergencyView} */ this.request = later();
    /** The circle's name, where one is in it. */ this.circle = "";
    this.asking = false;
  }

  /** @override */
  render() {
    const { requester, state, at, until, reason, words } = this.request;
    return html`
      <article class="card stack-small" aria-label=${t("emergency.by-name", { name: requester.name })}>
        <div class="row">
          ${avatar(requester.name)}
          <div class="grow">
            <p class="strong">${requester.me ? t("emergency.by-you") : requester.name}</p>
            <p class="small quiet">${about(requester)}</p>
          </div>
        </div>
        <p class="badges"><span class="badge ${TONES[state]}">${t(`emergency.state.${state}`)}</span></p>
        <p><strong>${t(`emergency.reason.${reason}`)}</strong> · ${t("emergency.until", { time: dateTime(until) })}</p>
        ${words ? html`<blockquote class="said">${words}</blockquote>` : nothing}
        <p class="small quiet">${this.#where()} · ${t("emergency.sent", { time: dateTime(at) })}</p>
        ${this.#answers()}
        ${failureView(this.#doing.failure)}
        <div role="status">${this.#doing.busy ? html`<p class="small row"><span class="spinner"></span>${t("emergency.acting")}</p>` : nothing}</div>
        ${this.#actions()}
        ${this.asking ? this.#ask() : nothing}
      </article>`;
  }

  #where() {
    const { circle } = this.request;
    return this.circle ? html`<a href=${href.circle(circle)}>${t("emergency.circle", { name: this.circle })}</a>` : t("emergency.circle.unknown", { id: circle.slice(0, 8) });
  }

  #answers() {
    const { approvedBy, declinedBy, escrow } = this.request;
    return html`
      <p class="small">${t("emergency.progress", { count: approvedBy.length, quorum: escrow.quorum })}${approvedBy.length > 0 ? html` · ${t("emergency.approved-by", { people: names(approvedBy) })}` : nothing}</p>
      ${declinedBy.length > 0 ? html`<p class="small">${t("emergency.declined-by", { people: names(declinedBy) })}</p>` : nothing}`;
  }

  #actions() {
    const { asked, mayFinish, mayWithdraw } = this.request;
    if (!asked && !mayFinish && !mayWithdraw) return nothing;
    const { busy } = this.#doing;
    return html`
      ${asked ? html`<p class="small quiet">${t("emergency.identity")}</p>` : nothing}
      ${mayFinish ? html`<p class="small">${t("emergency.finish.text")}</p>` : nothing}
      <div class="buttons">
        ${asked ? html`
          <button class="button primary" aria-haspopup="dialog" ?disabled=${busy} @click=${() => (this.asking = true)}>${t("emergency.approve")}</button>
          <button class="button" ?disabled=${busy} @click=${() => this.#answer(false)}>${t("emergency.decline")}</button>` : nothing}
        ${mayFinish ? html`<button class="button primary" ?disabled=${busy} @click=${this.#finish}>${t("emergency.finish")}</button>` : nothing}
        ${mayWithdraw ? html`<button class="button" ?disabled=${busy} @click=${this.#withdraw}>${t("emergency.withdraw")}</button>` : nothing}
      </div>`;
  }

  #ask() {
    const { requester: { name }, until } = this.request;
    return html`
      <confirm-dialog .heading=${t("emergency.approve.question", { name })} .text=${t("emergency.approve.text", { name, time: dateTime(until) })} .action=${t("emergency.approve")}
        @confirmed=${this.#approve} @closed=${this.#closed}></confirm-dialog>`;
  }

  /** @param {Event} event */
  #approve(event) {
    event.stopPropagation();
    void this.#answer(true);
  }

  /** @param {Event} event */
  #closed(event) {
    event.stopPropagation();
    this.asking = false;
  }

  /** @param {boolean} approved */
  async #answer(approved) {
    const { id, requester: { name } } = this.request;
    await this.#doing.run(async () => {
      const state = await this.emergency.answer(id, approved);
      this.#say(state === "released" ? t("emergency.said.released", { name }) : t(approved ? "emergency.said.approved" : "emergency.said.declined"));
    });
  }

  async #finish() {
    const { id, requester: { name } } = this.request;
    if (await this.#doing.run(() => this.emergency.finish(id))) this.#say(t("emergency.said.released", { name }));
  }

  async #withdraw() {
    if (await this.#doing.run(() => this.emergency.withdraw(this.request.id))) this.#say(t("emergency.said.withdrawn"));
  }

  /** @param {string} text */
  #say(text) {
    this.tell("say", text);
  }
}
customElements.define("emergency-request", EmergencyRequest);

/** @param {Named} person */
const about = ({ profession, organisation }) => [profession, organisation].filter(Boolean).join(" · ");

/** @param {readonly Named[]} people */
const names = (people) => list(people.map(({ me, name }) => (me ? t("emergency.yourself") : name)));
