import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, failureView } from "./parts.js";

/** @import { Directory, Person } from "../state/types.js" */

const WAIT = 250; // milliseconds without a keystroke

/** Find somebody in the directory. Tells `chosen` with the person. */
export class PersonSearch extends LightElement {
  /** @override */
  static properties = { directory: { attribute: false }, label: { attribute: false }, without: { attribute: false }, found: { state: true }, text: { state: true } };

  #doing = new Doing(this);
  #timer = 0;

  constructor() {
    super();
    /** @type {Directory} */ this.directory = later();
    this.label = "";
    /** @type {readonly string[]} Accounts that cannot be chosen. */ this.without = [];
    /** @type {readonly Person[] | null} */ this.found = null;
    this.text = "";
  }

  /** It stands where somebody has just asked to search. @override */
  firstUpdated() {
    this.querySelector("input")?.focus();
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  /** @override */
  render() {
    return html`
      <div class="stack-small">
        <search class="seek">${icon("search")}
          <input class="input" type="search" autocomplete="off" aria-label=${this.label} placeholder=${this.label} maxlength="100" .value=${this.text} @input=${this.#typed} @keydown=${this.#pressed}>
        </search>
        ${failureView(this.#doing.failure)}
        <div role="status">${this.found?.length === 0 ? html`<p class="quiet">${t("directory.nobody")}</p>` : nothing}</div>
        ${this.found?.length ? html`<ul class="rows people">${this.found.map((person) => this.#person(person))}</ul>` : nothing}
      </div>`;
  }

  /** @param {Person} person */
  #person(person) {
    const there = this.without.includes(person.account);
    return html`
      <li>
        ${avatar(person.name)}
        <div class="grow"><p class="strong">${person.name}</p><p class="small quiet">${[person.profession, person.organisation].filter(Boolean).join(" · ")}</p></div>
        ${there
          ? html`<span class="badge">${t("directory.there")}</span>`
          : html`<button class="button" aria-label=${t("directory.choose-person", { name: person.name })} @click=${() => this.#choose(person)}>${t("directory.choose")}</button>`}
      </li>`;
  }

  /** @param {Person} person */
  #choose(person) {
    this.text = "";
    this.found = null;
    this.tell("chosen", person);
  }

  /** @param {InputEvent} event */
  #typed(event) {
    this.text = /** @type {HTMLInputElement} */ (event.target).value;
    clearTimeout(this.#timer);
    this.#timer = globalThis.setTimeout(() => this.#search(), WAIT);
  }

  /** Enter searches at once; it is not the form's. @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    clearTimeout(this.#timer);
    this.#search();
  }

  #search() {
    const text = this.text.trim();
    if (text.length < 2) {
      this.found = null;
      return;
    }
    const doing = (this.#doing = new Doing(this));
    void doing.run(async () => {
      const found = await this.directory.search(text);
      if (this.text.trim() === text) this.found = found;
    });
  }
}
customElements.define("person-search", PersonSearch);
