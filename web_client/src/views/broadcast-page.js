import { html, nothing } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureText, failureView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./receipt-table.js";

/** @import { BroadcastMatrix, Broadcasts, Readable } from "../state/types.js" */

/** Who took over what was sent: circle by circle, person by person. */
export class BroadcastPage extends LightElement {
  /** @override */
  static properties = { broadcasts: { attribute: false }, broadcast: { attribute: false }, missingOnly: { state: true } };

  #doing = new Doing(this);
  /** @type {Readable<BroadcastMatrix> | null} */ #matrix = null;
  #watching = new Watching(this, () => (this.#matrix ? [this.#matrix] : []));

  constructor() {
    super();
    /** @type {Broadcasts} */ this.broadcasts = later();
    this.broadcast = "";
    this.missingOnly = false;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#doing.run(async () => {
      this.#matrix = await this.broadcasts.matrix(this.broadcast);
      this.#watching.renew();
    });
  }

  /** @override */
  render() {
    const matrix = this.#matrix?.value;
    return html`
      <div class="page broad">
        ${pageHead({ title: t("broadcast.title"), back: href.broadcasts })}
        ${failureView(this.#doing.failure)}
        ${matrix?.loaded ? this.#show(matrix) : this.#doing.failure ? nothing : loading()}
      </div>`;
  }

  /** @param {BroadcastMatrix} matrix */
  #show(matrix) {
    const rows = matrix.circles.flatMap((circle) => circle.rows);
    const done = rows.filter((row) => (matrix.acknowledge ? row.acknowledged : row.read) !== null).length;
    return html`
      <section class="card stack-small" aria-label=${t("new-broadcast.note")}>
        <p><span class="badge accent">${t(`type.${matrix.type}`)}</span> <time class="small quiet">${dateTime(matrix.at)}</time></p>
        <p class="prose">${matrix.text}</p>
        <progress max=${Math.max(1, rows.length)} .value=${done} aria-label=${t("broadcasts.progress")}></progress>
        <p class="small strong" role="status">${t(matrix.acknowledge ? "seen.acknowledged" : "seen.read", { done, count: rows.length })}</p>
      </section>
      <label class="check"><input type="checkbox" .checked=${this.missingOnly} @change=${this.#toggle}><span>${t("broadcast.missing-only")}</span></label>
      <div class="matrix">${matrix.circles.map((circle) => this.#circle(circle, matrix.acknowledge))}</div>`;
  }

  #toggle() {
    this.missingOnly = !this.missingOnly;
  }

  /** @param {BroadcastMatrix["circles"][number]} circle @param {boolean} acknowledge */
  #circle({ circle, name, rows, sending }, acknowledge) {
    const missing = rows.filter((row) => (acknowledge ? row.acknowledged : row.read) === null);
    const shown = this.missingOnly ? missing : rows;
    return html`
      <section class="stack-small" aria-labelledby="circle-${circle}">
        <div class="row"><h2 class="grow" id="circle-${circle}"><a href=${href.circle(circle)}>${name}</a></h2>
          ${missing.length > 0 ? html`<span class="badge wait">${t("broadcast.missing", { count: missing.length })}</span>` : html`<span class="badge accent">${icon("check")}${t("broadcast.complete")}</span>`}</div>
        ${sending ? html`<p class="notice wait" role="status">${icon("clock")}<span>${sending.state === "failed" ? failureText({ code: sending.code ?? "internal", reason: sending.reason }) : t("broadcast.on-its-way")}</span></p>` : nothing}
        ${shown.length > 0 ? html`<receipt-table .rows=${shown} .acknowledge=${acknowledge} .label=${t("broadcast.caption", { name })}></receipt-table>` : nothing}
      </section>`;
  }
}
customElements.define("broadcast-page", BroadcastPage);
