import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";

/** @import { Lock } from "../state/types-keys.js" */

const TOLD_FROM = 7; // tries left: before that, a slip of the finger is no news

/** A locked device: a passkey or a code opens it, and who has neither comes back by another way. */
export class UnlockPage extends LightElement {
  /** @override */
  static properties = { lock: { attribute: false } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {Lock} */ this.lock = later();
    Watching.on(this, () => [this.lock.state]);
  }

  /** @override */
  firstUpdated() {
    this.at("input, .primary")?.focus();
  }

  /** @override */
  render() {
    const { hasCode, hasPasskey, isExhausted } = this.lock.state.value;
    return html`
      <div class="stack">
        <h1 tabindex="-1">${t("unlock.title")}</h1>
        <p class="lead">${t("unlock.text")}</p>
        ${isExhausted ? html`<p class="notice wait" role="alert">${icon("lock")}<span>${t("unlock.exhausted")}</span></p>` : nothing}
        ${hasCode || hasPasskey ? html`
          <div class="stack card">
            ${failureView(this.#doing.failure)}
            ${hasPasskey ? html`<button class="button primary wide" ?disabled=${this.#doing.busy} @click=${this.#passkey}>${icon("key")}${t("unlock.passkey")}</button>` : nothing}
            ${hasCode ? this.#code(hasPasskey) : nothing}
          </div>` : nothing}
        <section class="stack-small">
          <h2>${t("unlock.other")}</h2>
          <p class="quiet">${t("unlock.other.text")}</p>
          <ul class="rows links">
            <li><a href=${href.join}>${icon("qr")}<span class="grow"><strong>${t("welcome.join")}</strong><br><span class="small quiet">${t("welcome.join.text")}</span></span>${icon("chevron")}</a></li>
            <li><a href=${href.restore}>${icon("key")}<span class="grow"><strong>${t("welcome.restore")}</strong><br><span class="small quiet">${t("welcome.restore.text")}</span></span>${icon("chevron")}</a></li>
          </ul>
        </section>
      </div>`;
  }

  /** @param {boolean} isSecond */
  #code(isSecond) {
    const { triesLeft } = this.lock.state.value;
    return html`
      <form class="stack" @submit=${this.#submit}>
        <div class="field">
          <label for="unlock-code">${t("unlock.code")}</label>
          <input class="input code" id="unlock-code" type="password" inputmode="numeric" autocomplete="off" required maxlength="12" aria-describedby="unlock-left">
          <p class="hint" id="unlock-left" role="status">${triesLeft <= TOLD_FROM ? t("unlock.left", { count: triesLeft }) : nothing}</p>
        </div>
        <button class="button wide ${isSecond ? "" : "primary"}" ?disabled=${this.#doing.busy}>${t(this.#doing.busy ? "unlock.busy" : "unlock.action")}</button>
      </form>`;
  }

  async #passkey() {
    await this.#doing.run(() => this.lock.unlockWithPasskey());
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (this.querySelector("input"));
    const code = input.value;
    input.value = "";
    if (!(await this.#doing.run(() => this.lock.unlockWithCode(code)))) input.focus();
  }
}
customElements.define("unlock-page", UnlockPage);
