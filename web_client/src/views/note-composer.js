import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { isPicture } from "./attachments.js";
import { audiencesFor } from "../state/audiences.js";
import { emptyDraft, isEmpty, withoutReply } from "./drafts.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView } from "./parts.js";
import "./attachment-thumb.js";
import "./composer-readers.js";

/** @import { Draft, Failure, NoteType, NoteView } from "../state/types.js" */
/** @import { AudienceView } from "../state/types-audience.js" */

export const NOTE_TYPES = /** @type {const} */ (["GEN", "OBS", "INST", "INTERV", "DEM-AVIS"]);
export const ACCEPTED = "image/jpeg,image/png,image/webp,image/heic,image/heif,application/pdf";

/** Where a note is written. Tells `draft` with each change, and `post`. */
export class NoteComposer extends LightElement {
  /** @override */
  static properties = {
    draft: { attribute: false }, replied: { attribute: false }, corrected: { attribute: false }, audiences: { attribute: false },
    busy: { attribute: false }, failure: { attribute: false },
  };

  constructor() {
    super();
    /** @type {Draft} */ this.draft = later();
    /** @type {NoteView | null} */ this.replied = null;
    /** @type {NoteView | null} */ this.corrected = null;
    /** @type {readonly AudienceView[]} */ this.audiences = [];
    this.busy = false;
    /** @type {Failure | null} */ this.failure = null;
  }

  /** Go on writing. */
  write() {
    this.querySelector("textarea")?.focus();
  }

  /** @override */
  render() {
    return html`
      <form class="composer" aria-label=${t("composer.label")} @submit=${this.#submit} @dragover=${this.#dragged} @drop=${this.#dropped}>
        ${failureView(this.failure)}
        ${this.#context()}
        ${this.#readers()}
        ${this.#files()}
        <div class="composer-line">
          ${this.#chooser("attach", "composer.attach", false)}
          ${this.#chooser("camera", "composer.camera", true)}
          <textarea class="input" rows="1" aria-label=${t("composer.text")} placeholder=${t("composer.placeholder")} maxlength="20000"
            aria-keyshortcuts="Control+Enter" .value=${this.draft.text} @input=${this.#typed} @keydown=${this.#pressed} @paste=${this.#pasted}></textarea>
          <button class="button primary square" aria-label=${this.draft.replaces ? t("composer.correct") : t("composer.send")} title=${t("composer.send-hint")}
            ?disabled=${this.busy || isEmpty(this.draft)}>${icon("send")}</button>
        </div>
        ${this.#options()}
      </form>`;
  }

  /** @override */
  updated() {
    const area = this.querySelector("textarea");
    if (!area) return;
    area.style.blockSize = "auto";
    area.style.blockSize = `${area.scrollHeight + 2}px`;
  }

  #context() {
    const { draft } = this;
    if (draft.replaces) {
      return html`<p class="composer-context">${icon("edit")}<span class="grow clip">${t("composer.correcting")}</span>${this.#drop(() => this.#change(emptyDraft()))}</p>`;
    }
    if (!draft.replyTo) return nothing;
    const author = this.replied?.mine ? t("you") : (this.replied?.author ?? "");
    return html`<p class="composer-context">${icon("reply")}<span class="grow clip">${t("composer.replying", { author, text: this.replied?.text ?? "" })}</span>${this.#drop(() => this.#change(withoutReply(draft)))}</p>`;
  }

  /** Where everybody reads everything, there is nothing to say. */
  #readers() {
    if (this.audiences.length < 2) return nothing;
    const mine = this.audiences.filter((audience) => audience.mine).map(({ name }) => name);
    return html`
      <composer-readers .audiences=${this.audiences} .chosen=${audiencesFor(mine, this.draft.audiences)} .fixed=${this.draft.replaces !== null}
        @choose=${this.#choose}></composer-readers>`;
  }

  /** @param {CustomEvent<readonly string[]>} event */
  #choose(event) {
    event.stopPropagation();
    this.#change({ audiences: event.detail });
  }

  /** @param {() => void} drop */
  #drop(drop) {
    return html`<button type="button" class="button plain square" aria-label=${t("composer.cancel")} title=${t("composer.cancel")} @click=${drop}>${icon("close")}</button>`;
  }

  #files() {
    const { files, kept } = this.draft;
    const old = (this.corrected?.attachments ?? []).filter(({ id }) => kept.includes(id));
    if (files.length + old.length === 0) return nothing;
    return html`
      <ul class="composer-files" aria-label=${t("attachment.count", { count: files.length + old.length })}>
        ${old.map((file) => this.#file(file.name, isPicture(file) ? file.thumbnail : null, () => this.#change({ kept: kept.filter((id) => id !== file.id) })))}
        ${files.map((file) => this.#file(file.name, file.type.startsWith("image/") ? file : null, () => this.#change({ files: files.filter((other) => other !== file) })))}
      </ul>`;
  }

  /** @param {string} name @param {Blob | null} picture @param {() => void} drop */
  #file(name, picture, drop) {
    const label = t("composer.remove-file", { name });
    return html`
      <li>
        ${picture ? html`<attachment-thumb class="tiny" .blob=${picture}></attachment-thumb>` : icon("file")}
        <span class="clip small">${name}</span>
        <button type="button" class="button plain square" aria-label=${label} title=${label} @click=${drop}>${icon("close")}</button>
      </li>`;
  }

  /**
   * @param {"attach" | "camera"} picture
   * @param {"composer.attach" | "composer.camera"} label
   * @param {boolean} camera
   */
  #chooser(picture, label, camera) {
    return html`
      <label class="button plain square ${camera ? "camera" : ""}" title=${t(label)}>
        ${icon(picture)}<span class="unseen">${t(label)}</span>
        <input class="unseen" type="file" accept=${camera ? "image/*" : ACCEPTED} ?multiple=${!camera} capture=${camera ? "environment" : nothing} @change=${this.#chosen}>
      </label>`;
  }

  #options() {
    const { type, urgent, acknowledge } = this.draft;
    return html`
      <div class="composer-options">
        <select class="input" aria-label=${t("composer.type")} @change=${this.#typeChosen}>
          ${NOTE_TYPES.map((name) => html`<option value=${name} ?selected=${name === type}>${t(`type.${name}`)}</option>`)}
        </select>
        ${this.#toggle("urgent", urgent, () => this.#change({ urgent: !urgent }))}
        ${this.#toggle("checks", acknowledge, () => this.#change({ acknowledge: !acknowledge }))}
      </div>`;
  }

  /** @param {"urgent" | "checks"} picture @param {boolean} on @param {() => void} change */
  #toggle(picture, on, change) {
    const label = picture === "urgent" ? t("composer.urgent") : t("composer.acknowledge");
    return html`<button type="button" class="button ${picture === "urgent" ? "urgent-toggle" : ""}" aria-pressed=${on ? "true" : "false"} @click=${change}>${icon(picture)}<span>${label}</span></button>`;
  }

  /** @param {Partial<Draft>} change */
  #change(change) {
    this.tell("draft", { ...this.draft, ...change });
  }

  /** @param {InputEvent} event */
  #typed(event) {
    this.#change({ text: /** @type {HTMLTextAreaElement} */ (event.target).value });
  }

  /** @param {Event} event */
  #typeChosen(event) {
    this.#change({ type: /** @type {NoteType} */ (/** @type {HTMLSelectElement} */ (event.target).value) });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.#post();
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    this.#post();
  }

  #post() {
    if (!this.busy && !isEmpty(this.draft)) this.tell("post");
  }

  /** @param {Event} event */
  #chosen(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    this.#add(input.files);
    input.value = "";
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    this.#add(event.clipboardData.files);
  }

  /** @param {DragEvent} event */
  #dragged(event) {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.#add(event.dataTransfer.files);
  }

  /** @param {FileList | null} files */
  #add(files) {
    if (files?.length) this.#change({ files: [...this.draft.files, ...files] });
  }
}
customElements.define("note-composer", NoteComposer);
