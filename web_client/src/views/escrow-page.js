import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { list } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, failureView, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./person-search.js";

/** @import { App, Person } from "../state/types.js" */

const [LEAST, MOST] = [2, 7];

/** Emergency access for an organisation: which there are, and a new one, shared among guardians. */
export class EscrowPage extends LightElement {
  /** @override */
  static properties = {
    app: { attribute: false }, token: { attribute: false }, name: { state: true }, organisation: { state: true }, guardians: { state: true }, quorum: { state: true }, made: { state: true },
  };

  #making = new Doing(this);
  #refreshing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    /** Of an invitation; empty: an administrator makes it. */ this.token = "";
    this.name = "";
    this.organisation = "";
    /** @type {readonly Person[]} */ this.guardians = [];
    this.quorum = LEAST;
    this.made = "";
    Watching.on(this, () => [this.app.emergency.escrows]);
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.organisation = this.app.session.value.me?.organisation ?? "";
    this.name = [t("escrow.name.value"), this.organisation].filter(Boolean).join(" · ");
    void this.#refreshing.run(() => this.#begin());
  }

  async #begin() {
    if (this.token) this.organisation = (await this.app.entry.lookInvitation(this.token)).organisation;
    await this.app.emergency.refresh();
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("escrow.title"), back: this.token ? href.home : href.admin })}
        <p class="lead">${t("escrow.text")}</p>
        ${failureView(this.#refreshing.failure)}
        ${this.made ? html`<div class="notice" role="status">${icon("check")}<div class="stack-small"><p class="strong">${t("escrow.made", { name: this.made })}</p><p>${t("escrow.made.text")}</p></div></div>` : this.#form()}
        ${this.#known()}
      </div>`;
  }

  #form() {
    const { busy } = this.#making;
    return html`
      <section class="card stack" aria-labelledby="escrow-heading">
        <h2 id="escrow-heading">${t("escrow.guardians")}</h2>
        <p class="hint">${t("escrow.guardians.hint")}</p>
        ${this.guardians.length > 0 ? html`<ul class="rows people">${repeat(this.guardians, ({ account }) => account, (person) => this.#guardian(person))}</ul>` : nothing}
        ${this.guardians.length < MOST ? html`<person-search .directory=${this.app.directory} .label=${t("escrow.search")} .without=${this.guardians.map(({ account }) => account)} @chosen=${this.#chosen}></person-search>` : nothing}
        <form class="stack" @submit=${this.#submit}>
          <fieldset class="field" ?disabled=${this.guardians.length < LEAST}><legend>${t("escrow.quorum")}</legend>
            <p class="hint">${t("escrow.quorum.hint")}</p>
            <div class="choices">${this.#quorums().map((quorum) => html`<label class="choice"><input type="radio" name="quorum" .checked=${quorum === this.quorum} @change=${() => (this.quorum = quorum)}><span>${t("escrow.quorum.of", { quorum, count: this.guardians.length })}</span></label>`)}</div></fieldset>
          ${this.#field("name", t("escrow.name"))}
          ${this.token ? nothing : this.#field("organisation", t("enrol.organisation"))}
          ${failureView(this.#making.failure)}
          <div class="buttons"><button class="button primary" ?disabled=${busy || this.guardians.length < LEAST}>${icon("key")}${t(busy ? "escrow.making" : "escrow.make")}</button></div>
        </form>
      </section>`;
  }

  #quorums() {
    return Array.from({ length: Math.max(0, this.guardians.length - LEAST + 1) }, (_, index) => LEAST + index);
  }

  /** @param {Person} person */
  #guardian(person) {
    const label = t("escrow.remove", { name: person.name });
    return html`
      <li>${avatar(person.name)}
        <div class="grow"><p class="strong">${person.name}</p><p class="small quiet">${[person.profession, person.organisation].filter(Boolean).join(" · ")}</p></div>
        <button class="button plain square" aria-label=${label} title=${label} @click=${() => this.#without(person)}>${icon("close")}</button>
      </li>`;
  }

  /** @param {"name" | "organisation"} name @param {string} label */
  #field(name, label) {
    return html`
      <div class="field"><label for="escrow-${name}">${label}</label>
        <input class="input" id="escrow-${name}" name=${name} required maxlength="120" autocomplete="off" .value=${this[name]} @input=${this.#typed}></div>`;
  }

  /** @param {Event} event */
  #typed(event) {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    if (name === "name") this.name = value;
    else this.organisation = value;
  }

  /** @param {CustomEvent<Person>} event */
  #chosen(event) {
    this.guardians = [...this.guardians, event.detail];
  }

  /** @param {Person} person */
  #without(person) {
    this.guardians = this.guardians.filter((other) => other !== person);
    this.quorum = Math.max(LEAST, Math.min(this.quorum, this.guardians.length));
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const { quorum, token } = this;
    const [name, organisation] = [this.name.trim(), this.organisation.trim()];
    const form = { name, organisation, guardians: this.guardians.map(({ account }) => account), quorum, token: token || null };
    if (await this.#making.run(() => this.app.emergency.make(form))) this.made = name;
  }

  #known() {
    const escrows = [...this.app.emergency.escrows.value.values()];
    return html`
      <section class="stack-small" aria-labelledby="escrows-heading">
        <h2 id="escrows-heading">${t("escrow.list")}</h2>
        ${escrows.length === 0 ? html`<p class="quiet">${t("escrow.none")}</p>` : html`
          <ul class="rows">${escrows.map(({ name, organisation, quorum, guardians }) => html`
            <li class="wraps">${icon("key")}<div class="grow"><p class="strong">${name}</p>
              <p class="small quiet">${[organisation, t("emergency.quorum", { quorum, count: guardians.length })].filter(Boolean).join(" · ")}</p>
              <p class="small quiet">${t("emergency.members.guardians", { people: list(guardians.map((one) => one.name)) })}</p></div></li>`)}</ul>`}
      </section>`;
  }
}
customElements.define("escrow-page", EscrowPage);
