import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./confirm-dialog.js";

/** @import { App } from "../state/types.js" */
/** @import { LockState } from "../state/types-keys.js" */

const MINUTES = [1, 5, 15, 60];

/** The lock of this device: set with a passkey or a code, and how soon it closes. */
export class LockPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, differs: { state: true }, removing: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.differs = false;
    this.removing = false;
    Watching.on(this, () => [this.app.lock.state]);
  }

  get #lock() {
    return this.app.lock;
  }

  /** @override */
  render() {
    const state = this.#lock.state.value;
    return html`
      <div class="page">
        ${pageHead({ title: t("lock.title"), back: href.me })}
        <p class="lead">${t("lock.text")}</p>
        ${failureView(this.#doing.failure)}
        ${state.isSet ? this.#set(state) : nothing}
        ${state.canPasskey ? this.#passkey(state) : nothing}
        ${this.#code(state)}
        <p class="notice">${icon("key")}<span>${t("lock.forgotten")}</span></p>
        ${state.isSet ? html`<div class="buttons"><button class="button danger" @click=${() => this.#ask(true)}>${t("lock.remove")}</button></div>` : nothing}
        ${this.removing ? html`
          <confirm-dialog .heading=${t("lock.remove")} .text=${t("lock.remove.text")} .action=${t("lock.remove")} .danger=${true}
            @confirmed=${() => this.#doing.run(() => this.#lock.remove())} @closed=${() => this.#ask(false)}></confirm-dialog>` : nothing}
      </div>`;
  }

  /** @param {LockState} state */
  #set({ minutes }) {
    return html`
      <section class="card stack">
        <p class="row strong">${icon("lock")}<span>${t("lock.set")}</span></p>
        <fieldset class="field">
          <legend>${t("lock.after")}</legend>
          <div class="choices">
            ${MINUTES.map((count) => html`<label class="choice"><input type="radio" name="minutes" .checked=${count === minutes} @change=${() => this.#setMinutes(count)}><span>${t("lock.minutes", { count })}</span></label>`)}
          </div>
        </fieldset>
        <div class="buttons"><button class="button primary" @click=${() => this.#lock.lockNow()}>${icon("lock")}${t("lock.now")}</button></div>
      </section>`;
  }

  /** @param {number} count */
  async #setMinutes(count) {
    if (await this.#doing.run(() => this.#lock.setMinutes(count))) this.tell("say", t("lock.minutes.set", { count }));
  }

  /** @param {LockState} state */
  #passkey({ hasPasskey }) {
    return html`
      <section class="card stack-small">
        <h2>${t("lock.passkey")}</h2>
        <p class="quiet">${t("lock.passkey.text")}</p>
        ${hasPasskey ? html`<p class="row">${icon("check")}<span>${t("lock.passkey.set")}</span></p>` : nothing}
        <div class="buttons"><button class="button ${hasPasskey ? "" : "primary"}" ?disabled=${this.#doing.busy} @click=${this.#usePasskey}>${icon("key")}${t(hasPasskey ? "lock.passkey.again" : "lock.passkey.make")}</button></div>
      </section>`;
  }

  async #usePasskey() {
    const name = t("lock.passkey.name", { name: this.app.session.value.me?.name ?? "" });
    if (await this.#doing.run(() => this.#lock.setPasskey(name))) this.tell("say", t("lock.passkey.set"));
  }

  /** @param {LockState} state */
  #code({ hasCode }) {
    return html`
      <section class="card stack-small">
        <h2>${t("lock.code")}</h2>
        <p class="quiet">${t("lock.code.text")}</p>
        ${hasCode ? html`<p class="row">${icon("check")}<span>${t("lock.code.set")}</span></p>` : nothing}
        <form class="stack" @submit=${this.#useCode}>
          ${this.#digits("lock-code", t("lock.code.new"))}
          ${this.#digits("lock-repeat", t("lock.code.repeat"))}
          ${this.differs ? html`<p class="failure" role="alert">${icon("alert")}<span>${t("lock.code.differs")}</span></p>` : nothing}
          <div class="buttons"><button class="button" ?disabled=${this.#doing.busy}>${t(this.#doing.busy ? "lock.code.busy" : "lock.code.make")}</button></div>
        </form>
      </section>`;
  }

  /** @param {string} id @param {string} label */
  #digits(id, label) {
    return html`
      <div class="field">
        <label for=${id}>${label}</label>
        <input class="input code" id=${id} type="password" inputmode="numeric" autocomplete="off" required maxlength="12">
      </div>`;
  }

  /** @param {SubmitEvent} event */
  async #useCode(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const [code, repeated] = Array.from(form.querySelectorAll("input"), (input) => input.value);
    this.differs = code !== repeated;
    if (this.differs || code === undefined) return;
    if (!(await this.#doing.run(() => this.#lock.setCode(code)))) return;
    form.reset();
    this.tell("say", t("lock.code.set"));
  }

  /** @param {boolean} on */
  #ask(on) {
    this.removing = on;
  }
}
customElements.define("lock-page", LockPage);
