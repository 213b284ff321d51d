import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { dateTime, exactTime, number } from "../i18n/formats.js";
import { t, tMaybe } from "../i18n/language.js";
import { actionName, actorName } from "./audit-words.js";
import { icon } from "./icons.js";
import { LightElement } from "./light-element.js";

/** @import { AuditEntry } from "../state/types.js" */

/** Rows of the audit log: who, what, when, with what outcome; each opens to all it says. Tells `filter`, `viewed`. */
export class AuditRows extends LightElement {
  /** @override */
  static properties = { rows: { attribute: false }, brief: { attribute: false }, open: { state: true } };

  constructor() {
    super();
    /** @type {readonly AuditEntry[]} */ this.rows = [];
    /** Without the details meant for auditors. */ this.brief = false;
    /** @type {ReadonlySet<number>} */ this.open = new Set();
  }

  /** @override */
  render() {
    return html`
      <div class="audit" role="table" aria-label=${t("audit.rows")}>
        <div role="rowgroup" class="audit-head"><div role="row" class="audit-row">
          <span role="columnheader">${t("audit.when")}</span><span role="columnheader">${t("audit.who")}</span>
          <span role="columnheader">${t("audit.what")}</span><span role="columnheader">${t("audit.outcome")}</span>
        </div></div>
        <div role="rowgroup">${repeat(this.rows, (row) => row.index, (row) => this.#row(row))}</div>
      </div>`;
  }

  /** @param {AuditEntry} row */
  #row(row) {
    const open = this.open.has(row.index);
    return html`
      <div role="row" class="audit-row ${row.outcome}">
        <span role="cell" class="when"><time datetime=${new Date(row.at).toISOString()}>${this.brief ? dateTime(row.at) : exactTime(row.at)}</time></span>
        <span role="cell" class="who"><span class="strong">${actorName(row)}</span>${row.profession ? html`<span class="small quiet">${row.profession}</span>` : nothing}</span>
        <span role="cell" class="what">${this.brief ? html`<span>${actionName(row)}</span>` : html`
          <button class="audit-open" aria-expanded=${open ? "true" : "false"} @click=${() => this.#toggle(row.index)}>${icon("chevron")}<span>${actionName(row)}</span></button>`}</span>
        <span role="cell" class="outcome">${outcome(row)}</span>
        ${open ? html`<div role="cell" class="audit-details">${this.#details(row)}</div>` : nothing}
      </div>`;
  }

  /** @param {number} index */
  #toggle(index) {
    const open = new Set(this.open);
    if (!open.delete(index)) {
      open.add(index);
      this.tell("viewed", index);
    }
    this.open = open;
  }

  /** @param {AuditEntry} row */
  #details(row) {
    return html`
      <dl>
        <div><dt>${t("audit.index")}</dt><dd>${number(row.index)}</dd></div>
        ${row.circle ? html`<div><dt>${t("audit.circle")}</dt><dd><code>${row.circle}</code></dd></div>` : nothing}
        ${row.account ? html`<div><dt>${t("audit.account")}</dt><dd><code>${row.account}</code></dd></div>` : nothing}
        ${row.device ? html`<div><dt>${t("audit.device")}</dt><dd><code>${row.device}</code></dd></div>` : nothing}
        ${Object.entries(row.facts).filter(([, value]) => value !== null).map(([name, value]) => html`<div><dt>${tMaybe(`fact.${name}`, name)}</dt><dd><code>${String(value)}</code></dd></div>`)}
      </dl>
      <div class="buttons">
        ${row.account ? html`<button class="button" @click=${() => this.#filter({ account: row.account, name: actorName(row) })}>${icon("filter")}${t("audit.only-person")}</button>` : nothing}
        ${row.circle ? html`<button class="button" @click=${() => this.#filter({ circle: row.circle })}>${icon("filter")}${t("audit.only-circle")}</button>` : nothing}
        <button class="button" @click=${() => this.#filter({ action: row.action })}>${icon("filter")}${t("audit.only-action")}</button>
      </div>
      <details><summary class="small">${t("audit.raw")}</summary><pre class="raw"><code>${row.raw}</code></pre></details>`;
  }

  /** @param {Record<string, string | null>} change */
  #filter(change) {
    this.tell("filter", change);
  }
}
customElements.define("audit-rows", AuditRows);

/** @param {AuditEntry} row */
function outcome({ outcome: result, code }) {
  if (result === "ok") return html`<span class="badge accent">${icon("check")}${t("outcome.ok")}</span>`;
  return html`<span class="badge urgent">${icon("close")}${code ? tMaybe(`code.${code}`, code) : t("outcome.refused")}</span>`;
}
