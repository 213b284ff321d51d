import { html, nothing } from "lit";
import { fullTime } from "../i18n/formats.js";
import { language, t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, pageHead } from "./parts.js";
import { go, href } from "./router.js";
import { Watching } from "./watching.js";
import "./qr-code.js";

/** @import { App, Kit } from "../state/types.js" */

/** The recovery kit: made here, shown once, printed, put away. */
export class KitPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, replaces: { attribute: false }, kit: { state: true }, kept: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    /** Does the new kit take the place of those there are? */ this.replaces = false;
    /** @type {Kit | null} */ this.kit = null;
    this.kept = false;
    Watching.on(this, () => [this.app.session]);
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("kit.title"), back: href.me })}
        ${failureView(this.#doing.failure)}
        ${this.kit ? this.#show(this.kit) : this.#offer()}
      </div>`;
  }

  #offer() {
    const state = this.app.session.value.me?.kit ?? "none";
    return html`
      <p class="lead">${t("kit.text")}</p>
      ${state === "made" ? html`<p class="notice">${icon("check")}<span>${t(this.replaces ? "kit.replace.text" : "kit.made")}</span></p>` : html`
        <ul class="points">
          <li>${t("kit.point.lost")}</li>
          <li>${t("kit.point.paper")}</li>
          <li>${t("kit.point.nobody")}</li>
        </ul>`}
      <div class="buttons">
        <button class="button primary" ?disabled=${this.#doing.busy} @click=${this.#make}>${icon("key")}${t(state === "made" ? "kit.again" : "kit.make")}</button>
        ${state === "none" ? html`<button class="button plain" ?disabled=${this.#doing.busy} @click=${this.#postpone}>${t("kit.later")}</button>` : html`<a class="button plain" href=${href.me}>${t("cancel")}</a>`}
      </div>
      ${this.app.kitCheck.isPossible.value && !this.replaces ? html`<p><a href=${href.checkKit}>${t("kit-check.title")}</a></p>` : nothing}`;
  }

  async #make() {
    await this.#doing.run(async () => {
      this.kit = await this.app.devices.makeKit(language());
    });
  }

  async #postpone() {
    if (await this.#doing.run(() => this.app.devices.postponeKit())) go(href.home, { replace: true });
  }

  /** @param {Kit} kit */
  #show(kit) {
    const me = this.app.session.value.me;
    return html`
      <section class="card kit-sheet" aria-labelledby="kit-heading">
        <h2 id="kit-heading">${t("kit.sheet", { name: me?.name ?? "" })}</h2>
        <p class="small quiet">${t("kit.sheet.made", { time: fullTime(kit.madeAt) })}</p>
        <qr-code .text=${kit.qr} .label=${t("kit.qr")}></qr-code>
        <ol class="words">${kit.words.map((word) => html`<li>${word}</li>`)}</ol>
        <p class="small">${t("kit.sheet.use", { origin: location.origin })}</p>
        <p class="small strong">${t("kit.sheet.secret")}</p>
      </section>
      <div class="stack no-print">
        <div class="buttons"><button class="button" @click=${() => print()}>${icon("print")}${t("kit.print")}</button></div>
        <label class="check"><input type="checkbox" .checked=${this.kept} @change=${this.#check}><span>${t("kit.kept")}</span></label>
        <div class="buttons"><button class="button primary" ?disabled=${!this.kept || this.#doing.busy} @click=${() => this.#done(kit)}>${t("kit.done")}</button></div>
      </div>`;
  }

  /** Only what was kept replaces what there was. @param {Kit} kit */
  async #done(kit) {
    const isDone = !this.replaces || (await this.#doing.run(() => this.app.devices.retireKits(kit.device)));
    if (isDone) go(href.home, { replace: true });
  }

  /** @param {Event} event */
  #check(event) {
    this.kept = /** @type {HTMLInputElement} */ (event.target).checked;
  }
}
customElements.define("kit-page", KitPage);
