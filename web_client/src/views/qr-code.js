import { html, svg } from "lit";
import { encodeQR } from "qr";
import { LightElement } from "./light-element.js";

const QUIET = 4; // modules of margin, as ISO/IEC 18004 has it

/** A QR code, drawn as one path: black on white in either colour scheme, for cameras. */
export class QrCode extends LightElement {
  /** @override */
  static properties = { text: { attribute: false }, label: { attribute: false } };

  constructor() {
    super();
    this.text = "";
    this.label = "";
  }

  /** @override */
  render() {
    const code = encodeQR(this.text, "raw", { ecc: "medium", border: QUIET });
    const size = code.length;
    return html`
      <svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label=${this.label} shape-rendering="crispEdges">
        ${svg`<rect width=${size} height=${size} fill="#fff"/><path d=${path(code)} fill="#000"/>`}
      </svg>`;
  }
}
customElements.define("qr-code", QrCode);

/** @param {boolean[][]} code */
function path(code) {
  return code.map((line, row) => line.map((isDark, column) => (isDark ? `M${column} ${row}h1v1h-1z` : "")).join("")).join("");
}
