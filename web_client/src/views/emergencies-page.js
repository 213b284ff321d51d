import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { t } from "../i18n/language.js";
import { cardOf } from "./emergency-link.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { emptyView, failureView, pageHead } from "./parts.js";
import { go, href } from "./router.js";
import { Watching } from "./watching.js";
import "./emergency-request.js";

/** @import { App } from "../state/types.js" */
/** @import { EmergencyView } from "../state/types-emergency.js" */

const CLOSED = new Set(["declined", "released", "expired", "withdrawn"]);

/** Emergency access: the way in by a card, what waits for one's answer, what became of the rest. */
export class EmergenciesPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, scanning: { state: true }, isBad: { state: true } };

  #refreshing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.scanning = false;
    this.isBad = false;
    Watching.on(this, () => [this.app.emergency.list, this.app.emergency.escrows, this.app.circles.list]);
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#refreshing.run(() => this.app.emergency.refresh());
  }

  /** @override */
  render() {
    const requests = this.app.emergency.list.value;
    const asked = requests.filter((one) => one.asked || one.mayFinish);
    const rest = requests.filter((one) => !asked.includes(one));
    const mine = rest.filter((one) => one.requester.me && !CLOSED.has(one.state));
    const under = rest.filter((one) => !one.requester.me && !CLOSED.has(one.state));
    return html`
      <div class="page">
        ${pageHead({ title: t("emergency.title"), back: href.me })}
        <p class="lead">${t("emergency.text")}</p>
        ${failureView(this.#refreshing.failure)}
        ${this.#section("asked", t("emergency.asked.title"), asked)}
        ${this.#section("mine", t("emergency.mine.title"), mine)}
        ${this.#section("others", t("emergency.others.title"), under)}
        ${this.#enter()}
        ${this.#guarding()}
        ${this.#section("past", t("emergency.past.title"), rest.filter((one) => CLOSED.has(one.state)))}
        ${requests.length === 0 ? emptyView({ name: "bell", title: t("emergency.nothing"), text: t("emergency.nothing.text") }) : nothing}
      </div>`;
  }

  /** @param {string} name @param {string} title @param {readonly EmergencyView[]} requests */
  #section(name, title, requests) {
    if (requests.length === 0) return nothing;
    return html`
      <section class="stack-small" aria-labelledby="emergency-${name}">
        <h2 id="emergency-${name}">${title}</h2>
        ${repeat(requests, ({ id }) => id, (one) => html`<emergency-request .emergency=${this.app.emergency} .request=${one} .circle=${this.#nameOf(one.circle)}></emergency-request>`)}
      </section>`;
  }

  /** @param {string} circle */
  #nameOf(circle) {
    return this.app.circles.list.value.rows.find((row) => row.circle === circle)?.name ?? "";
  }

  #enter() {
    return html`
      <section class="card stack" aria-labelledby="emergency-enter">
        <h2 id="emergency-enter">${t("emergency.enter")}</h2>
        ${this.scanning ? html`<qr-scanner .label=${t("emergency.scan")} @scanned=${this.#scanned}></qr-scanner>` : nothing}
        <div class="buttons"><button class="button primary" aria-pressed=${this.scanning ? "true" : "false"} @click=${this.#toggleScan}>${icon("qr")}${t(this.scanning ? "join.stop-scan" : "emergency.scan")}</button></div>
        <form class="stack-small" novalidate @submit=${this.#typed}>
          <div class="field">
            <label for="emergency-link">${t("emergency.link")}</label>
            <p class="hint" id="emergency-link-hint">${t("emergency.link.hint")}</p>
            <input class="input" id="emergency-link" autocomplete="off" autocapitalize="none" spellcheck="false" inputmode="url" maxlength="400" aria-invalid=${this.isBad ? "true" : "false"} aria-describedby="emergency-link-hint emergency-link-wrong">
            <p class="wrong" id="emergency-link-wrong" role="alert">${this.isBad ? t("emergency.link.bad") : nothing}</p>
          </div>
          <div class="buttons"><button class="button">${t("emergency.link.open")}</button></div>
        </form>
      </section>`;
  }

  #guarding() {
    const guarded = [...this.app.emergency.escrows.value.values()].filter(({ mine }) => mine);
    if (guarded.length === 0) return nothing;
    return html`
      <section class="stack-small" aria-labelledby="emergency-guarding">
        <h2 id="emergency-guarding">${t("emergency.guarding")}</h2>
        <ul class="rows">${guarded.map(({ name, organisation, quorum, guardians }) => html`
          <li class="wraps">${icon("key")}<div class="grow"><p class="strong">${name}</p>
            <p class="small quiet">${[organisation, t("emergency.quorum", { quorum, count: guardians.length })].filter(Boolean).join(" · ")}</p></div></li>`)}</ul>
      </section>`;
  }

  async #toggleScan() {
    if (!this.scanning) await import("./qr-scanner.js");
    this.scanning = !this.scanning;
  }

  /** @param {CustomEvent<string>} event */
  #scanned(event) {
    this.scanning = false;
    this.#open(event.detail);
  }

  /** @param {SubmitEvent} event */
  #typed(event) {
    event.preventDefault();
    this.#open(this.querySelector("input")?.value ?? "");
  }

  /** @param {string} text */
  #open(text) {
    const card = cardOf(text, location.origin);
    this.isBad = card === null;
    if (card) go(href.emergency(card.circle, card.pinned));
    else this.at("#emergency-link")?.focus();
  }
}
customElements.define("emergencies-page", EmergenciesPage);
