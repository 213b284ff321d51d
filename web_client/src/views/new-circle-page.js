import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, pageHead } from "./parts.js";
import { go, href } from "./router.js";
import { Watching } from "./watching.js";

/** @import { App, CircleRow, Patient } from "../state/types.js" */

const SEXES = /** @type {const} */ (["F", "M", "U"]);

/** A new circle: four fields, under a minute. */
export class NewCirclePage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, patient: { state: true }, tried: { state: true }, guarded: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    /** @type {{ name: string, sex: "" | Patient["sex"], born: string, place: string }} */
    this.patient = { name: "", sex: "", born: "", place: "" };
    this.tried = false;
    /** Is emergency access possible? */ this.guarded = true;
    Watching.on(this, () => [this.app.emergency.escrows]);
  }

  /** @override */
  render() {
    const { name, born, place } = this.patient;
    return html`
      <div class="page">
        ${pageHead({ title: t("new-circle.title"), back: href.home, wideBack: false })}
        <p class="lead">${t("new-circle.text")}</p>
        <form class="stack card" novalidate @submit=${this.#submit}>
          ${this.#field({ name: "name", value: name, hint: t("new-circle.name.hint") })}
          ${this.#sex()}
          ${this.#field({ name: "born", value: born, type: "date" })}
          ${this.#field({ name: "place", value: place, hint: t("new-circle.place.hint") })}
          ${this.#emergency()}
          ${this.#similar()}
          ${failureView(this.#doing.failure)}
          <div class="buttons">
            <button class="button primary" ?disabled=${this.#doing.busy}>${t("new-circle.create")}</button>
            <a class="button plain" href=${href.home}>${t("cancel")}</a>
          </div>
          <p class="small quiet row">${icon("lock")}<span>${t("new-circle.sealed")}</span></p>
        </form>
      </div>`;
  }

  /** @param {{ name: "name" | "born" | "place", value: string, type?: string, hint?: string }} field */
  #field({ name, value, type = "text", hint = "" }) {
    const wrong = this.tried ? this.#wrong()[name] : "";
    return html`
      <div class="field">
        <label for="patient-${name}">${t(`new-circle.${name}`)}</label>
        ${hint ? html`<p class="hint" id="patient-${name}-hint">${hint}</p>` : nothing}
        <input class="input" id="patient-${name}" name=${name} type=${type} .value=${value} autocomplete="off" maxlength="120"
          max=${type === "date" ? today() : nothing} min=${type === "date" ? "1890-01-01" : nothing}
          aria-invalid=${wrong ? "true" : "false"} aria-describedby="patient-${name}-hint patient-${name}-wrong" @input=${this.#typed}>
        <p class="wrong" id="patient-${name}-wrong" ?hidden=${!wrong}>${wrong}</p>
      </div>`;
  }

  #sex() {
    const wrong = this.tried && !this.patient.sex;
    return html`
      <fieldset class="field">
        <legend>${t("new-circle.sex")}</legend>
        <div class="choices">
          ${SEXES.map((sex) => html`<label class="choice"><input type="radio" name="sex" value=${sex} .checked=${this.patient.sex === sex} @change=${this.#typed}><span>${t(`sex.${sex}`)}</span></label>`)}
        </div>
        <p class="wrong" ?hidden=${!wrong}>${t("field.missing")}</p>
      </fieldset>`;
  }

  /** That of one's own organisation, where it has one. */
  get #escrow() {
    const organisation = this.app.session.value.me?.organisation ?? "";
    return [...this.app.emergency.escrows.value.values()].find((escrow) => escrow.organisation === organisation) ?? null;
  }

  #emergency() {
    const escrow = this.#escrow;
    if (!escrow) return nothing;
    const { name, quorum, guardians } = escrow;
    return html`
      <div class="field">
        <label class="check"><input type="checkbox" aria-describedby="patient-emergency-hint" .checked=${this.guarded} @change=${this.#guard}><span>${t("new-circle.emergency")}</span></label>
        <p class="hint" id="patient-emergency-hint">${t("new-circle.emergency.hint", { name, quorum, count: guardians.length })}</p>
      </div>`;
  }

  /** @param {Event} event */
  #guard(event) {
    this.guarded = /** @type {HTMLInputElement} */ (event.target).checked;
  }

  #similar() {
    const patient = this.#complete();
    const rows = patient ? this.app.circles.similar(patient) : [];
    if (rows.length === 0) return nothing;
    return html`
      <div class="notice wait" role="status">${icon("people")}
        <div><p class="strong">${t("new-circle.similar", { count: rows.length })}</p>
          <ul>${rows.map((row) => this.#similarRow(row))}</ul></div>
      </div>`;
  }

  /** @param {CircleRow} row */
  #similarRow(row) {
    return html`<li><a href=${href.circle(row.circle)}>${row.name}</a></li>`;
  }

  #wrong() {
    const { name, born, place } = this.patient;
    const date = born === "" || Number.isNaN(Date.parse(born)) || born > today() || born < "1890-01-01";
    return { name: name.trim() ? "" : t("field.missing"), born: date ? t("new-circle.born.wrong") : "", place: place.trim() ? "" : t("field.missing") };
  }

  /** @returns {Patient | null} */
  #complete() {
    const { name, sex, born, place } = this.patient;
    if (!sex || Object.values(this.#wrong()).some(Boolean)) return null;
    return { name: name.trim(), sex, born, place: place.trim() };
  }

  /** @param {Event} event */
  #typed(event) {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    this.patient = { ...this.patient, [name]: value };
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    this.tried = true;
    const patient = this.#complete();
    if (!patient) return this.#toMistake();
    await this.#doing.run(async () => {
      const circle = await this.app.circles.create(patient, this.guarded ? (this.#escrow?.account ?? null) : null);
      this.tell("say", t("new-circle.created"));
      go(href.circle(circle), { replace: true });
    });
    return undefined;
  }

  async #toMistake() {
    await this.updateComplete;
    const first = this.at('[aria-invalid="true"]') ?? this.at('input[name="sex"]');
    first?.focus();
  }
}
customElements.define("new-circle-page", NewCirclePage);

const today = () => new Date().toLocaleDateString("sv-SE");
