import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { DialogElement } from "./dialog-element.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { later } from "./light-element.js";
import { failureView } from "./parts.js";

/** @import { Disclosed, NoteView, OpenCircle } from "../state/types.js" */

const SHOWN = /** @type {const} */ (["note", "people", "circle", "places", "trace"]);
const VERIFIER = "/log/relais_verify.py";

/** Hands out one version of a note with its evidence, and says before what that gives away. */
export class NoteDisclosure extends DialogElement {
  /** @override */
  static properties = { circle: { attribute: false }, note: { attribute: false }, version: { state: true }, made: { state: true } };

  #doing = new Doing(this);
  /** The file's address, while it is shown. */ #url = "";

  constructor() {
    super();
    /** @type {OpenCircle} */ this.circle = later();
    /** @type {NoteView} */ this.note = later();
    /** @type {number | null} The one chosen; the newest at first. */ this.version = null;
    /** @type {Disclosed | null} */ this.made = null;
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    URL.revokeObjectURL(this.#url);
  }

  /** @override */
  body() {
    return html`
      <header class="page-head">
        <h2 class="grow" id=${this.headingId}>${t("disclose.title")}</h2>
        <button class="button plain square" aria-label=${t("close")} title=${t("close")} @click=${() => this.close()}>${icon("close")}</button>
      </header>
      ${this.made ? this.#ready(this.made) : this.#asking()}`;
  }

  #asking() {
    const { busy, failure } = this.#doing;
    return html`
      <p>${t("disclose.text")}</p>
      <div class="notice wait">${icon("alert")}<div class="stack-small"><p class="strong">${t("disclose.warning")}</p>
        <ul class="points">${SHOWN.map((name) => html`<li>${t(`disclose.shows.${name}`)}</li>`)}</ul></div></div>
      ${this.note.version > 1 ? this.#versions() : nothing}
      <label class="check"><input type="checkbox" id="disclose-receipts" checked><span>${t("disclose.receipts")}</span></label>
      ${this.note.attachments.length > 0 ? html`<label class="check"><input type="checkbox" id="disclose-files"><span>${t("disclose.files")}</span></label>` : nothing}
      <div role="status">${busy ? html`<p class="small quiet">${t("disclose.busy")}</p>` : nothing}</div>
      ${failureView(failure)}
      <div class="buttons">
        <button class="button" @click=${() => this.close()}>${t("cancel")}</button>
        <button class="button primary" ?disabled=${busy} @click=${this.#prepare}>${icon("audit")}${t("disclose.action")}</button>
      </div>`;
  }

  #versions() {
    const chosen = this.version ?? this.note.version;
    const every = Array.from({ length: this.note.version }, (_, index) => index + 1).toReversed();
    return html`
      <div class="field"><label for="disclose-version">${t("disclose.version")}</label>
        <select class="input" id="disclose-version" @change=${this.#choose}>${every.map((version) => html`<option value=${version} ?selected=${version === chosen}>${version}</option>`)}</select></div>`;
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #choose(event) {
    this.version = Number(event.target.value);
  }

  async #prepare() {
    const wanted = { receipts: this.#isChecked("disclose-receipts"), files: this.#isChecked("disclose-files") };
    await this.#doing.run(async () => {
      const made = await this.circle.disclose(this.note.note, this.version ?? this.note.version, wanted);
      this.#url = URL.createObjectURL(made.blob);
      this.made = made;
    });
  }

  /** @param {string} id */
  #isChecked(id) {
    const box = this.querySelector(`#${id}`);
    return box instanceof HTMLInputElement && box.checked;
  }

  /** @param {Disclosed} made */
  #ready({ key }) {
    return html`
      <p role="status">${t("disclose.ready")}</p>
      <p><a class="button plain" href=${VERIFIER} download="relais_verify.py">${icon("download")}${t("disclose.verifier")}</a></p>
      <p>${t("disclose.key")}<br><code class="link small">${key}</code></p>
      <div class="buttons">
        <button class="button" @click=${() => this.close()}>${t("close")}</button>
        <a class="button primary" href=${this.#url} download="note-${this.note.note}.json">${icon("download")}${t("disclose.save")}</a>
      </div>`;
  }
}
customElements.define("note-disclosure", NoteDisclosure);
