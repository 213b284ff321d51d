import { html } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { LightElement, later } from "./light-element.js";
import { failureText } from "./parts.js";

/** @typedef {(video: HTMLVideoElement) => Promise<string>} Reader */

/** Reads a QR code with the camera, until it found one or is taken away. Tells `scanned` with its text. */
export class QrScanner extends LightElement {
  /** @override */
  static properties = { label: { attribute: false }, refused: { state: true } };

  #doing = new Doing(this);
  /** @type {MediaStream | null} */ #stream = null;

  constructor() {
    super();
    this.label = "";
    this.refused = false;
    /** @type {HTMLVideoElement} */ this.video = later();
  }

  /** @override */
  firstUpdated() {
    void this.#doing.run(() => this.#scan());
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop();
  }

  /** @override */
  render() {
    if (this.refused) return html`<p class="notice wait" role="alert">${t("scan.refused")}</p>`;
    if (this.#doing.failure) return html`<p class="failure" role="alert">${failureText(this.#doing.failure)}</p>`;
    return html`<video class="scanner" playsinline muted aria-label=${this.label}></video><p class="small quiet">${t("scan.text")}</p>`;
  }

  async #scan() {
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.refused = true; // no camera, or not allowed: the code can be typed
      return;
    }
    const video = this.querySelector("video");
    if (!video || !this.isConnected) return this.#stop();
    video.srcObject = this.#stream;
    await video.play();
    const read = await reader();
    while (this.#stream) {
      const text = await read(video);
      if (text) return this.#found(text);
      await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    }
  }

  /** @param {string} text */
  #found(text) {
    this.#stop();
    this.tell("scanned", text);
  }

  #stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }
}
customElements.define("qr-scanner", QrScanner);

/** The browser's own detector where there is one, else a small library's. @returns {Promise<Reader>} */
async function reader() {
  const native = /** @type {any} */ (globalThis).BarcodeDetector;
  const formats = native ? await native.getSupportedFormats() : [];
  const Detector = formats.includes("qr_code") ? native : (await import("qr/decode.js")).BarcodeDetector;
  const detector = new Detector({ formats: ["qr_code"] });
  return async (video) => (await detector.detect(video))[0]?.rawValue ?? "";
}
