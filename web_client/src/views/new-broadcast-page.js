import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { fileSize } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { ACCEPTED, NOTE_TYPES } from "./note-composer.js";
import { failureView, pageHead } from "./parts.js";
import { go, href } from "./router.js";
import { Watching } from "./watching.js";

/** @import { App, CircleRow, NoteType } from "../state/types.js" */

/** One note to several circles; each circle sees its own, and nobody sees who else got it. */
export class NewBroadcastPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, form: { state: true }, sought: { state: true }, tried: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    /** @type {{ type: NoteType, text: string, urgent: boolean, acknowledge: boolean, files: readonly File[], circles: readonly string[] }} */
    this.form = { type: "INST", text: "", urgent: false, acknowledge: true, files: [], circles: [] };
    this.sought = "";
    this.tried = false;
    Watching.on(this, () => [this.app.circles.list]);
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("broadcasts.new"), back: href.broadcasts })}
        <p class="lead">${t("new-broadcast.text")}</p>
        <form class="stack" novalidate @submit=${this.#submit}>
          ${this.#circles()}
          ${this.#note()}
          ${failureView(this.#doing.failure)}
          <div class="buttons">
            <button class="button primary" ?disabled=${this.#doing.busy}>${icon("send")}${t("new-broadcast.send", { count: this.form.circles.length })}</button>
            <a class="button plain" href=${href.broadcasts}>${t("cancel")}</a>
          </div>
        </form>
      </div>`;
  }

  #circles() {
    const rows = this.app.circles.list.value.rows.filter((row) => row.active && !row.closed && !row.locked);
    const found = rows.filter((row) => row.name.toLocaleLowerCase().includes(this.sought.toLocaleLowerCase()));
    const wrong = this.tried && this.form.circles.length === 0;
    return html`
      <fieldset class="card field">
        <legend class="unseen">${t("new-broadcast.circles")}</legend>
        <h2 aria-hidden="true">${t("new-broadcast.circles")}</h2>
        ${rows.length > 6 ? html`<search class="seek">${icon("search")}<input class="input" type="search" aria-label=${t("circles.search")} placeholder=${t("circles.search")} .value=${this.sought} @input=${this.#seek}></search>` : nothing}
        <div class="pick">${repeat(found, (row) => row.circle, (row) => this.#circle(row))}</div>
        <p class=${wrong ? "wrong" : "hint"} role="status">${wrong ? t("new-broadcast.none") : t("new-broadcast.chosen", { count: this.form.circles.length })}</p>
      </fieldset>`;
  }

  /** @param {CircleRow} row */
  #circle(row) {
    return html`<label class="check"><input type="checkbox" .checked=${this.form.circles.includes(row.circle)} @change=${() => this.#toggle(row.circle)}><span>${row.name}</span></label>`;
  }

  #note() {
    const { type, text, urgent, acknowledge } = this.form;
    const wrong = this.tried && !text.trim() && this.form.files.length === 0;
    return html`
      <section class="card stack" aria-labelledby="broadcast-note">
        <h2 id="broadcast-note">${t("new-broadcast.note")}</h2>
        <div class="field"><label for="broadcast-type">${t("composer.type")}</label>
          <select class="input" id="broadcast-type" @change=${(/** @type {Event} */ event) => this.#set({ type: /** @type {NoteType} */ (value(event)) })}>
            ${NOTE_TYPES.map((name) => html`<option value=${name} ?selected=${name === type}>${t(`type.${name}`)}</option>`)}
          </select></div>
        <div class="field"><label for="broadcast-text">${t("composer.text")}</label>
          <textarea class="input" id="broadcast-text" rows="5" maxlength="20000" .value=${text} aria-invalid=${wrong ? "true" : "false"} aria-describedby="broadcast-wrong"
            @input=${(/** @type {Event} */ event) => this.#set({ text: value(event) })}></textarea>
          <p class="wrong" id="broadcast-wrong" ?hidden=${!wrong}>${t("new-broadcast.nothing")}</p></div>
        ${this.#files()}
        <div>
          <label class="check"><input type="checkbox" .checked=${acknowledge} @change=${() => this.#set({ acknowledge: !acknowledge })}><span>${t("new-broadcast.acknowledge")}</span></label>
          <label class="check"><input type="checkbox" .checked=${urgent} @change=${() => this.#set({ urgent: !urgent })}><span>${t("note.urgent")}</span></label>
        </div>
      </section>`;
  }

  #files() {
    return html`
      <div class="field">
        <label class="button chooser">${icon("attach")}<span>${t("new-broadcast.attach")}</span>
          <input class="unseen" type="file" multiple accept=${ACCEPTED} @change=${this.#chosen}></label>
        <ul>${this.form.files.map((file) => html`
          <li class="row">${icon("file")}<span class="clip grow">${file.name}</span><span class="small quiet">${fileSize(file.size)}</span>
            <button type="button" class="button plain square" aria-label=${t("composer.remove-file", { name: file.name })} @click=${() => this.#set({ files: this.form.files.filter((other) => other !== file) })}>${icon("close")}</button></li>`)}</ul>
      </div>`;
  }

  /** @param {Partial<NewBroadcastPage["form"]>} change */
  #set(change) {
    this.form = { ...this.form, ...change };
  }

  /** @param {string} circle */
  #toggle(circle) {
    const { circles } = this.form;
    this.#set({ circles: circles.includes(circle) ? circles.filter((other) => other !== circle) : [...circles, circle] });
  }

  /** @param {Event} event */
  #seek(event) {
    this.sought = value(event);
  }

  /** @param {Event} event */
  #chosen(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    this.#set({ files: [...this.form.files, ...(input.files ?? [])] });
    input.value = "";
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    this.tried = true;
    const { circles, text, files } = this.form;
    if (circles.length === 0 || (!text.trim() && files.length === 0)) return this.#toMistake(circles.length === 0);
    await this.#doing.run(async () => go(href.broadcast(await this.app.broadcasts.send(this.form)), { replace: true }));
    return undefined;
  }

  /** @param {boolean} circles */
  async #toMistake(circles) {
    await this.updateComplete;
    this.at(circles ? ".pick input" : "#broadcast-text")?.focus();
  }
}
customElements.define("new-broadcast-page", NewBroadcastPage);

/** @param {Event} event */
const value = (event) => /** @type {HTMLInputElement} */ (event.target).value;
