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
  static properties = { audit: { attribute: false }, name: { attribute: false }, rows: { attribute: false }, share: { state: true }, result: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {Audit} */ this.audit = later();
    /** @type {readonly AuditEntry[]} */ this.rows = [];
    /** Tells it from others in the page. */ this.name = "all";
    this.share = 0;
    /** @type {Verification | null} */ this.result = null;
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
      </section>`;
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
customElements.define("audit-verify", AuditVerify);
