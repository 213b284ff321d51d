import { html, nothing } from "lit";
import { fullTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { suggestion } from "../state/periods.js";
import { LightElement } from "./light-element.js";

const CHOICES = /** @type {const} */ (["none", "evening", "week", "month", "date"]);

/** When access ends. Tells `until` with milliseconds, or null for no end. */
export class UntilField extends LightElement {
  /** @override */
  static properties = { until: { attribute: false }, choice: { state: true } };

  constructor() {
    super();
    /** @type {number | null} */ this.until = null;
    /** @type {typeof CHOICES[number] | null} */ this.choice = null;
  }

  /** @override */
  render() {
    const chosen = this.choice ?? (this.until === null ? "none" : "date");
    return html`
      <fieldset class="field"><legend>${t("until.title")}</legend>
        <div class="choices">${CHOICES.map((choice) => html`
          <label class="choice"><input type="radio" name="until" .checked=${choice === chosen} @change=${() => this.#choose(choice)}><span>${t(`until.${choice}`)}</span></label>`)}</div>
        ${chosen === "date" ? this.#exactly() : nothing}
        ${this.until === null ? nothing : html`<p class="hint" role="status">${t("until.ends", { time: fullTime(this.until) })}</p>`}
      </fieldset>`;
  }

  #exactly() {
    return html`<input class="input" type="datetime-local" aria-label=${t("until.exactly")} required min=${local(Date.now() + 60_000)} .value=${this.until === null ? "" : local(this.until)} @change=${this.#typed}>`;
  }

  /** @param {typeof CHOICES[number]} choice */
  #choose(choice) {
    this.choice = choice;
    this.#say(choice === "date" ? (this.until ?? suggestion("week", Date.now())) : suggestion(choice, Date.now()));
  }

  /** @param {Event} event */
  #typed(event) {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    if (value) this.#say(new Date(value).getTime());
  }

  /** @param {number | null} until */
  #say(until) {
    this.until = until;
    this.tell("until", until);
  }
}
customElements.define("until-field", UntilField);

/** As a field of dates and times has it: to the minute, where the reader is. @param {number} at */
const local = (at) => new Date(at).toLocaleString("sv-SE").slice(0, 16).replace(" ", "T");
