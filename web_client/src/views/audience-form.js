import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { SUGGESTED, audienceName, audienceWord } from "./audience-words.js";
import { DialogElement } from "./dialog-element.js";
import { Doing } from "./doing.js";
import { later } from "./light-element.js";
import { failureView } from "./parts.js";

/** @import { OpenCircle } from "../state/types.js" */

/** Open a further audience: its name, and who is in it. Tells `closed`. */
export class AudienceForm extends DialogElement {
  /** @override */
  static properties = { open: { attribute: false }, name: { state: true }, others: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {OpenCircle} */ this.open = later();
    /** As it was typed or chosen. */ this.name = "";
    /** @type {readonly string[]} */ this.others = [];
  }

  /** @override */
  body() {
    const there = this.open.info.value.audiences.map(({ name }) => name);
    const left = SUGGESTED.filter((name) => !there.includes(name));
    const people = this.open.members.value.filter((member) => member.active && !member.me && member.role !== "bot");
    return html`
      <form class="stack" @submit=${this.#submit}>
        <h2 id=${this.headingId}>${t("audiences.open")}</h2>
        <p class="quiet">${t("audiences.open.text")}</p>
        <div class="field">
          <label for="audience-name">${t("audiences.name")}</label>
          ${left.length > 0 ? html`<div class="choices">${left.map((name) => html`<button type="button" class="button" aria-pressed=${this.name === audienceName(name) ? "true" : "false"} @click=${() => this.#named(audienceName(name))}>${audienceName(name)}</button>`)}</div>` : nothing}
          <input class="input" id="audience-name" maxlength="20" required autocomplete="off" aria-describedby="audience-name-hint" .value=${this.name} @input=${this.#typed}>
          <p class="hint" id="audience-name-hint">${t("audiences.name.hint")}</p>
        </div>
        <fieldset class="field"><legend>${t("audiences.with")}</legend>
          <div>${people.map((member) => html`<label class="check"><input type="checkbox" .checked=${this.others.includes(member.account)} @change=${() => this.#toggle(member.account)}><span>${member.name} <span class="small quiet">${member.profession}</span></span></label>`)}</div>
          ${people.length === 0 ? html`<p class="hint">${t("audiences.alone")}</p>` : nothing}
        </fieldset>
        ${failureView(this.#doing.failure)}
        <div class="buttons">
          <button type="button" class="button" @click=${() => this.close()}>${t("cancel")}</button>
          <button class="button primary" ?disabled=${this.#doing.busy || !this.#word}>${t("audiences.open.action")}</button>
        </div>
      </form>`;
  }

  /** What the ledger calls it: a suggestion has one name, whatever the language it was read in. */
  get #word() {
    return SUGGESTED.find((name) => audienceName(name) === this.name) ?? audienceWord(this.name);
  }

  /** @param {string} name */
  #named(name) {
    this.name = name;
  }

  /** @param {InputEvent} event */
  #typed(event) {
    this.name = /** @type {HTMLInputElement} */ (event.target).value;
  }

  /** @param {string} account */
  #toggle(account) {
    this.others = this.others.includes(account) ? this.others.filter((one) => one !== account) : [...this.others, account];
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const done = await this.#doing.run(() => this.open.openAudience(this.#word, this.others));
    if (done) this.close();
  }
}
customElements.define("audience-form", AudienceForm);
