import { html } from "lit";
import { shortTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./qr-code.js";

/** @import { Devices, JoinOffer } from "../state/types.js" */

/** Shows the code with which another device joins this account. */
export class AddDevicePage extends LightElement {
  /** @override */
  static properties = { devices: { attribute: false }, offer: { state: true } };

  #doing = new Doing(this);
  #watching = new Watching(this, () => (this.offer ? [this.offer.state] : []));

  constructor() {
    super();
    /** @type {Devices} */ this.devices = later();
    /** @type {JoinOffer | null} */ this.offer = null;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#make();
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.offer?.cancel();
    this.offer = null;
  }

  async #make() {
    await this.#doing.run(async () => {
      this.offer?.cancel();
      const offer = await this.devices.offer();
      if (!this.isConnected) return offer.cancel();
      this.offer = offer;
      return this.#watching.renew();
    });
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("add-device.title"), back: href.devices })}
        ${failureView(this.#doing.failure)}
        ${this.offer ? this.#offered(this.offer) : this.#doing.failure ? this.#again() : loading()}
      </div>`;
  }

  /** @param {JoinOffer} offer */
  #offered(offer) {
    const state = offer.state.value;
    if (state === "joined") {
      return html`<div class="notice" role="status">${icon("check")}<p>${t("add-device.joined")}</p></div>
        <p><a class="button primary" href=${href.devices}>${t("devices.title")}</a></p>`;
    }
    if (state !== "waiting") return html`<p class="failure" role="alert">${icon("alert")}${t(`add-device.${state}`)}</p>${this.#again()}`;
    return html`
      <ol class="steps">
        <li>${t("add-device.step1")}</li>
        <li>${t("add-device.step2")}</li>
        <li>${t("add-device.step3")}</li>
      </ol>
      <div class="card offer">
        <qr-code .text=${offer.url} .label=${t("add-device.qr")}></qr-code>
        <p class="code" aria-label=${t("add-device.code")}>${offer.code}</p>
        <p class="small quiet" role="status">${t("add-device.until", { time: shortTime(offer.expiresAt) })}</p>
      </div>
      <p class="notice wait">${icon("alert")}<span>${t("add-device.warning")}</span></p>`;
  }

  #again() {
    return html`<p><button class="button primary" ?disabled=${this.#doing.busy} @click=${this.#make}>${t("add-device.again")}</button></p>`;
  }
}
customElements.define("add-device-page", AddDevicePage);
