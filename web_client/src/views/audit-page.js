import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { emptyView, failureView, loading, pageHead } from "./parts.js";
import "./audit-filters.js";
import "./audit-findings.js";
import "./audit-hours.js";
import "./audit-rows.js";
import "./audit-rules.js";
import "./audit-verify.js";
import "./audit-volume.js";

/** @import { App, AuditEntry, AuditFilter, AuditVolume } from "../state/types.js" */
/** @import { AuditFormat } from "../state/types-audit.js" */

const PAGE = 50;
const FORMATS = /** @type {const} */ (["csv", "ndjson", "fhir-balp", "fhir-ans", "proof"]);
/** @type {Partial<Record<AuditFormat, string>>} */
const ENDINGS = { "fhir-balp": "fhir-balp.ndjson", "fhir-ans": "fhir-ans.ndjson", proof: "proof.json" };
/** @type {AuditFilter} */
const ALL = { account: null, circle: null, organisation: null, action: null, outcome: null, since: null, until: null };

/** The auditor's questions: who did what, when, with what outcome; and the proof that nothing was removed. */
export class AuditPage extends LightElement {
  /** @override */
  static properties = {
    app: { attribute: false }, filter: { state: true }, names: { state: true }, rows: { state: true }, more: { state: true }, pruned: { state: true }, volume: { state: true }, ruled: { state: true },
  };

  #searching = new Doing(this);
  #counting = new Doing(this);
  #exporting = new Doing(this);
  #viewing = new Doing(this);
  #asked = 0;

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.filter = ALL;
    /** @type {ReadonlyMap<string, string>} Names of accounts that were met. */ this.names = new Map();
    /** @type {readonly AuditEntry[] | null} */ this.rows = null;
    this.more = false;
    this.pruned = 0;
    /** @type {AuditVolume | null} */ this.volume = null;
    /** Whether somebody looked at the rules. */ this.ruled = false;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.#ask(this.filter);
  }

  /** @override */
  render() {
    return html`
      <div class="page broad">
        ${pageHead({ title: t("audit.title") })}
        <p class="lead">${t("audit.text")}</p>
        <audit-findings .audit=${this.app.audit} @filter=${this.#filtered}></audit-findings>
        ${this.#rules()}
        <h2>${t("audit.search")}</h2>
        <audit-filters .filter=${this.filter} .names=${this.names} .directory=${this.app.directory} @filter=${this.#filtered}></audit-filters>
        ${this.#volume()}
        ${this.filter.account ? html`<audit-hours .audit=${this.app.audit} .account=${this.filter.account} .name=${this.names.get(this.filter.account) ?? this.filter.account.slice(0, 12)} @span=${this.#spanned}></audit-hours>` : nothing}
        <audit-verify .audit=${this.app.audit} .rows=${this.rows ?? []}></audit-verify>
        ${this.#found()}
      </div>`;
  }

  /** Their module is there; their settings are asked for once somebody looks. */
  #rules() {
    return html`
      <details class="card" @toggle=${(/** @type {Event} */ event) => (this.ruled ||= /** @type {HTMLDetailsElement} */ (event.target).open)}>
        <summary class="row">${icon("settings")}<span class="strong grow">${t("rules.title")}</span>${icon("chevron")}</summary>
        ${this.ruled ? html`<audit-rules .audit=${this.app.audit}></audit-rules>` : nothing}
      </details>`;
  }

  /** Who opens an entry is in the log for it. @param {CustomEvent<number>} event */
  #viewed(event) {
    void this.#viewing.run(() => this.app.audit.view(event.detail));
  }

  /** @param {number} count */
  #exports(count) {
    return html`
      <div class="row wrap">
        <h2 class="grow">${t("audit.found", { count })}</h2>
        ${FORMATS.map((format) => html`
          <button class="button" ?disabled=${this.#exporting.busy} aria-label=${t("audit.export", { format: formatName(format) })} title=${t("audit.export", { format: formatName(format) })} @click=${() => this.#export(format)}>${icon("download")}${formatName(format)}</button>`)}
      </div>
      ${failureView(this.#exporting.failure)}`;
  }

  #volume() {
    if (this.#counting.failure) return failureView(this.#counting.failure);
    return this.volume ? html`<audit-volume .volume=${this.volume} @span=${this.#spanned}></audit-volume>` : nothing;
  }

  #found() {
    if (this.#searching.failure) return html`${failureView(this.#searching.failure)}<p><button class="button" @click=${() => this.#ask(this.filter)}>${t("retry")}</button></p>`;
    if (!this.rows) return loading();
    const pruned = this.pruned > 0 ? html`<p class="small quiet">${t("audit.pruned", { count: this.pruned })}</p>` : nothing;
    if (this.rows.length === 0) return html`${emptyView({ name: "search", title: t("audit.none.title"), text: t("audit.none.text") })}${pruned}`;
    return html`
      ${pruned}
      ${this.#exports(this.rows.length)}
      ${failureView(this.#viewing.failure)}
      <audit-rows .rows=${this.rows} @filter=${this.#filtered} @viewed=${this.#viewed}></audit-rows>
      ${this.more ? html`<p><button class="button" ?disabled=${this.#searching.busy} @click=${this.#next}>${t("more")}</button></p>` : nothing}`;
  }

  /** @param {CustomEvent<Partial<AuditFilter> & { name?: string }>} event */
  #filtered(event) {
    event.stopPropagation();
    const { name, ...change } = event.detail;
    if (name && change.account) this.names = new Map(this.names).set(change.account, name);
    this.#ask({ ...this.filter, ...change });
  }

  /** @param {CustomEvent<{ from: number, until: number }>} event */
  #spanned(event) {
    this.#ask({ ...this.filter, since: event.detail.from, until: event.detail.until });
  }

  /** A new question: what an older one still answers is not shown. @param {AuditFilter} filter */
  #ask(filter) {
    const asked = (this.#asked += 1);
    this.filter = filter;
    this.rows = null;
    this.#searching = new Doing(this);
    this.#counting = new Doing(this);
    void this.#searching.run(async () => {
      const page = await this.app.audit.search({ ...filter, before: 0, limit: PAGE });
      if (asked === this.#asked) this.#add([], page);
    });
    void this.#counting.run(async () => {
      const volume = await this.app.audit.volume(filter);
      if (asked === this.#asked) this.volume = volume;
    });
  }

  async #next() {
    const known = this.rows ?? [];
    const asked = this.#asked;
    await this.#searching.run(async () => {
      const page = await this.app.audit.search({ ...this.filter, before: known.at(-1)?.index ?? 0, limit: PAGE });
      if (asked === this.#asked) this.#add(known, page);
    });
  }

  /** @param {readonly AuditEntry[]} known @param {import("../state/types.js").AuditPage} page */
  #add(known, { rows, more, pruned }) {
    this.rows = [...known, ...rows];
    if (known.length === 0) this.pruned = pruned;
    this.more = more;
    const names = new Map(this.names);
    for (const { account, name } of rows) if (account && name) names.set(account, name);
    this.names = names;
    this.tell("say", t("audit.found", { count: this.rows.length }));
  }

  /** @param {AuditFormat} format */
  async #export(format) {
    await this.#exporting.run(async () => save(await this.app.audit.export(this.filter, format), `relais-audit-${new Date().toISOString().slice(0, 10)}.${ENDINGS[format] ?? format}`));
  }
}
customElements.define("audit-page", AuditPage);

/** @param {AuditFormat} format */
const formatName = (format) => (format === "proof" ? t("audit.proof") : format.replace("-", " ").toUpperCase());

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the download has begun by then
}
