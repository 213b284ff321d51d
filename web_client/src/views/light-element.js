import { LitElement } from "lit";

/** Light DOM: one stylesheet, and find-in-page and screen readers see a plain page. */
export class LightElement extends LitElement {
  /** @override */
  createRenderRoot() {
    return this;
  }

  /** The first element inside that matches. @param {string} selector */
  at(selector) {
    const found = this.querySelector(selector);
    return found instanceof HTMLElement ? found : null;
  }

  /**
   * Tell whoever is above.
   * @param {string} name
   * @param {unknown} [detail]
   */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

/** The value of a property before whoever makes the element has set it. @returns {any} */
export const later = () => undefined;
