import { html } from "lit";
import { LightElement } from "./light-element.js";

/** A modal dialog: it opens when it enters the page, tells `closed`, and the browser gives the focus back. */
export class DialogElement extends LightElement {
  /** Extra class of the dialog itself. */
  get kind() {
    return "";
  }

  /** The id of the heading that names it. */
  get headingId() {
    return "dialog-heading";
  }

  /** @override */
  render() {
    return html`
      <dialog class=${this.kind} aria-labelledby=${this.headingId} @close=${this.#closed} @click=${this.#outside}>
        <div class="dialog-body">${this.body()}</div>
      </dialog>`;
  }

  /** What the dialog holds. @returns {unknown} */
  body() {
    return "";
  }

  get dialog() {
    return this.querySelector("dialog");
  }

  /** @override */
  firstUpdated() {
    this.dialog?.showModal();
  }

  close() {
    this.dialog?.close();
  }

  #closed() {
    this.tell("closed");
  }

  /** A click beside the dialog closes it. @param {MouseEvent} event */
  #outside(event) {
    if (event.target === this.dialog) this.close();
  }
}
