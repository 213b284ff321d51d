import { html } from "lit";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { emptyView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./qr-code.js";

/** @import { App, OpenCircle } from "../state/types.js" */
/** @import { EscrowView } from "../state/types-emergency.js" */

/** The card that is kept at the patient's home: a way to ask, which opens nothing by itself. It names nobody. */
export class EmergencyCardPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, circle: { attribute: false } };

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.circle = "";
    /** @type {OpenCircle} */ this.open = later();
    Watching.on(this, () => [this.open.info, this.open.members, this.app.emergency.escrows]);
  }

  /** @override */
  connectedCallback() {
    this.open = this.app.circles.open(this.circle);
    super.connectedCallback();
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.open.release();
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("emergency.card"), back: href.members(this.circle) })}
        ${this.open.info.value.loaded ? this.#body() : loading()}
      </div>`;
  }

  #body() {
    const here = this.open.members.value.filter(({ active }) => active).flatMap(({ account }) => this.app.emergency.escrows.value.get(account) ?? []);
    return here[0] ? this.#card(here[0]) : emptyView({ name: "key", title: t("emergency.card.none"), text: t("emergency.card.none.text") });
  }

  /** @param {EscrowView} escrow */
  #card({ account, name }) {
    const link = `${location.origin}${href.emergency(this.circle, account)}`;
    return html`
      <p class="lead">${t("emergency.card.text")}</p>
      <section class="card emergency-card" aria-labelledby="card-heading">
        <h2 id="card-heading">${t("emergency.title")}</h2>
        <p class="strong">${name}</p>
        <p>${t("emergency.card.for")}</p>
        <div class="offer"><qr-code .text=${link} .label=${t("emergency.card.qr")}></qr-code></div>
        <ol><li>${t("emergency.card.open")}</li><li>${t("emergency.card.say")}</li><li>${t("emergency.card.told")}</li></ol>
        <p class="small strong">${t("emergency.card.nothing")}</p>
        <p class="link small"><code>${link}</code></p>
      </section>
      <div class="buttons no-print"><button class="button primary" @click=${() => print()}>${icon("print")}${t("kit.print")}</button></div>`;
  }
}
customElements.define("emergency-card-page", EmergencyCardPage);
