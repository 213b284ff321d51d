import { html, nothing } from "lit";
import { t, tMaybe } from "../i18n/language.js";
import { ACTIONS } from "./audit-words.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import "./person-search.js";

/** @import { AuditFilter, Directory, Person } from "../state/types.js" */

/** Person, circle, action, outcome, time. Tells `filter` with what changed. */
export class AuditFilters extends LightElement {
  /** @override */
  static properties = { filter: { attribute: false }, names: { attribute: false }, directory: { attribute: false }, seeking: { state: true } };

  constructor() {
    super();
    /** @type {AuditFilter} */ this.filter = later();
    /** @type {ReadonlyMap<string, string>} */ this.names = new Map();
    /** @type {Directory} */ this.directory = later();
    this.seeking = false;
  }

  /** @override */
  render() {
    const { since, until } = this.filter;
    return html`
      <form class="card filters" aria-label=${t("audit.filters")} @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
        ${this.#person()}
        ${this.#circle()}
        ${this.#organisation()}
        ${this.#select("action", ACTIONS.map((action) => [action, tMaybe(`action.${action}`, action)]))}
        ${this.#select("outcome", [["ok", t("outcome.ok")], ["refused", t("outcome.refused")]])}
        ${this.#time("since", since)}
        ${this.#time("until", until)}
        ${Object.values(this.filter).some((value) => value !== null) ? html`<button type="button" class="button plain" @click=${this.#clear}>${icon("close")}${t("audit.clear")}</button>` : nothing}
        ${this.seeking ? html`<div class="filters-person"><person-search .directory=${this.directory} .label=${t("directory.search")} @chosen=${this.#chosen}></person-search></div>` : nothing}
      </form>`;
  }

  #person() {
    const { account } = this.filter;
    return html`
      <div class="field"><span class="label" id="filter-person">${t("audit.person")}</span>
        ${account
          ? html`<span class="picked"><span class="clip">${this.names.get(account) ?? account.slice(0, 12)}</span><button type="button" class="button plain square" aria-label=${t("audit.any-person")} @click=${() => this.#tell({ account: null })}>${icon("close")}</button></span>`
          : html`<button type="button" class="button" aria-expanded=${this.seeking ? "true" : "false"} aria-labelledby="filter-person filter-person-value" @click=${this.#seek}>${icon("search")}<span id="filter-person-value">${t("audit.anybody")}</span></button>`}
      </div>`;
  }

  #circle() {
    const { circle } = this.filter;
    return html`
      <div class="field"><label for="filter-circle">${t("audit.circle")}</label>
        <input class="input" id="filter-circle" type="search" autocomplete="off" spellcheck="false" placeholder=${t("audit.any-circle")} .value=${circle ?? ""} @change=${this.#circleTyped}></div>`;
  }

  #organisation() {
    return html`
      <div class="field"><label for="filter-organisation">${t("fact.organisation")}</label>
        <input class="input" id="filter-organisation" type="search" autocomplete="off" maxlength="120" placeholder=${t("audit.any-organisation")} .value=${this.filter.organisation ?? ""} @change=${(/** @type {Event} */ event) => this.#tell({ organisation: valueOf(event).trim() || null })}></div>`;
  }

  /** @param {"action" | "outcome"} name @param {readonly (readonly string[])[]} choices */
  #select(name, choices) {
    const chosen = this.filter[name];
    return html`
      <div class="field"><label for="filter-${name}">${t(`audit.${name}`)}</label>
        <select class="input" id="filter-${name}" @change=${(/** @type {Event} */ event) => this.#tell({ [name]: valueOf(event) || null })}>
          <option value="" ?selected=${chosen === null}>${t("audit.any")}</option>
          ${choices.map(([value, label]) => html`<option value=${value ?? ""} ?selected=${value === chosen}>${label}</option>`)}
        </select></div>`;
  }

  /** @param {"since" | "until"} name @param {number | null} at */
  #time(name, at) {
    return html`
      <div class="field"><label for="filter-${name}">${t(`audit.${name}`)}</label>
        <input class="input" id="filter-${name}" type="datetime-local" .value=${at === null ? "" : localTime(at)} @change=${(/** @type {Event} */ event) => this.#tell({ [name]: timeOf(valueOf(event)) })}></div>`;
  }

  #seek() {
    this.seeking = !this.seeking;
  }

  /** @param {CustomEvent<Person>} event */
  #chosen(event) {
    this.seeking = false;
    this.#tell({ account: event.detail.account, name: event.detail.name });
  }

  /** @param {Event} event */
  #circleTyped(event) {
    const circle = valueOf(event).trim().toLowerCase();
    const input = /** @type {HTMLInputElement} */ (event.target);
    const wrong = circle !== "" && !/^[0-9a-f]{64}$/u.test(circle);
    input.setCustomValidity(wrong ? t("audit.circle.wrong") : "");
    if (wrong) input.reportValidity();
    else this.#tell({ circle: circle || null });
  }

  #clear() {
    this.#tell({ account: null, circle: null, organisation: null, action: null, outcome: null, since: null, until: null });
  }

  /** @param {Partial<AuditFilter> & { name?: string }} change */
  #tell(change) {
    this.tell("filter", change);
  }
}
customElements.define("audit-filters", AuditFilters);

/** @param {Event} event */
const valueOf = (event) => /** @type {HTMLInputElement} */ (event.target).value;

/** @param {string} value as an input of type datetime-local has it */
const timeOf = (value) => (value ? new Date(value).getTime() : null);

/** @param {number} at */
const localTime = (at) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
