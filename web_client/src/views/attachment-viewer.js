import { html, nothing } from "lit";
import { fileSize, percent } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { isPicture } from "./attachments.js";
import { DialogElement } from "./dialog-element.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { later } from "./light-element.js";
import { failureView } from "./parts.js";
import { Zoom } from "./zoom.js";

/** @import { NoteView, OpenCircle } from "../state/types.js" */
/** @import { PropertyValues } from "lit" */

/** One attachment as large as the screen: zoom and pan by touch, wheel and keys; what is no picture is opened or saved. */
export class AttachmentViewer extends DialogElement {
  /** @override */
  static properties = {
    circle: { attribute: false }, note: { attribute: false }, index: { attribute: false },
    share: { state: true }, url: { state: true }, zoomed: { state: true },
  };

  #doing = new Doing(this);
  #fetching = new AbortController();
  #zoom = new Zoom((scale) => {
    this.zoomed = scale > 1;
  });

  constructor() {
    super();
    /** @type {OpenCircle} */ this.circle = later();
    /** @type {NoteView} */ this.note = later();
    this.index = 0;
    this.share = 0;
    this.url = "";
    this.zoomed = false;
  }

  /** @override */
  get kind() {
    return "viewer";
  }

  get #attachment() {
    const attachment = this.note.attachments[this.index];
    if (!attachment) throw new RangeError("no such attachment");
    return attachment;
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#forget();
  }

  /** @override @param {PropertyValues<this>} changed */
  updated(changed) {
    if (changed.has("index")) void this.#fetch();
    this.#zoom.attach(this.at(".stage"), this.querySelector(".stage img"));
  }

  #forget() {
    this.#fetching.abort();
    URL.revokeObjectURL(this.url);
    this.url = "";
  }

  async #fetch() {
    this.#forget();
    this.share = 0;
    const fetching = new AbortController();
    this.#fetching = fetching;
    const doing = (this.#doing = new Doing(this));
    const { id: attachment, mediaType } = this.#attachment;
    await doing.run(async () => {
      const blob = await this.circle.attachment({
        note: this.note.note, version: this.note.version, attachment, signal: fetching.signal,
        onProgress: (share) => {
          this.share = share;
        },
      });
      if (!fetching.signal.aborted) this.url = URL.createObjectURL(new Blob([blob], { type: safeType(mediaType) }));
    });
  }

  /** @override */
  body() {
    const { name, size } = this.#attachment;
    const many = this.note.attachments.length;
    return html`
      <header class="viewer-head" @keydown=${this.#key}>
        <h2 class="grow clip" id=${this.headingId}>${name}</h2>
        <span class="small">${fileSize(size)}</span>
        ${this.url ? html`<a class="button plain square" href=${this.url} download=${name} aria-label=${t("viewer.save")} title=${t("viewer.save")}>${icon("download")}</a>` : nothing}
        <button class="button plain square" autofocus aria-label=${t("close")} title=${t("close")} @click=${() => this.close()}>${icon("close")}</button>
      </header>
      ${this.#content()}
      ${many > 1 ? this.#pager(many) : nothing}`;
  }

  #content() {
    if (this.#doing.failure) {
      return html`<div class="stage"><div class="stack">${failureView(this.#doing.failure)}<button class="button" @click=${() => this.#fetch()}>${t("retry")}</button></div></div>`;
    }
    if (!this.url) return this.#progress();
    return isPicture(this.#attachment) ? this.#picture() : this.#file();
  }

  #progress() {
    return html`
      <div class="stage"><div class="stack viewer-wait" role="status">
        <p>${t("viewer.fetching", { share: percent(this.share) })}</p>
        <progress max="1" .value=${this.share} aria-label=${t("viewer.progress")}></progress>
      </div></div>`;
  }

  #picture() {
    return html`
      <div class="stage zoomable" tabindex="0" role="group" aria-label=${t("viewer.stage")} aria-describedby="viewer-keys" @keydown=${this.#key}>
        <img src=${this.url} alt=${t("viewer.picture", { name: this.#attachment.name })} draggable="false">
        <p class="unseen" id="viewer-keys">${t("viewer.keys")}</p>
      </div>
      <div class="viewer-zoom">
        <button class="button square" aria-label=${t("viewer.smaller")} title=${t("viewer.smaller")} ?disabled=${!this.zoomed} @click=${() => this.#zoom.by(1 / 1.5)}>${icon("minus")}</button>
        <button class="button" ?disabled=${!this.zoomed} @click=${() => this.#zoom.reset()}>${t("viewer.whole")}</button>
        <button class="button square" aria-label=${t("viewer.larger")} title=${t("viewer.larger")} @click=${() => this.#zoom.by(1.5)}>${icon("add")}</button>
      </div>`;
  }

  #file() {
    const { name, size, mediaType } = this.#attachment;
    return html`
      <div class="stage"><div class="stack viewer-file">
        ${icon("file")}
        <p class="strong">${name}</p>
        <p class="small">${fileSize(size)}</p>
        <div class="buttons">
          ${mediaType === "application/pdf" ? html`<a class="button primary" href=${this.url} target="_blank" rel="noopener">${icon("open")}${t("viewer.open")}</a>` : nothing}
          <a class="button" href=${this.url} download=${name}>${icon("download")}${t("viewer.save")}</a>
        </div>
      </div></div>`;
  }

  /** @param {number} many */
  #pager(many) {
    return html`
      <nav class="viewer-pager" aria-label=${t("viewer.pager")}>
        <button class="button plain square" aria-label=${t("viewer.previous")} ?disabled=${this.index === 0} @click=${() => this.#step(-1)}>${icon("back")}</button>
        <span class="small" role="status">${t("viewer.of", { index: this.index + 1, many })}</span>
        <button class="button plain square" aria-label=${t("viewer.next")} ?disabled=${this.index === many - 1} @click=${() => this.#step(1)}>${icon("chevron")}</button>
      </nav>`;
  }

  /** @param {number} by @returns {boolean} is there one? */
  #step(by) {
    const next = this.index + by;
    const there = next >= 0 && next < this.note.attachments.length;
    if (there) this.index = next;
    return there;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.#zoom.key(event.key) || (event.key === "ArrowLeft" && this.#step(-1)) || (event.key === "ArrowRight" && this.#step(1))) event.preventDefault();
  }
}
customElements.define("attachment-viewer", AttachmentViewer);

/** A sender's word for a type must not make a browser run what they sent. @param {string} type */
const safeType = (type) => (isPicture({ mediaType: type }) || type === "application/pdf" ? type : "application/octet-stream");
