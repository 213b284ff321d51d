import { html, nothing } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { DialogElement } from "./dialog-element.js";
import { differences } from "./differences.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { later } from "./light-element.js";
import { failureView, loading } from "./parts.js";

/** @import { NoteVersion, NoteView, OpenCircle } from "../state/types.js" */

/** Every version of a note, newest first, with what each changed. */
export class NoteHistory extends DialogElement {
  /** @override */
  static properties = { circle: { attribute: false }, note: { attribute: false }, versions: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {OpenCircle} */ this.circle = later();
    /** @type {NoteView} */ this.note = later();
    /** @type {readonly NoteVersion[] | null} */ this.versions = null;
  }

  /** @override */
  firstUpdated() {
    super.firstUpdated();
    void this.#doing.run(async () => {
      this.versions = await this.circle.history(this.note.note);
    });
  }

  /** @override */
  body() {
    return html`
      <header class="page-head">
        <h2 class="grow" id=${this.headingId}>${t("history.title")}</h2>
        <button class="button plain square" aria-label=${t("close")} title=${t("close")} @click=${() => this.close()}>${icon("close")}</button>
      </header>
      ${failureView(this.#doing.failure)}
      ${this.versions ? this.#list(this.versions) : this.#doing.failure ? nothing : loading()}`;
  }

  /** @param {readonly NoteVersion[]} versions */
  #list(versions) {
    const newest = versions.length - 1;
    return html`<ol class="versions" reversed>${versions.map((version, index) => this.#version(version, versions[index - 1], index === newest)).toReversed()}</ol>`;
  }

  /** @param {NoteVersion} version @param {NoteVersion | undefined} before @param {boolean} newest */
  #version(version, before, newest) {
    return html`
      <li>
        <h3>${t(`history.${version.kind}`)} ${newest ? html`<span class="badge accent">${t("history.newest")}</span>` : nothing}</h3>
        <p class="small quiet"><time>${dateTime(version.at)}</time></p>
        ${version.locked ? html`<p class="quiet">${t("history.locked")}</p>` : html`<p class="prose">${changes(version, before)}</p>`}
        ${version.attachments.length > 0 ? html`<p class="small quiet">${t("attachment.count", { count: version.attachments.length })}</p>` : nothing}
      </li>`;
  }
}
customElements.define("note-history", NoteHistory);

/** @param {NoteVersion} version @param {NoteVersion | undefined} before */
function changes(version, before) {
  if (!before || before.locked || version.kind !== "correction") return version.text;
  return differences(before.text, version.text).map(({ kind, text }) =>
    kind === "same" ? text : kind === "added" ? html`<ins>${text}</ins>` : html`<del>${text}</del>`);
}
