import { html } from "lit";
import { icon } from "./icons.js";
import { LightElement } from "./light-element.js";

/** @import { PropertyValues } from "lit" */

/** A picture from bytes in memory; its address lives as long as the element is in the page. */
export class AttachmentThumb extends LightElement {
  /** @override */
  static properties = { blob: { attribute: false }, alt: { attribute: false } };

  #url = "";

  constructor() {
    super();
    /** @type {Blob | null} */ this.blob = null;
    this.alt = "";
  }

  /** @override @param {PropertyValues<this>} changed */
  willUpdate(changed) {
    if (changed.has("blob")) this.#renew();
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    if (!this.#url && this.blob) this.#renew();
    this.requestUpdate();
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    URL.revokeObjectURL(this.#url);
    this.#url = "";
  }

  #renew() {
    URL.revokeObjectURL(this.#url);
    this.#url = this.blob && this.isConnected ? URL.createObjectURL(this.blob) : "";
  }

  /** @override */
  render() {
    return this.#url ? html`<img src=${this.#url} alt=${this.alt}>` : icon("camera");
  }
}
customElements.define("attachment-thumb", AttachmentThumb);
