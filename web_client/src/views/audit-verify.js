import { html, nothing } from "lit";
import { exactTime, number, percent } from "../i18n/formats.js";
import { t, tMaybe } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView } from "./parts.js";

/** @import { Audit, AuditEntry, Verification } from "../state/types.js" */

/** The proof, computed in this browser: what was shown lies in the log, and the log only grew. */
export class AuditVerify extends LightElement {
  /** @override */
  static properties = { audit: { attribute: false }, name: { attribute: false }, rows: { attribute: false }, share: { state: true }, result: { state: true }, witnesses: { state: true } };

  #doing = new Doing(this);
  #trusting = new Doing(this);

  constructor() {
    super();
    /** @type {Audit} */ this.audit = later();
    /** @type {readonly AuditEntry[]} */ this.rows = [];
    /** Tells it from others in the page. */ this.name = "all";
    this.share = 0;
    /** @type {Verification | null} */ this.result = null;
    /** @type {readonly string[] | null} Whom this browser asks to have cosigned. */ this.witnesses = null;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    if (this.name === "all") void this.#trust(() => this.audit.witnesses());
  }

  /** @override */
  render() {
    return html`
      <section class="card stack-small verify" role=${this.name === "all" ? "region" : "group"} aria-labelledby="verify-${this.name}">
        <div class="row wrap">
          <div class="grow"><h2 id="verify-${this.name}">${t("verify.title")}</h2><p class="small quiet">${t("verify.text")}</p></div>
          <button class="button primary" ?disabled=${this.#doing.busy || this.rows.length === 0} @click=${this.#verify}>${icon("audit")}${t("verify.action", { count: this.rows.length })}</button>
        </div>
        <div role="status">${this.#doing.busy ? html`<p class="small">${t("verify.busy", { share: percent(this.share) })}</p><progress max="1" .value=${this.share} aria-label=${t("verify.title")}></progress>` : nothing}</div>
        ${failureView(this.#doing.failure)}
        ${this.result ? this.#shown(this.result) : nothing}
        ${this.name === "all" ? this.#policy() : nothing}
      </section>`;
  }

  /** Whose signatures are asked for beside the log's. */
  #policy() {
    const { witnesses } = this;
    return html`
      <div class="row wrap">
        <p class="small quiet grow">${witnesses ? t("verify.policy.some", { count: witnesses.length, names: witnesses.join(", ") }) : t("verify.policy.none")}</p>
        <label class="button plain chooser">${icon("file")}<span>${t("verify.policy.choose")}</span><input class="unseen" type="file" @change=${this.#chosen}></label>
        ${witnesses ? html`<button class="button plain" ?disabled=${this.#trusting.busy} @click=${() => this.#trust(() => this.audit.trust(null))}>${t("verify.policy.forget")}</button>` : nothing}
      </div>
      ${failureView(this.#trusting.failure)}`;
  }

  /** @param {Event} event */
  #chosen(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const [file] = input.files ?? [];
    input.value = "";
    if (file) void this.#trust(() => this.audit.trust(file));
  }

  /** @param {() => Promise<readonly string[] | null>} ask */
  #trust(ask) {
    return this.#trusting.run(async () => {
      this.witnesses = await ask();
    });
  }

  async #verify() {
    this.share = 0;
    this.result = null;
    await this.#doing.run(async () => {
      this.result = await this.audit.verify(this.rows, (share) => {
        this.share = share;
      });
    });
  }

  /** @param {Verification} result */
  #shown(result) {
    return html`
      <div class="${result.ok ? "notice" : "failure"}" role=${result.ok ? "status" : "alert"}>
        ${icon(result.ok ? "audit" : "alert")}
        <div>
          <p class="strong">${t(result.ok ? "verify.ok" : "verify.bad")}</p>
          ${result.ok ? html`<ul class="points">${this.#proven(result).map((text) => html`<li>${text}</li>`)}</ul>`
            : html`<ul class="points">${result.problems.map(({ index, reason }) => html`<li>${index === null ? tMaybe(`reason.${reason}`, reason) : t("verify.problem", { index, reason: tMaybe(`reason.${reason}`, reason) })}</li>`)}</ul>`}
        </div>
      </div>
      <dl class="facts small">
        <div><dt>${t("verify.origin")}</dt><dd><code>${result.origin}</code></dd></div>
        <div><dt>${t("verify.size")}</dt><dd>${number(result.size)}</dd></div>
        <div><dt>${t("verify.root")}</dt><dd><code>${result.root}</code></dd></div>
        <div><dt>${t("verify.key")}</dt><dd><code>${result.key}</code></dd></div>
        <div><dt>${t("verify.witnesses")}</dt><dd>${witnessed(result.witnesses)}</dd></div>
        <div><dt>${t("verify.at")}</dt><dd>${exactTime(result.at)}</dd></div>
      </dl>`;
  }

  /** @param {Verification} result */
  #proven({ included, size, grownFrom }) {
    return [
      t("verify.signed", { size }),
      t("verify.included", { count: included }),
      grownFrom === null ? t("verify.first") : t("verify.grown", { size: grownFrom }),
    ];
  }
}

/** @param {Verification["witnesses"]} witnesses */
const witnessed = ({ signed, known }) => (known.length === 0 ? t("verify.witnesses.none") : t("verify.witnesses.some", { signed: signed.length, known: known.length, names: signed.join(", ") || "–" }));

customElements.define("audit-verify", AuditVerify);
