import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { dateTime } from "../i18n/formats.js";
import { t, tMaybe } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading } from "./parts.js";
import "./audit-rows.js";
import "./audit-verify.js";

/** @import { Audit, AuditEntry } from "../state/types.js" */
/** @import { AuditFinding, Verdict } from "../state/types-watch.js" */

const PAGE = 5;
/** @type {readonly Verdict[]} */
const VERDICTS = ["expected", "explained", "escalated"];
const PICTURES = /** @type {const} */ ({
  alarm: "alert", "outside-hours": "clock", "many-circles": "circles", "after-leaving": "history", refusals: "lock", "auditor-colleague": "eye", "break-glass": "urgent", "escrow-login": "key",
});

/** What deserves a look, newest first, with the rule that found it; each opens to its entry, and is reviewed here. Tells `filter`. */
export class AuditFindings extends LightElement {
  /** @override */
  static properties = {
    audit: { attribute: false }, rows: { state: true }, more: { state: true }, overdue: { state: true }, open: { state: true }, entries: { state: true },
  };

  #listing = new Doing(this);
  #viewing = new Doing(this);
  #reviewing = new Doing(this);

  constructor() {
    super();
    /** @type {Audit} */ this.audit = later();
    /** @type {readonly AuditFinding[] | null} */ this.rows = null;
    this.more = false;
    /** Of all findings, not only those that are shown. */ this.overdue = 0;
    /** Those only that nobody reviewed. */ this.open = true;
    /** @type {ReadonlyMap<string, AuditEntry>} Entries that were opened, by the key of the finding. */ this.entries = new Map();
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    if (!this.rows) void this.#fetch();
  }

  /** @override */
  render() {
    return html`
      <section class="stack-small" aria-labelledby="findings-heading">
        ${this.overdue > 0 ? html`<div class="failure" role="alert">${icon("clock")}<p class="strong">${t("findings.overdue", { count: this.overdue })}</p></div>` : nothing}
        <div class="row wrap">
          <h2 class="grow" id="findings-heading">${t("findings.title")}</h2>
          <button class="button plain" aria-pressed=${this.open ? "false" : "true"} @click=${this.#toggle}>${t("findings.reviewed-too")}</button>
        </div>
        ${failureView(this.#listing.failure ?? this.#viewing.failure ?? this.#reviewing.failure)}
        ${this.rows ? this.#list(this.rows) : this.#listing.failure ? nothing : loading()}
        ${this.more || this.#listing.failure ? html`<p><button class="button" ?disabled=${this.#listing.busy} @click=${this.#fetch}>${t(this.#listing.failure ? "retry" : "more")}</button></p>` : nothing}
      </section>`;
  }

  /** @param {readonly AuditFinding[]} rows */
  #list(rows) {
    if (rows.length === 0) return html`<p class="card row calm">${icon("check")}<span>${t("findings.none")}</span></p>`;
    return html`<ul class="findings">${repeat(rows, keyOf, (finding) => this.#finding(finding))}</ul>`;
  }

  /** @param {AuditFinding} finding */
  #finding(finding) {
    const entry = this.entries.get(keyOf(finding));
    return html`
      <li class="card finding ${finding.verdict ?? "open"}">
        ${icon(PICTURES[finding.rule])}
        <div class="grow stack-small">
          <div>
            <p class="strong">${sentence(finding)}</p>
            <p class="small quiet"><time datetime=${new Date(finding.at).toISOString()}>${dateTime(finding.at)}</time> · ${t("findings.rule", { rule: t(`rule.${finding.rule}`) })}</p>
            ${finding.due !== null && !finding.verdict ? html`<p class="small ${finding.due < Date.now() ? "strong" : "quiet"}">${icon("clock")}${t(finding.due < Date.now() ? "findings.due.over" : "findings.due", { time: dateTime(finding.due) })}</p>` : nothing}
            ${finding.verdict ? html`<p class="small">${icon("check")}${reviewed(finding)}</p>` : nothing}
          </div>
          <div class="buttons">
            <button class="button" aria-expanded=${entry ? "true" : "false"} ?disabled=${this.#viewing.busy} @click=${() => this.#view(finding)}>${icon("chevron")}${t("findings.entry")}</button>
            ${this.#person(finding)}
            ${finding.verdict || finding.own ? nothing : this.#verdicts(finding)}
          </div>
          ${finding.own ? html`<p class="small quiet">${t("findings.own")}</p>` : nothing}
          ${entry ? html`<audit-rows .rows=${[entry]}></audit-rows><audit-verify .audit=${this.audit} .rows=${[entry]} .name=${keyOf(finding)}></audit-verify>` : nothing}
        </div>
      </li>`;
  }

  /** Whose accesses to look at: where somebody was let in by emergency access, theirs. @param {AuditFinding} finding */
  #person({ rule, account, name, about, aboutName }) {
    const [whose, called] = rule === "break-glass" ? [about, aboutName] : [account, name];
    if (!whose) return nothing;
    return html`<button class="button" @click=${() => this.tell("filter", { account: whose, name: called ?? undefined })}>${icon("person")}${t("findings.person")}</button>`;
  }

  /** @param {AuditFinding} finding */
  #verdicts(finding) {
    return html`
      <span class="verdicts" role="group" aria-label=${t("findings.review")}>
        ${VERDICTS.map((verdict) => html`<button class="button plain" ?disabled=${this.#reviewing.busy} @click=${() => this.#review(finding, verdict)}>${t(`verdict.${verdict}`)}</button>`)}
      </span>`;
  }

  #toggle() {
    this.open = !this.open;
    this.rows = null;
    this.#listing = new Doing(this);
    void this.#fetch();
  }

  async #fetch() {
    const { open } = this;
    await this.#listing.run(async () => {
      const known = this.rows ?? [];
      const page = await this.audit.findings({ open, account: null, before: known.at(-1)?.index ?? 0, limit: PAGE });
      if (open !== this.open) return;
      this.rows = [...known, ...page.rows];
      this.more = page.more;
      this.overdue = page.overdue;
    });
  }

  /** @param {AuditFinding} finding */
  async #view(finding) {
    const entries = new Map(this.entries);
    if (!entries.delete(keyOf(finding))) {
      await this.#viewing.run(async () => {
        const { row } = await this.audit.view(finding.index);
        entries.set(keyOf(finding), row);
      });
    }
    this.entries = entries;
  }

  /** @param {AuditFinding} finding @param {Verdict} verdict */
  async #review(finding, verdict) {
    await this.#reviewing.run(async () => {
      const after = await this.audit.review(finding, verdict);
      this.rows = (this.rows ?? []).map((row) => (keyOf(row) === keyOf(after) ? after : row));
      if (finding.due !== null && finding.due < Date.now()) this.overdue = Math.max(0, this.overdue - 1);
      this.tell("say", t("findings.noted"));
    });
  }
}
customElements.define("audit-findings", AuditFindings);

/** @param {AuditFinding} finding */
const keyOf = ({ rule, index }) => `${rule}-${index}`;

/** @param {AuditFinding} finding */
function sentence({ rule, name, account, aboutName, kind, count, minutes }) {
  const who = name ?? (account ? `${account.slice(0, 12)}…` : t("audit.nobody"));
  if (rule === "alarm") return t(aboutName ? "finding.alarm.about" : "finding.alarm", { who, about: aboutName ?? "", what: kind ? tMaybe(`evidence.${kind}`, kind) : "" });
  return t(`finding.${rule}`, { who, about: aboutName ?? t("findings.somebody"), count, minutes, hours: Math.max(1, Math.round(minutes / 60)) });
}

/** @param {AuditFinding} finding */
function reviewed({ verdict, reviewerName, reviewedAt }) {
  return t("findings.reviewed", { verdict: t(`verdict.${verdict ?? "expected"}`), who: reviewerName ?? t("findings.somebody"), time: dateTime(reviewedAt ?? 0) });
}
