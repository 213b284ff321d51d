import { html, svg } from "lit";
import makeCode from "qrcode-generator";
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
    const code = makeCode(0, "M");
    code.addData(this.text, "Byte");
    code.make();
    const size = code.getModuleCount() + 2 * QUIET;
    return html`
      <svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label=${this.label} shape-rendering="crispEdges">
        ${svg`<rect width=${size} height=${size} fill="#fff"/><path d=${path(code)} fill="#000"/>`}
      </svg>`;
  }
}
customElements.define("qr-code", QrCode);

/** @param {{ getModuleCount(): number, isDark(row: number, column: number): boolean }} code */
function path(code) {
  const size = code.getModuleCount();
  let drawn = "";
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) drawn += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
    }
  }
  return drawn;
}
