import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { DialogElement } from "./dialog-element.js";

/** Asks before something that cannot be taken back. Tells `confirmed`, with the reason if it asked for one, and `closed`. */
export class ConfirmDialog extends DialogElement {
  /** @override */
  static properties = {
    heading: { attribute: false }, text: { attribute: false }, action: { attribute: false },
    ask: { attribute: false }, danger: { attribute: false },
  };

  constructor() {
    super();
    this.heading = "";
    this.text = "";
    this.action = "";
    /** The label of a reason to be given; empty: none is asked. */ this.ask = "";
    this.danger = false;
  }

  /** @override */
  body() {
    return html`
      <h2 id=${this.headingId}>${this.heading}</h2>
      <p>${this.text}</p>
      ${this.ask ? html`<div class="field"><label for="confirm-reason">${this.ask}</label><textarea class="input" id="confirm-reason" rows="2" maxlength="500"></textarea></div>` : nothing}
      <div class="buttons">
        <button class="button" autofocus @click=${() => this.close()}>${t("cancel")}</button>
        <button class="button ${this.danger ? "danger" : "primary"}" @click=${this.#confirm}>${this.action}</button>
      </div>`;
  }

  #confirm() {
    const reason = this.querySelector("textarea")?.value.trim() ?? "";
    this.tell("confirmed", reason);
    this.close();
  }
}
customElements.define("confirm-dialog", ConfirmDialog);
