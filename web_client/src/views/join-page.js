import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { deviceGuess, failureView } from "./parts.js";
import { go, href } from "./router.js";

/** @import { Entry } from "../state/types.js" */

/** This device joins an account that another device holds, by the code that one shows. */
export class JoinPage extends LightElement {
  /** @override */
  static properties = { entry: { attribute: false }, code: { attribute: false }, label: { state: true }, scanning: { state: true } };

  #doing = new Doing(this);
  #joining = new AbortController();

  constructor() {
    super();
    /** @type {Entry} */ this.entry = later();
    this.code = "";
    this.label = deviceGuess();
    this.scanning = false;
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#joining.abort();
  }

  /** @override */
  render() {
    return html`
      <div class="stack">
        <h1 tabindex="-1">${t("join.title")}</h1>
        <p class="lead">${t("join.text")}</p>
        ${this.#doing.busy ? this.#waiting() : this.#ask()}
        <p><a class="button" href=${href.home}>${t("back")}</a></p>
      </div>`;
  }

  #waiting() {
    return html`
      <div class="card stack" role="status">
        <div class="loading"><span class="spinner"></span><p>${t("join.waiting")}</p></div>
        <button class="button" @click=${() => this.#joining.abort()}>${t("cancel")}</button>
      </div>`;
  }

  #ask() {
    return html`
      <form class="stack card" @submit=${this.#submit}>
        ${this.scanning ? html`<qr-scanner .label=${t("join.scan")} @scanned=${this.#scanned}></qr-scanner>` : nothing}
        <button type="button" class="button wide" aria-pressed=${this.scanning ? "true" : "false"} @click=${this.#toggleScan}>${icon("qr")}${t(this.scanning ? "join.stop-scan" : "join.scan")}</button>
        <div class="field">
          <label for="join-code">${t("join.code")}</label>
          <input class="input code" id="join-code" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="40"
            placeholder="ABCD-EFGH-JKMN-PQRS" .value=${this.code} @input=${this.#typed}>
        </div>
        <div class="field">
          <label for="join-label">${t("enrol.label")}</label>
          <input class="input" id="join-label" required maxlength="80" autocomplete="off" .value=${this.label} @input=${this.#labelled}>
        </div>
        ${failureView(this.#doing.failure)}
        <button class="button primary wide">${t("join.action")}</button>
      </form>`;
  }

  async #toggleScan() {
    if (!this.scanning) await import("./qr-scanner.js");
    this.scanning = !this.scanning;
  }

  /** @param {CustomEvent<string>} event */
  #scanned(event) {
    this.scanning = false;
    this.code = event.detail.split("#").at(-1) ?? "";
    void this.#join();
  }

  /** @param {Event} event */
  #typed(event) {
    this.code = /** @type {HTMLInputElement} */ (event.target).value;
  }

  /** @param {Event} event */
  #labelled(event) {
    this.label = /** @type {HTMLInputElement} */ (event.target).value;
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    void this.#join();
  }

  async #join() {
    this.#joining = new AbortController();
    const form = { code: this.code.trim(), label: this.label.trim() || deviceGuess() };
    if (await this.#doing.run(() => this.entry.join(form, this.#joining.signal))) go(href.home, { replace: true });
  }
}
customElements.define("join-page", JoinPage);
