import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { LightElement, later } from "./light-element.js";
import { audienceChoice, offered } from "./audience-choice.js";
import { avatar, failureView } from "./parts.js";
import "./person-search.js";
import "./until-field.js";

/** @import { CircleRole, Directory, OpenCircle, Person } from "../state/types.js" */

const HISTORIES = /** @type {const} */ (["all", "none", "date"]);

/** Bring somebody of the directory into a circle. Tells `invited` with the name, or `cancelled`. */
export class InviteForm extends LightElement {
  /** @override */
  static properties = {
    directory: { attribute: false }, open: { attribute: false }, without: { attribute: false },
    person: { state: true }, role: { state: true }, audiences: { state: true }, history: { state: true }, from: { state: true }, until: { state: true },
  };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {Directory} */ this.directory = later();
    /** @type {OpenCircle} */ this.open = later();
    /** @type {readonly string[]} */ this.without = [];
    /** @type {Person | null} */ this.person = null;
    /** @type {CircleRole} */ this.role = "professional";
    /** @type {readonly string[]} */ this.audiences = [];
    /** @type {typeof HISTORIES[number]} */ this.history = "all";
    /** The first day whose notes are read, YYYY-MM-DD. */ this.from = today();
    /** @type {number | null} */ this.until = null;
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
    const { roles } = event.detail;
    this.#become(roles.includes("bot") ? "bot" : roles.includes("carer") ? "carer" : "professional");
  }

  /** The audiences follow the role: whoever cares at home reads what is for the family, where there is such a one. @param {CircleRole} role */
  #become(role) {
    const names = offered(this.open.info.value.audiences).map(({ name }) => name);
    const usual = role === "carer" && names.includes("family") ? "family" : "team";
    this.#set({ role, audiences: [names.includes(usual) ? usual : (names[0] ?? "team")] });
  }

  /** @param {Person} person */
  #form(person) {
    const bot = this.role === "bot";
    return html`
      <form class="stack" @submit=${this.#submit}>
        <div class="row">${avatar(person.name)}<div class="grow"><p class="strong">${person.name}</p><p class="small quiet">${[person.profession, person.organisation].filter(Boolean).join(" · ")}</p></div></div>
        ${bot ? html`<p class="quiet">${t("invite.bot")}</p>` : [this.#roles(), this.#readings(), this.#history()]}
        <until-field .until=${this.until} @until=${this.#untilChosen}></until-field>
        ${failureView(this.#doing.failure)}
        <div class="buttons">
          <button class="button primary" ?disabled=${this.#doing.busy}>${t("invite.add")}</button>
          <button type="button" class="button plain" @click=${this.#back}>${t("cancel")}</button>
        </div>
      </form>`;
  }

  #roles() {
    const roles = this.open.info.value.mayLead ? /** @type {const} */ (["professional", "carer", "lead"]) : /** @type {const} */ (["professional", "carer"]);
    return html`
      <fieldset class="field"><legend>${t("invite.role")}</legend>
        <div class="choices">${roles.map((role) => html`<label class="choice"><input type="radio" name="role" .checked=${role === this.role} @change=${() => this.#become(role)}><span>${t(`circle-role.${role}`)}</span></label>`)}</div>
      </fieldset>`;
  }

  #readings() {
    const audiences = offered(this.open.info.value.audiences);
    if (audiences.length < 2) return nothing;
    return audienceChoice({ audiences, chosen: this.audiences, onChange: (chosen) => this.#set({ audiences: chosen }) });
  }

  #history() {
    return html`
      <fieldset class="field"><legend>${t("invite.history")}</legend>
        <div class="choices">${HISTORIES.map((history) => html`<label class="choice"><input type="radio" name="history" .checked=${history === this.history} @change=${() => this.#set({ history })}><span>${t(`invite.history.${history}`)}</span></label>`)}</div>
        ${this.history === "none" ? html`<p class="hint">${t("invite.history.none.hint")}</p>` : nothing}
        ${this.history === "date" ? html`
          <input class="input" type="date" required aria-label=${t("invite.history.from")} aria-describedby="invite-from-hint" max=${today()} .value=${this.from} @change=${this.#fromTyped}>
          <p class="hint" id="invite-from-hint">${t("invite.history.date.hint")}</p>` : nothing}
      </fieldset>`;
  }

  /** @param {Event} event */
  #fromTyped(event) {
    this.from = /** @type {HTMLInputElement} */ (event.target).value;
  }

  /** @param {Partial<Pick<InviteForm, "role" | "audiences" | "history">>} change */
  #set(change) {
    Object.assign(this, change);
  }

  /** @param {CustomEvent<number | null>} event */
  #untilChosen(event) {
    this.until = event.detail;
  }

  #back() {
    this.person = null;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const person = this.person;
    if (!person) return;
    const { role, audiences, until } = this;
    const history = this.history === "date" ? new Date(`${this.from}T00:00`).getTime() : this.history;
    const done = await this.#doing.run(() => this.open.add({ account: person.account, role, audiences, history, until }));
    if (done) this.tell("invited", person.name);
  }
}
customElements.define("invite-form", InviteForm);

const today = () => new Date().toLocaleDateString("sv-SE");
