import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading } from "./parts.js";
import { Watching } from "./watching.js";
import "./receipt-table.js";

/** @import { NoteView, OpenCircle, Readable, ReceiptMatrix } from "../state/types.js" */

const PIPS = 12; // more people than this are told in numbers only

/** Who has seen a note: in one line, and on demand person by person. */
export class NoteSeen extends LightElement {
  /** @override */
  static properties = { note: { attribute: false }, circle: { attribute: false }, shown: { state: true }, asked: { state: true } };

  /** @type {Readable<ReceiptMatrix> | null} */ #matrix = null;
  #watching = new Watching(this, () => (this.#matrix ? [this.#matrix] : []));
  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {NoteView} */ this.note = later();
    /** @type {OpenCircle} */ this.circle = later();
    this.shown = false;
    /** Whether the log was asked who fetched it. */ this.asked = false;
  }

  /** @override */
  render() {
    if (this.note.seen.people === 0) return html`<p class="small quiet">${t("seen.nobody-else")}</p>`;
    return html`
      <button class="seen" aria-expanded=${this.shown ? "true" : "false"} @click=${this.#toggle}>
        ${pips(this.note.seen)}<span class="small">${summary(this.note)}</span>
      </button>
      ${this.shown ? this.#table() : nothing}`;
  }

  #table() {
    if (this.#doing.failure) return failureView(this.#doing.failure);
    const matrix = this.#matrix?.value;
    if (!matrix?.loaded) return loading();
    return html`
      <receipt-table .rows=${matrix.rows} .acknowledge=${this.note.acknowledge}></receipt-table>
      ${this.asked ? html`<note-fetched .circle=${this.circle} .note=${this.note.note}></note-fetched>`
        : html`<button class="button plain" ?disabled=${this.#doing.busy} @click=${this.#ask}>${icon("history")}${t("fetched.ask")}</button>`}
      <button class="button plain" @click=${() => this.tell("readers", this.note)}>${icon("people")}${t("note.readers")}</button>
      <button class="button plain" @click=${() => this.tell("disclose", this.note)}>${icon("audit")}${t("note.disclose")}</button>`;
  }

  async #ask() {
    this.asked = await this.#doing.run(() => import("./note-fetchers.js"));
  }

  async #toggle() {
    this.shown = !this.shown;
    if (!this.shown) return;
    await this.#doing.run(async () => {
      this.#matrix = await this.circle.receipts(this.note.note);
      this.#watching.renew();
    });
  }
}
customElements.define("note-seen", NoteSeen);

/** @param {NoteView["seen"]} seen */
function pips({ people, stored, read, acknowledged }) {
  if (people > PIPS) return icon("eye");
  /** @param {number} index */
  const level = (index) => (index < acknowledged ? "acknowledged" : index < read ? "read" : index < stored ? "stored" : "none");
  return html`<span class="pips" aria-hidden="true">${Array.from({ length: people }, (_, index) => html`<i class=${level(index)}></i>`)}</span>`;
}

/** @param {NoteView} note */
function summary({ acknowledge, seen: { people, read, acknowledged } }) {
  if (acknowledge) return t("seen.acknowledged", { done: acknowledged, count: people });
  return t("seen.read", { done: read, count: people });
}
