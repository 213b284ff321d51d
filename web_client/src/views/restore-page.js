import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { deviceGuess, failureView } from "./parts.js";
import { go, href } from "./router.js";

/** @import { Entry } from "../state/types.js" */

const WORDS = 24;

/** A lost phone: the recovery kit's words, or its QR code, bring the account to this device. */
export class RestorePage extends LightElement {
  /** @override */
  static properties = { entry: { attribute: false }, words: { state: true }, good: { state: true }, label: { state: true }, scanning: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {Entry} */ this.entry = later();
    this.words = "";
    this.good = false;
    this.label = deviceGuess();
    this.scanning = false;
  }

  /** @override */
  render() {
    const count = this.words.trim() ? this.words.trim().split(/\s+/u).length : 0;
    return html`
      <div class="stack">
        <h1 tabindex="-1">${t("restore.title")}</h1>
        <p class="lead">${t("restore.text")}</p>
        <form class="stack card" @submit=${this.#submit}>
          ${this.scanning ? html`<qr-scanner .label=${t("restore.scan")} @scanned=${this.#scanned}></qr-scanner>` : nothing}
          <button type="button" class="button wide" aria-pressed=${this.scanning ? "true" : "false"} @click=${this.#toggleScan}>${icon("qr")}${t(this.scanning ? "join.stop-scan" : "restore.scan")}</button>
          <div class="field">
            <label for="restore-words">${t("restore.words")}</label>
            <textarea class="input" id="restore-words" rows="4" required autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="restore-count" .value=${this.words} @input=${this.#typed}></textarea>
            <p class=${count >= WORDS && !this.good ? "wrong" : "hint"} id="restore-count" role="status">${this.#state(count)}</p>
          </div>
          <div class="field">
            <label for="restore-label">${t("enrol.label")}</label>
            <input class="input" id="restore-label" required maxlength="80" autocomplete="off" .value=${this.label} @input=${this.#labelled}>
          </div>
          ${failureView(this.#doing.failure)}
          <button class="button primary wide" ?disabled=${!this.good || this.#doing.busy}>${t(this.#doing.busy ? "restore.busy" : "restore.action")}</button>
        </form>
        <p><a class="button" href=${href.home}>${t("back")}</a></p>
      </div>`;
  }

  /** @param {number} count */
  #state(count) {
    if (this.good) return t("restore.good");
    return count >= WORDS ? t("restore.wrong") : t("restore.count", { count, of: WORDS });
  }

  async #toggleScan() {
    if (!this.scanning) await import("./qr-scanner.js");
    this.scanning = !this.scanning;
  }

  /** @param {CustomEvent<string>} event */
  #scanned(event) {
    this.scanning = false;
    void this.#restore(event.detail);
  }

  /** @param {Event} event */
  async #typed(event) {
    const words = (this.words = /** @type {HTMLTextAreaElement} */ (event.target).value);
    const good = await this.entry.isKit(words);
    if (words === this.words) this.good = good;
  }

  /** @param {Event} event */
  #labelled(event) {
    this.label = /** @type {HTMLInputElement} */ (event.target).value;
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    void this.#restore(this.words);
  }

  /** @param {string} kit */
  async #restore(kit) {
    const label = this.label.trim() || deviceGuess();
    if (await this.#doing.run(() => this.entry.restore({ kit, label }))) go(href.home, { replace: true });
  }
}
customElements.define("restore-page", RestorePage);
