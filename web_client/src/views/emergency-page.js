import { html, nothing } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, emptyView, failureView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./emergency-request.js";

/** @import { App } from "../state/types.js" */
/** @import { EmergencyLook, EmergencyReason, EmergencyView, EscrowView } from "../state/types-emergency.js" */

const REASONS = /** @type {const} */ (["night", "vital", "absence", "handover", "other"]);
const HOURS = /** @type {const} */ ([4, 12, 24, 72]);

/** What an emergency card leads to: who guards the circle, asking them, and what becomes of it. */
export class EmergencyPage extends LightElement {
  /** @override */
  static properties = {
    app: { attribute: false }, circle: { attribute: false }, pinned: { attribute: false }, looked: { state: true },
    reason: { state: true }, hours: { state: true }, tried: { state: true }, isAgain: { state: true },
  };

  #looking = new Doing(this);
  #asking = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.circle = "";
    /** @type {string | null} The escrow the card names. */ this.pinned = null;
    /** @type {EmergencyLook | null} */ this.looked = null;
    /** @type {EmergencyReason} */ this.reason = "night";
    this.hours = 12;
    this.tried = false;
    /** Asks once more, after a request that came to nothing. */ this.isAgain = false;
    Watching.on(this, () => [this.app.emergency.list, this.app.circles.list]);
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#look();
  }

  async #look() {
    const { circle, pinned } = this;
    await this.#looking.run(async () => {
      this.looked = await this.app.emergency.look({ circle, pinned });
      await this.app.emergency.refresh();
    });
  }

  /** The newest that one made for this circle. */
  get #request() {
    return this.app.emergency.list.value.find((one) => one.requester.me && one.circle === this.circle) ?? null;
  }

  get #isMember() {
    return this.app.circles.list.value.rows.some((row) => row.circle === this.circle && row.active);
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("emergency.title"), back: href.emergencies })}
        ${this.#body()}
      </div>`;
  }

  #body() {
    const request = this.#request;
    const isUnderWay = request && !this.isAgain && (request.state === "open" || request.state === "approved" || (this.looked !== null && request.at > Date.now() - 86_400_000));
    if (isUnderWay) return this.#status(request);
    if (this.#isMember) return this.#inside(t("emergency.member"));
    if (this.#looking.failure?.code === "not_found") return emptyView({ name: "search", title: t("emergency.missing"), text: t("emergency.missing.text") });
    if (this.#looking.failure) return html`${failureView(this.#looking.failure)}<p><button class="button" @click=${this.#look}>${t("retry")}</button></p>`;
    return this.looked ? this.#form(this.looked.escrow) : loading();
  }

  /** @param {string} text */
  #inside(text) {
    return html`
      <p class="notice" role="status">${icon("check")}<span>${text}</span></p>
      <div class="buttons"><a class="button primary" href=${href.circle(this.circle)}>${t("emergency.open-circle")}</a></div>`;
  }

  /** @param {EmergencyView} request */
  #status(request) {
    const { state, until } = request;
    if (state === "released" && this.#isMember) return html`${this.#inside(t("emergency.wait.released", { time: dateTime(until) }))}${this.#requestView(request)}`;
    const waits = state === "open" || state === "approved" || state === "released";
    const text = state === "released" ? t("emergency.wait.approved") : t(`emergency.wait.${state}`);
    return html`
      <p class="notice ${waits ? "" : "wait"}" role="status">${waits ? html`<span class="spinner"></span>` : icon("alert")}<span>${text}</span></p>
      ${this.#requestView(request)}
      ${waits ? nothing : html`<div class="buttons"><button class="button primary" @click=${() => (this.isAgain = true)}>${t("emergency.again")}</button></div>`}
      ${waits ? this.#guardians(request.escrow) : nothing}`;
  }

  /** @param {EmergencyView} request */
  #requestView(request) {
    const circle = this.app.circles.list.value.rows.find((row) => row.circle === this.circle && row.active);
    return html`<emergency-request .emergency=${this.app.emergency} .request=${request} .circle=${circle?.name ?? ""}></emergency-request>`;
  }

  /** @param {EscrowView} escrow */
  #form(escrow) {
    const { busy, failure } = this.#asking;
    return html`
      <p class="lead">${t("emergency.ask.text", { escrow: escrow.name })}</p>
      ${this.pinned ? nothing : html`<p class="notice wait">${icon("alert")}<span>${t("emergency.ask.typed")}</span></p>`}
      ${this.#guardians(escrow)}
      <form class="card stack" novalidate @submit=${this.#submit}>
        <h2>${t("emergency.ask")}</h2>
        <fieldset class="field"><legend>${t("emergency.reason")}</legend>
          <div class="choices">${REASONS.map((reason) => html`<label class="choice"><input type="radio" name="reason" .checked=${reason === this.reason} @change=${() => (this.reason = reason)}><span>${t(`emergency.reason.${reason}`)}</span></label>`)}</div></fieldset>
        ${this.#words()}
        <fieldset class="field"><legend>${t("emergency.hours")}</legend>
          <div class="choices">${HOURS.map((hours) => html`<label class="choice"><input type="radio" name="hours" .checked=${hours === this.hours} @change=${() => (this.hours = hours)}><span>${t("emergency.hours.count", { count: hours })}</span></label>`)}</div></fieldset>
        ${failureView(failure)}
        <div class="buttons"><button class="button primary" ?disabled=${busy}>${icon("send")}${t(busy ? "emergency.sending" : "emergency.send")}</button></div>
        <p class="small quiet row">${icon("people")}<span>${t("emergency.told")}</span></p>
      </form>`;
  }

  #words() {
    const wrong = this.tried;
    return html`
      <div class="field">
        <label for="emergency-words">${t("emergency.words")}</label>
        <p class="hint" id="emergency-words-hint">${t("emergency.words.hint")}</p>
        <textarea class="input" id="emergency-words" rows="3" maxlength="400" aria-invalid=${wrong ? "true" : "false"} aria-describedby="emergency-words-hint emergency-words-wrong"></textarea>
        <p class="wrong" id="emergency-words-wrong" ?hidden=${!wrong}>${wrong ? t("field.missing") : nothing}</p>
      </div>`;
  }

  /** @param {EscrowView} escrow */
  #guardians({ guardians, quorum }) {
    return html`
      <section class="stack-small" aria-labelledby="emergency-guardians">
        <h2 id="emergency-guardians">${t("emergency.who")}</h2>
        <p class="small quiet">${t("emergency.quorum", { quorum, count: guardians.length })}</p>
        <ul class="rows">${guardians.map(({ name, profession, organisation }) => html`
          <li>${avatar(name)}<div class="grow"><p class="strong">${name}</p><p class="small quiet">${[profession, organisation].filter(Boolean).join(" · ")}</p></div></li>`)}</ul>
      </section>`;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const field = this.querySelector("textarea");
    const words = field?.value.trim() ?? "";
    this.tried = words === "";
    if (this.tried) return field?.focus();
    const { circle, pinned, reason, hours } = this;
    const asked = await this.#asking.run(async () => {
      await this.app.emergency.ask({ circle, pinned, reason, words, note: t("emergency.note", { words }), hours });
      await this.app.emergency.refresh();
    });
    if (asked) this.isAgain = false;
    return undefined;
  }
}
customElements.define("emergency-page", EmergencyPage);
