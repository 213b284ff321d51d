import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { LightElement, later } from "./light-element.js";
import { avatar, failureView } from "./parts.js";
import "./person-search.js";

/** @import { CircleRole, Directory, OpenCircle, Person } from "../state/types.js" */

const DAY = 86_400_000;

/** Bring somebody of the directory into a circle. Tells `invited` with the name, or `cancelled`. */
export class InviteForm extends LightElement {
  /** @override */
  static properties = {
    directory: { attribute: false }, open: { attribute: false }, without: { attribute: false },
    person: { state: true }, role: { state: true }, history: { state: true }, until: { state: true },
  };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {Directory} */ this.directory = later();
    /** @type {OpenCircle} */ this.open = later();
    /** @type {readonly string[]} */ this.without = [];
    /** @type {Person | null} */ this.person = null;
    /** @type {CircleRole} */ this.role = "professional";
    /** @type {"all" | "none"} */ this.history = "all";
    /** A day, YYYY-MM-DD; empty: open-ended. */ this.until = "";
  }

  /** @override */
  render() {
    return html`
      <section class="card stack" aria-labelledby="invite-heading">
        <h2 id="invite-heading">${t("members.invite")}</h2>
        ${this.person ? this.#form(this.person) : this.#search()}
      </section>`;
  }

  #search() {
    return html`
      <person-search .directory=${this.directory} .label=${t("directory.search")} .without=${this.without} @chosen=${this.#chosen}></person-search>
      <div class="buttons"><button class="button plain" @click=${() => this.tell("cancelled")}>${t("cancel")}</button></div>`;
  }

  /** @param {CustomEvent<Person>} event */
  #chosen(event) {
    this.person = event.detail;
    this.role = event.detail.roles.includes("bot") ? "bot" : event.detail.roles.includes("carer") ? "carer" : "professional";
  }

  /** @param {Person} person */
  #form(person) {
    const bot = this.role === "bot";
    return html`
      <form class="stack" @submit=${this.#submit}>
        <div class="row">${avatar(person.name)}<div class="grow"><p class="strong">${person.name}</p><p class="small quiet">${[person.profession, person.organisation].filter(Boolean).join(" · ")}</p></div></div>
        ${bot ? html`<p class="quiet">${t("invite.bot")}</p>` : [this.#roles(), this.#history()]}
        <div class="field">
          <label for="invite-until">${t("invite.until")}</label>
          <p class="hint" id="invite-until-hint">${t("invite.until.hint")}</p>
          <input class="input" id="invite-until" type="date" aria-describedby="invite-until-hint" min=${tomorrow()} .value=${this.until} @input=${this.#untilTyped}>
        </div>
        ${failureView(this.#doing.failure)}
        <div class="buttons">
          <button class="button primary" ?disabled=${this.#doing.busy}>${t("invite.add")}</button>
          <button type="button" class="button plain" @click=${this.#back}>${t("cancel")}</button>
        </div>
      </form>`;
  }

  #roles() {
    const offered = this.open.info.value.mayLead ? /** @type {const} */ (["professional", "carer", "lead"]) : /** @type {const} */ (["professional", "carer"]);
    return html`
      <fieldset class="field"><legend>${t("invite.role")}</legend>
        <div class="choices">${offered.map((role) => html`<label class="choice"><input type="radio" name="role" .checked=${role === this.role} @change=${() => this.#set({ role })}><span>${t(`circle-role.${role}`)}</span></label>`)}</div>
      </fieldset>`;
  }

  #history() {
    return html`
      <fieldset class="field"><legend>${t("invite.history")}</legend>
        <div class="choices">${/** @type {const} */ (["all", "none"]).map((history) => html`<label class="choice"><input type="radio" name="history" .checked=${history === this.history} @change=${() => this.#set({ history })}><span>${t(`invite.history.${history}`)}</span></label>`)}</div>
        ${this.history === "none" ? html`<p class="hint">${t("invite.history.none.hint")}</p>` : nothing}
      </fieldset>`;
  }

  /** @param {Partial<Pick<InviteForm, "role" | "history">>} change */
  #set(change) {
    Object.assign(this, change);
  }

  /** @param {Event} event */
  #untilTyped(event) {
    this.until = /** @type {HTMLInputElement} */ (event.target).value;
  }

  #back() {
    this.person = null;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const person = this.person;
    if (!person) return;
    const { role, history } = this;
    const until = this.until ? new Date(`${this.until}T00:00`).getTime() + DAY : null;
    const done = await this.#doing.run(() => this.open.add({ account: person.account, role, history, until }));
    if (done) this.tell("invited", person.name);
  }
}
customElements.define("invite-form", InviteForm);

const tomorrow = () => new Date(Date.now() + DAY).toLocaleDateString("sv-SE");
