import { html, nothing } from "lit";
import { exactTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import "./audit-rows.js";

/** @import { App, AuditEntry, OpenCircle } from "../state/types.js" */

/** Who looked at this circle, and when: the members' part of the audit log. */
export class AccessesPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, circle: { attribute: false }, rows: { state: true }, more: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.circle = "";
    /** @type {OpenCircle} */ this.open = later();
    /** @type {readonly AuditEntry[] | null} */ this.rows = null;
    this.more = false;
  }

  /** @override */
  connectedCallback() {
    this.open = this.app.circles.open(this.circle);
    super.connectedCallback();
    if (!this.rows) void this.#fetch();
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
        ${failureView(this.#doing.failure)}
        ${this.rows ? html`<audit-rows .rows=${this.rows} .brief=${true}></audit-rows>` : this.#doing.failure ? nothing : loading()}
        ${this.more || this.#doing.failure ? html`<button class="button" ?disabled=${this.#doing.busy} @click=${this.#fetch}>${t(this.#doing.failure ? "retry" : "more")}</button>` : nothing}
      </div>`;
  }

  /** What is shown of this and every other circle, compared with the log that everybody shares. */
  #checked() {
    const check = this.app.logCheck.value;
    if (!check?.at) return nothing;
    const [at, size] = [exactTime(check.at), check.size];
    return html`<p class="small quiet row">${icon("audit")}<span>${t("accesses.checked", { at, size })}${check.missing > 0 ? html` ${t("accesses.missing", { count: check.missing })}` : nothing}</span></p>`;
  }

  async #fetch() {
    await this.#doing.run(async () => {
      const known = this.rows ?? [];
      const page = await this.open.accesses(known.at(-1)?.index ?? 0);
      this.rows = [...known, ...page.rows];
      this.more = page.more;
    });
  }
}
customElements.define("accesses-page", AccessesPage);
