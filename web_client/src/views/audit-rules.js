import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading } from "./parts.js";

/** @import { Audit } from "../state/types.js" */
/** @import { AuditRules as Rules, OpeningHours, RuleName } from "../state/types-watch.js" */
/** @typedef {"learn_days" | "circles" | "circles_minutes" | "grace_minutes" | "refusals" | "refusals_minutes" | "review_hours"} Threshold */
/** @typedef {"first_day" | "last_day" | "from_hour" | "until_hour"} OpeningField */

/** @type {readonly (readonly [RuleName, readonly Threshold[]])[]} */
const RULES = [
  ["alarm", []],
  ["outside-hours", ["learn_days"]],
  ["many-circles", ["circles", "circles_minutes"]],
  ["after-leaving", ["grace_minutes"]],
  ["refusals", ["refusals", "refusals_minutes"]],
  ["auditor-colleague", []],
  ["break-glass", ["review_hours"]],
  ["escrow-login", []],
];
/** @type {Readonly<Record<Threshold, readonly [number, number]>>} */
const BOUNDS = { learn_days: [1, 365], circles: [2, 200], circles_minutes: [1, 1440], grace_minutes: [0, 10080], refusals: [2, 200], refusals_minutes: [1, 1440], review_hours: [1, 720] };
/** @type {OpeningHours} */
const NEW = { organisation: "", first_day: 1, last_day: 5, from_hour: 7, until_hour: 20 };

/** The rules: each in words, on or off, with what it counts. A change is an entry of the log. */
export class AuditRules extends LightElement {
  /** @override */
  static properties = { audit: { attribute: false }, rules: { state: true } };

  #loading = new Doing(this);
  #saving = new Doing(this);

  constructor() {
    super();
    /** @type {Audit} */ this.audit = later();
    /** @type {Rules | null} */ this.rules = null;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    if (!this.rules) void this.#fetch();
  }

  /** @override */
  render() {
    const { rules } = this;
    if (!rules) return this.#loading.failure ? failureView(this.#loading.failure) : loading();
    return html`
      <form class="stack rules" @submit=${this.#save}>
        <p class="quiet">${t("rules.text")}</p>
        ${RULES.map(([name, thresholds]) => this.#rule(rules, name, thresholds))}
        ${failureView(this.#saving.failure)}
        <div class="buttons"><button class="button primary" ?disabled=${this.#saving.busy}>${t("rules.save")}</button></div>
      </form>`;
  }

  /** @param {Rules} rules @param {RuleName} name @param {readonly Threshold[]} thresholds */
  #rule(rules, name, thresholds) {
    const on = rules.on.includes(name);
    return html`
      <fieldset class="rule"><legend class="unseen">${t(`rule.${name}`)}</legend>
        <label class="check"><input type="checkbox" .checked=${on} @change=${() => this.#set({ on: on ? rules.on.filter((one) => one !== name) : [...rules.on, name] })}><span class="strong">${t(`rule.${name}`)}</span></label>
        <p class="small quiet">${t(`rule.${name}.text`)}</p>
        ${thresholds.length ? html`<div class="thresholds">${thresholds.map((one) => this.#threshold(rules, one))}</div>` : nothing}
        ${name === "outside-hours" ? this.#opening(rules) : nothing}
      </fieldset>`;
  }

  /** @param {Rules} rules @param {Threshold} name */
  #threshold(rules, name) {
    const [least, most] = BOUNDS[name];
    return html`
      <div class="field"><label for="rule-${name}">${t(`rules.${name}`)}</label>
        <input class="input" id="rule-${name}" type="number" inputmode="numeric" required min=${least} max=${most} .value=${String(rules[name])} @change=${(/** @type {Event} */ event) => this.#set({ [name]: Number(valueOf(event)) })}></div>`;
  }

  /** @param {Rules} rules */
  #opening({ opening, zone }) {
    return html`
      <div class="thresholds"><div class="field"><label for="rule-zone">${t("rules.zone")}</label>
        <input class="input" id="rule-zone" required maxlength="60" .value=${zone} @change=${(/** @type {Event} */ event) => this.#set({ zone: valueOf(event).trim() })}></div></div>
      ${opening.map((one, index) => this.#organisation(one, index))}
      <div class="buttons"><button type="button" class="button" @click=${() => this.#set({ opening: [...opening, NEW] })}>${icon("add")}${t("rules.add-opening")}</button></div>`;
  }

  /** @param {OpeningHours} one @param {number} index */
  #organisation(one, index) {
    return html`
      <div class="opening" role="group" aria-label=${t("rules.opening", { organisation: one.organisation })}>
        <div class="field grow"><label for="opening-${index}">${t("enrol.organisation")}</label>
          <input class="input" id="opening-${index}" required maxlength="120" .value=${one.organisation} @change=${(/** @type {Event} */ event) => this.#open(index, { organisation: valueOf(event).trim() })}></div>
        ${this.#choice(index, "first_day", one, [1, 2, 3, 4, 5, 6, 7])}${this.#choice(index, "last_day", one, [1, 2, 3, 4, 5, 6, 7])}
        ${this.#choice(index, "from_hour", one, Array.from({ length: 24 }, (_, hour) => hour))}${this.#choice(index, "until_hour", one, Array.from({ length: 24 }, (_, hour) => hour + 1))}
        <button type="button" class="button plain square" aria-label=${t("rules.remove-opening", { organisation: one.organisation })} title=${t("rules.remove-opening", { organisation: one.organisation })} @click=${() => this.#set({ opening: (this.rules?.opening ?? []).filter((_, other) => other !== index) })}>${icon("close")}</button>
      </div>`;
  }

  /** @param {number} index @param {OpeningField} name @param {OpeningHours} one @param {readonly number[]} values */
  #choice(index, name, one, values) {
    const isDay = name.endsWith("_day");
    return html`
      <div class="field"><label for="opening-${name}-${index}">${t(`rules.${name}`)}</label>
        <select class="input" id="opening-${name}-${index}" @change=${(/** @type {Event} */ event) => this.#open(index, { [name]: Number(valueOf(event)) })}>
          ${values.map((value) => html`<option value=${value} ?selected=${value === one[name]}>${isDay ? t(/** @type {"weekday.1"} */ (`weekday.${value}`)) : t("rules.hour", { hour: value })}</option>`)}
        </select></div>`;
  }

  /** @param {number} index @param {Partial<OpeningHours>} change */
  #open(index, change) {
    this.#set({ opening: (this.rules?.opening ?? []).map((one, other) => (other === index ? { ...one, ...change } : one)) });
  }

  /** @param {Partial<Rules>} change */
  #set(change) {
    if (this.rules) this.rules = { ...this.rules, ...change };
  }

  async #fetch() {
    await this.#loading.run(async () => {
      this.rules = await this.audit.rules();
    });
  }

  /** @param {SubmitEvent} event */
  async #save(event) {
    event.preventDefault();
    const { rules } = this;
    if (!rules) return;
    const isSaved = await this.#saving.run(async () => {
      this.rules = await this.audit.setRules(rules);
    });
    if (isSaved) this.tell("say", t("rules.saved"));
  }
}
customElements.define("audit-rules", AuditRules);

/** @param {Event} event */
const valueOf = (event) => /** @type {HTMLInputElement} */ (event.target).value;
