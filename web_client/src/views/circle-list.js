import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { briefly, fullTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, emptyView, loading } from "./parts.js";
import { href } from "./router.js";

/** @import { CircleList as List, CircleRow } from "../state/types.js" */

/** The circles of this account: what is new, where, and a way to find one. */
export class CircleList extends LightElement {
  /** @override */
  static properties = {
    list: { attribute: false }, open: { attribute: false }, primary: { attribute: false },
    sought: { state: true }, closed: { state: true },
  };

  constructor() {
    super();
    /** @type {List} */ this.list = later();
    /** The circle shown beside the list. */ this.open = "";
    /** Is this the page itself, and not what stands beside it? */ this.primary = true;
    this.sought = "";
    this.closed = false;
  }

  /** @override */
  render() {
    const { loaded, rows, returning } = this.list;
    const title = t("circles.title");
    return html`
      <div class="circles">
        <header class="page-head">
          ${this.primary ? html`<h1 tabindex="-1">${title}</h1>` : html`<h2 class="grow">${title}</h2>`}
          <a class="button primary" href=${href.newCircle}>${icon("add")}<span>${t("circles.new")}</span></a>
        </header>
        ${returning > 0 ? html`<div class="notice wait" role="status">${icon("key")}<p><strong>${t("readmission.title", { count: returning })}</strong> ${t("readmission.text")}</p></div>` : nothing}
        ${rows.length > 0 ? this.#search() : nothing}
        ${loaded ? (returning > 0 && rows.length === 0 ? nothing : this.#rows(rows)) : loading()}
      </div>`;
  }

  #search() {
    return html`
      <search class="seek">
        ${icon("search")}
        <input class="input" type="search" aria-label=${t("circles.search")} placeholder=${t("circles.search")} autocomplete="off"
          .value=${this.sought} @input=${this.#seek}>
      </search>`;
  }

  /** @param {InputEvent} event */
  #seek(event) {
    this.sought = /** @type {HTMLInputElement} */ (event.target).value;
  }

  /** @param {readonly CircleRow[]} rows */
  #rows(rows) {
    if (rows.length === 0) return this.#empty();
    const found = rows.filter((row) => holds(row, this.sought));
    const current = found.filter((row) => row.active && !row.closed);
    const former = found.filter((row) => !row.active || row.closed);
    return html`
      ${current.length > 0 ? html`<ul class="circle-rows">${repeat(current, (row) => row.circle, (row) => this.#row(row))}</ul>` : nothing}
      ${found.length === 0 ? html`<p class="nothing-found" role="status">${t("circles.none-found", { text: this.sought })}</p>` : nothing}
      ${former.length > 0 ? this.#former(former) : nothing}`;
  }

  /** @param {readonly CircleRow[]} rows */
  #former(rows) {
    return html`
      <details class="former" ?open=${this.sought !== ""}>
        <summary>${t("circles.former", { count: rows.length })}</summary>
        <ul class="circle-rows">${repeat(rows, (row) => row.circle, (row) => this.#row(row))}</ul>
      </details>`;
  }

  #empty() {
    return emptyView({
      name: "circles", title: t("circles.empty.title"), text: t("circles.empty.text"),
      action: html`<a class="button primary" href=${href.newCircle}>${t("circles.empty.action")}</a>`,
    });
  }

  /** @param {CircleRow} row */
  #row(row) {
    const name = row.locked ? t("circles.locked") : row.name;
    return html`
      <li>
        <a class="circle-row ${row.unread ? "new" : ""}" href=${href.circle(row.circle)} aria-current=${row.circle === this.open ? "true" : nothing}>
          ${row.locked ? html`<span class="avatar">${icon("lock")}</span>` : avatar(row.patient?.name ?? row.name)}
          <span class="first"><span class="name clip">${name}</span>
            <time class="small quiet" datetime=${new Date(row.at).toISOString()} title=${fullTime(row.at)}>${briefly(row.at, Date.now())}</time></span>
          <span class="second"><span class="last clip">${lastWords(row)}</span><span class="marks">${marks(row)}</span></span>
        </a>
      </li>`;
  }
}
customElements.define("circle-list", CircleList);

/** @param {CircleRow} row */
function lastWords(row) {
  if (row.locked) return t("circles.locked.text");
  if (!row.last) return t(row.unread ? "loading" : "circles.no-notes");
  const { author, mine, text, attachments } = row.last;
  const said = text || t("attachment.count", { count: attachments });
  return t("circles.last", { author: mine ? t("you") : author, text: said });
}

/** @param {CircleRow} row */
const marks = (row) => html`
  ${row.closed ? html`<span class="badge">${t("circle.closed")}</span>` : nothing}
  ${row.waiting && row.active ? html`<span class="badge wait">${icon("person")}${t("circles.waiting")}</span>` : nothing}
  ${row.urgent ? html`<span class="badge urgent">${icon("urgent")}${t("note.urgent")}</span>` : nothing}
  ${row.unread ? html`<span class="badge count"><span aria-hidden="true">${row.unread > 99 ? "99+" : row.unread}</span><span class="unseen">${t("circles.unread", { count: row.unread })}</span></span>` : nothing}`;

/** Accents and case aside, every word. @param {CircleRow} row @param {string} sought */
function holds(row, sought) {
  const text = plain(`${row.name} ${row.patient?.name ?? ""} ${row.patient?.place ?? ""} ${row.patient?.born ?? ""}`);
  return plain(sought).split(/\s+/u).every((word) => text.includes(word));
}

/** @param {string} text */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
