import { html, nothing } from "lit";
import { dateTime, fullTime, shortDate } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { actionName, actorName } from "./audit-words.js";
import { icon } from "./icons.js";
import { LightElement } from "./light-element.js";

/** @import { AuditEntry } from "../state/types.js" */
/** @typedef {{ name: string, profession: string | null, organisation: string, times: number, refused: number, first: number, last: number }} Person */

/** Who saw what, in plain words, for the patient or somebody of the family: people first, then everything in the order of time. */
export class AccessReport extends LightElement {
  /** @override */
  static properties = { rows: { attribute: false }, patient: { attribute: false }, first: { attribute: false }, last: { attribute: false }, complete: { attribute: false } };

  constructor() {
    super();
    /** @type {readonly AuditEntry[]} Newest first. */ this.rows = [];
    this.patient = "";
    this.first = "";
    this.last = "";
    this.complete = true;
  }

  /** @override */
  render() {
    const oldest = this.rows.at(-1);
    const people = [...peopleOf(this.rows).values()];
    return html`
      <article class="card stack report" aria-labelledby="report-heading">
        <div class="row wrap">
          <h2 class="grow" id="report-heading">${t("report.title", { patient: this.patient })}</h2>
          <button class="button primary no-print" @click=${() => globalThis.print()}>${icon("print")}${t("report.print")}</button>
        </div>
        <p>${t("report.period", { first: shortDate(this.first ? Date.parse(`${this.first}T12:00`) : oldest?.at ?? Date.now()), last: shortDate(this.last ? Date.parse(`${this.last}T12:00`) : Date.now()) })} ${t("report.made", { time: fullTime(Date.now()) })}</p>
        <p class="quiet">${t("report.text")}</p>
        ${this.complete ? nothing : html`<p class="failure">${icon("alert")}${t("report.part")}</p>`}
        <h3>${t("report.people", { count: people.length })}</h3>
        <ul class="report-people">${people.map(person)}</ul>
        <h3>${t("report.everything")}</h3>
        <table class="plain-table">
          <thead><tr><th scope="col">${t("audit.when")}</th><th scope="col">${t("audit.who")}</th><th scope="col">${t("audit.what")}</th></tr></thead>
          <tbody>${this.rows.toReversed().map((row) => html`<tr><td>${dateTime(row.at)}</td><th scope="row">${actorName(row)}</th><td>${actionName(row)}${row.outcome === "refused" ? html` <strong>(${t("outcome.refused")})</strong>` : nothing}</td></tr>`)}</tbody>
        </table>
      </article>`;
  }
}
customElements.define("access-report", AccessReport);

/** @param {readonly AuditEntry[]} rows @returns {Map<string, Person>} */
function peopleOf(rows) {
  /** @type {Map<string, Person>} */
  const people = new Map();
  for (const row of rows) {
    const key = row.account ?? "";
    const known = people.get(key) ?? { name: actorName(row), profession: row.profession, organisation: String(row.facts["organisation"] ?? ""), times: 0, refused: 0, first: row.at, last: row.at };
    people.set(key, { ...known, times: known.times + 1, refused: known.refused + (row.outcome === "refused" ? 1 : 0), first: Math.min(known.first, row.at), last: Math.max(known.last, row.at) });
  }
  return people;
}

/** @param {Person} one */
const person = ({ name, profession, organisation, times, refused, first, last }) => html`
  <li><p class="strong">${name}</p>
    <p class="small quiet">${[profession, organisation].filter(Boolean).join(" · ")}</p>
    <p class="small">${t("report.person", { count: times, first: dateTime(first), last: dateTime(last) })}${refused ? html` ${t("report.refused", { count: refused })}` : nothing}</p></li>`;
