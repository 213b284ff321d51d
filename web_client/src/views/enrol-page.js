import { html, nothing } from "lit";
import { list } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { deviceGuess, failureView, loading } from "./parts.js";
import { go, href } from "./router.js";

/** @import { Entry, Invitation } from "../state/types.js" */

/** From an invitation to an account: name, profession, organisation. Then the recovery kit is offered. */
export class EnrolPage extends LightElement {
  /** @override */
  static properties = { entry: { attribute: false }, token: { attribute: false }, invitation: { state: true }, tried: { state: true }, form: { state: true } };

  #looking = new Doing(this);
  #enrolling = new Doing(this);

  constructor() {
    super();
    /** @type {Entry} */ this.entry = later();
    this.token = "";
    /** @type {Invitation | null} */ this.invitation = null;
    this.tried = false;
    this.form = { name: "", profession: "", organisation: "", label: deviceGuess() };
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#look();
  }

  async #look() {
    await this.#looking.run(async () => {
      this.invitation = await this.entry.lookInvitation(this.token);
      this.form = { ...this.form, organisation: this.invitation.organisation };
    });
  }

  /** @override */
  render() {
    return html`
      <div class="stack">
        <h1 tabindex="-1">${t("enrol.title")}</h1>
        ${this.#looking.failure ? this.#unusable() : this.invitation ? this.#ask(this.invitation) : loading()}
      </div>`;
  }

  #unusable() {
    const failure = this.#looking.failure;
    if (failure?.code === "not_found" || failure?.code === "malformed" || failure?.code === "forbidden") {
      return html`<div class="failure" role="alert">${icon("alert")}<p>${t("enrol.used")}</p></div><p class="lead">${t("enrol.used.text")}</p>`;
    }
    return html`${failureView(failure)}<p><button class="button" @click=${this.#look}>${t("retry")}</button></p>`;
  }

  /** @param {Invitation} invitation */
  #ask({ roles, organisation }) {
    if (roles.includes("escrow")) return html`<p class="notice wait">${icon("key")}<span>${t("enrol.escrow")}</span></p>`;
    const names = list(roles.map((role) => t(`role.${role}`)));
    return html`
      <p class="lead">${organisation ? t("enrol.text.organisation", { organisation, roles: names }) : t("enrol.text", { roles: names })}</p>
      <form class="stack card" novalidate @submit=${this.#submit}>
        ${this.#field("name", "name", 120)}
        ${this.#field("profession", "organization-title", 60)}
        ${this.#field("organisation", "organization", 120)}
        ${this.#field("label", "off", 80)}
        ${failureView(this.#enrolling.failure)}
        <button class="button primary wide" ?disabled=${this.#enrolling.busy}>${t(this.#enrolling.busy ? "enrol.busy" : "enrol.action")}</button>
      </form>
      <p class="small quiet row">${icon("lock")}<span>${t("enrol.keys")}</span></p>`;
  }

  /** @param {"name" | "profession" | "organisation" | "label"} name @param {string} autocomplete @param {number} longest */
  #field(name, autocomplete, longest) {
    const wrong = this.tried && !this.form[name].trim() && name !== "organisation";
    return html`
      <div class="field">
        <label for="enrol-${name}">${t(`enrol.${name}`)}</label>
        <input class="input" id="enrol-${name}" name=${name} autocomplete=${autocomplete} maxlength=${longest} .value=${this.form[name]}
          list=${name === "profession" ? "professions" : nothing} aria-invalid=${wrong ? "true" : "false"} aria-describedby="enrol-${name}-hint" @input=${this.#typed}>
        <p class=${wrong ? "wrong" : "hint"} id="enrol-${name}-hint">${wrong ? t("field.missing") : t(`enrol.${name}.hint`)}</p>
        ${name === "profession" ? html`<datalist id="professions">${t("enrol.professions").split("|").map((profession) => html`<option value=${profession}></option>`)}</datalist>` : nothing}
      </div>`;
  }

  /** @param {Event} event */
  #typed(event) {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    this.form = { ...this.form, [name]: value };
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    this.tried = true;
    const { name, profession, organisation, label } = this.form;
    if (![name, profession, label].every((value) => value.trim())) return this.#toMistake();
    const form = { token: this.token, name: name.trim(), profession: profession.trim(), organisation: organisation.trim(), label: label.trim() };
    if (await this.#enrolling.run(() => this.entry.enrol(form))) go(href.kit, { replace: true });
    return undefined;
  }

  async #toMistake() {
    await this.updateComplete;
    this.at('[aria-invalid="true"]')?.focus();
  }
}
customElements.define("enrol-page", EnrolPage);
