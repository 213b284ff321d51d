import { html, nothing } from "lit";
import { exactTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { emptyView, failureView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./access-report.js";
import "./audit-rows.js";

/** @import { App, AuditEntry, OpenCircle } from "../state/types.js" */

const DAY = 86_400_000;
const REPORTED_MOST = 5_000;

/** Who looked at this circle, and when: the members' part of the audit log; by person and time, and as a report to print. */
export class AccessesPage extends LightElement {
  /** @override */
  static properties = {
    app: { attribute: false }, circle: { attribute: false }, rows: { state: true }, more: { state: true }, account: { state: true }, first: { state: true }, last: { state: true }, report: { state: true },
  };

  #doing = new Doing(this);

  constructor() {
    super();
    Watching.on(this, () => [this.open.info, this.open.members]);
    /** @type {App} */ this.app = later();
    this.circle = "";
    /** @type {OpenCircle} */ this.open = later();
    /** @type {readonly AuditEntry[] | null} */ this.rows = null;
    this.more = false;
    /** @type {string | null} */ this.account = null;
    /** Days, YYYY-MM-DD, both included; "": any. */ this.first = "";
    this.last = "";
    /** As a report, whole. */ this.report = false;
  }

  /** @override */
  connectedCallback() {
    this.open = this.app.circles.open(this.circle);
    super.connectedCallback();
    if (!this.rows) this.#ask({});
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.open.release();
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("accesses.title"), back: href.circle(this.circle) })}
        <p class="lead">${t("accesses.text")}</p>
        ${this.#checked()}
        ${this.#filters()}
        ${failureView(this.#doing.failure)}
        ${this.rows ? this.#found(this.rows) : this.#doing.failure ? nothing : loading()}
        ${this.more || this.#doing.failure ? html`<button class="button no-print" ?disabled=${this.#doing.busy} @click=${this.#fetch}>${t(this.#doing.failure ? "retry" : "more")}</button>` : nothing}
      </div>`;
  }

  /** What is shown of this and every other circle, compared with the log that everybody shares. */
  #checked() {
    const check = this.app.logCheck.value;
    if (!check?.at) return nothing;
    const [at, size] = [exactTime(check.at), check.size];
    return html`<p class="small quiet row no-print">${icon("audit")}<span>${t("accesses.checked", { at, size })}${check.missing > 0 ? html` ${t("accesses.missing", { count: check.missing })}` : nothing}</span></p>`;
  }

  #filters() {
    return html`
      <form class="card filters no-print" aria-label=${t("audit.filters")} @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <div class="field"><label for="accesses-person">${t("audit.person")}</label>
          <select class="input" id="accesses-person" @change=${(/** @type {Event} */ event) => this.#ask({ account: valueOf(event) || null })}>
            <option value="">${t("audit.anybody")}</option>
            ${this.open.members.value.map(({ account, name }) => html`<option value=${account} ?selected=${account === this.account}>${name}</option>`)}
          </select></div>
        <div class="field"><label for="accesses-first">${t("audit.since")}</label>
          <input class="input" id="accesses-first" type="date" .value=${this.first} @change=${(/** @type {Event} */ event) => this.#ask({ first: valueOf(event) })}></div>
        <div class="field"><label for="accesses-last">${t("audit.until")}</label>
          <input class="input" id="accesses-last" type="date" .value=${this.last} @change=${(/** @type {Event} */ event) => this.#ask({ last: valueOf(event) })}></div>
        <button type="button" class="button" aria-pressed=${this.report ? "true" : "false"} @click=${() => this.#ask({ report: !this.report })}>${icon("file")}${t("report.make")}</button>
      </form>`;
  }

  /** @param {readonly AuditEntry[]} rows */
  #found(rows) {
    if (rows.length === 0) return emptyView({ name: "search", title: t("audit.none.title"), text: t("audit.none.text") });
    if (!this.report) return html`<audit-rows .rows=${rows} .brief=${true}></audit-rows>`;
    const { patient, name } = this.open.info.value;
    return html`<access-report .rows=${rows} .patient=${patient?.name ?? name} .first=${this.first} .last=${this.last} .complete=${!this.more}></access-report>`;
  }

  /** Another question: what was found for the one before is gone. @param {{ account?: string | null, first?: string, last?: string, report?: boolean }} change */
  #ask(change) {
    Object.assign(this, change);
    this.rows = null;
    this.more = false;
    this.#doing = new Doing(this);
    void this.#fetch();
  }

  async #fetch() {
    const doing = this.#doing;
    const asked = { account: this.account, since: this.first ? dayOf(this.first) : null, until: this.last ? dayOf(this.last) + DAY : null };
    await doing.run(async () => {
      let known = this.rows ?? [];
      let more = true;
      do {
        const page = await this.open.accesses({ ...asked, before: known.at(-1)?.index ?? 0 });
        if (doing !== this.#doing) return;
        known = [...known, ...page.rows];
        more = page.more;
      } while (this.report && more && known.length < REPORTED_MOST);
      this.rows = known;
      this.more = more;
    });
  }
}
customElements.define("accesses-page", AccessesPage);

/** @param {Event} event */
const valueOf = (event) => /** @type {HTMLInputElement} */ (event.target).value;

/** Midnight where the reader is. @param {string} day */
const dayOf = (day) => new Date(`${day}T00:00`).getTime();
