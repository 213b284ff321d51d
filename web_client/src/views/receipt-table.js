import { html, nothing } from "lit";
import { briefly, fullTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement } from "./light-element.js";

/** @import { ReceiptRow } from "../state/types.js" */

/** One line a person, one column a step: received, read, acknowledged. */
export class ReceiptTable extends LightElement {
  /** @override */
  static properties = { rows: { attribute: false }, acknowledge: { attribute: false }, label: { attribute: false } };

  constructor() {
    super();
    /** @type {readonly ReceiptRow[]} */ this.rows = [];
    this.acknowledge = false;
    this.label = "";
  }

  /** @override */
  render() {
    return html`
      <table class="receipts">
        <caption class="unseen">${this.label || t("seen.caption")}</caption>
        <thead><tr>
          <th scope="col">${t("seen.person")}</th>
          <th scope="col">${t("seen.col.stored")}</th>
          <th scope="col">${t("seen.col.read")}</th>
          ${this.acknowledge ? html`<th scope="col">${t("seen.col.acknowledged")}</th>` : nothing}
        </tr></thead>
        <tbody>${this.rows.map((row) => this.#row(row))}</tbody>
      </table>`;
  }

  /** @param {ReceiptRow} row */
  #row(row) {
    return html`
      <tr>
        <th scope="row"><span class="person">${row.name}</span><span class="small quiet ${row.active ? "profession" : ""}">${row.active ? row.profession : t("seen.left")}</span></th>
        <td>${step(row.stored ?? row.read, t("seen.not-stored"))}</td>
        <td>${row.read === null && row.earlierVersion !== null ? earlier(row.earlierVersion) : step(row.read, t("seen.not-read"))}</td>
        ${this.acknowledge ? html`<td>${step(row.acknowledged, t("seen.not-acknowledged"))}</td>` : nothing}
      </tr>`;
  }
}
customElements.define("receipt-table", ReceiptTable);

/** @param {number | null} at @param {string} not */
const step = (at, not) =>
  at === null
    ? html`<span class="step not"><span aria-hidden="true">–</span><span class="unseen">${not}</span></span>`
    : html`<span class="step">${icon("check")}<time title=${fullTime(at)} datetime=${new Date(at).toISOString()}>${briefly(at, Date.now())}</time></span>`;

/** @param {number} version */
const earlier = (version) => html`<span class="step old">${t("seen.older", { version })}</span>`;
