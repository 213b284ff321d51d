import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { audienceName } from "./audience-words.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";

/** @import { AudienceView } from "../state/types-audience.js" */

/** Who will read what is being written, and the choice of it. Tells `choose` with names of audiences. */
export class ComposerReaders extends LightElement {
  /** @override */
  static properties = { audiences: { attribute: false }, chosen: { attribute: false }, fixed: { attribute: false }, shown: { state: true } };

  constructor() {
    super();
    /** @type {readonly AudienceView[]} */ this.audiences = later();
    /** @type {readonly string[]} */ this.chosen = [];
    /** A later version goes to whom the note went. */ this.fixed = false;
    this.shown = false;
  }

  /** @override */
  render() {
    const picked = this.audiences.filter(({ name }) => this.chosen.includes(name));
    const count = new Set(picked.flatMap(({ people }) => people.map(({ account }) => account))).size;
    const offered = this.fixed ? picked : this.audiences.filter(({ mine }) => mine);
    return html`
      <div class="composer-readers" role="group" aria-label=${t("readers.label")}>
        <span class="small quiet" aria-hidden="true">${t("readers.for")}</span>
        <div class="chips">${offered.map((audience) => this.#chip(audience))}</div>
        <button type="button" class="button plain who" aria-haspopup="dialog" @click=${this.#show}>
          ${icon("eye")}<span class="unseen">${t("readers.who", { count })}</span><span class="wide" aria-hidden="true">${t("readers.count", { count })}</span><span class="narrow" aria-hidden="true">${count}</span></button>
      </div>
      ${this.shown ? html`<readers-dialog .audiences=${picked} @closed=${this.#hide}></readers-dialog>` : nothing}`;
  }

  /** @param {AudienceView} audience */
  #chip({ name, people }) {
    const on = this.chosen.includes(name);
    return html`
      <button type="button" class="button chip" aria-pressed=${on ? "true" : "false"} ?disabled=${this.fixed || (on && this.chosen.length === 1)} @click=${() => this.#toggle(name)}>
        ${audienceName(name)} <span class="quiet" aria-hidden="true">${people.length}</span></button>`;
  }

  /** @param {string} name */
  #toggle(name) {
    const others = this.chosen.filter((one) => one !== name);
    this.tell("choose", this.chosen.includes(name) ? others : [...others, name]);
  }

  async #show() {
    await import("./readers-dialog.js");
    this.shown = true;
  }

  /** @param {Event} event */
  #hide(event) {
    event.stopPropagation();
    this.shown = false;
  }
}
customElements.define("composer-readers", ComposerReaders);
