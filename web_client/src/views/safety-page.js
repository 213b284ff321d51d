import { html, nothing } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./qr-code.js";

/** @import { People, Safety } from "../state/types-keys.js" */

/** Is this person who the server says? Two people compare one number. */
export class SafetyPage extends LightElement {
  /** @override */
  static properties = {
    people: { attribute: false }, circle: { attribute: false }, account: { attribute: false },
    safety: { state: true }, scanning: { state: true }, isSame: { state: true },
  };

  #loading = new Doing(this);
  #comparing = new Doing(this);

  constructor() {
    super();
    /** @type {People} */ this.people = later();
    this.circle = "";
    this.account = "";
    /** @type {Safety | null} */ this.safety = null;
    this.scanning = false;
    /** @type {boolean | null} */ this.isSame = null;
    Watching.on(this, () => [this.people.marks]);
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#load();
  }

  async #load() {
    await this.#loading.run(async () => {
      this.safety = await this.people.safety(this.account);
      await this.people.refresh();
    });
  }

  /** @override */
  render() {
    const { safety } = this;
    return html`
      <div class="page">
        ${pageHead({ title: safety ? t("safety.verify", { name: safety.name }) : t("safety.number"), back: href.members(this.circle) })}
        ${failureView(this.#loading.failure)}
        ${safety ? this.#show(safety) : this.#loading.failure ? html`<p><button class="button" @click=${this.#load}>${t("retry")}</button></p>` : loading()}
      </div>`;
  }

  /** @param {Safety} safety */
  #show({ name, profession, organisation, groups, qr }) {
    return html`
      <p class="lead">${[profession, organisation].filter(Boolean).join(" · ")}</p>
      ${this.isSame === false ? this.#differs() : this.#mark()}
      <p>${t("safety.text", { name })}</p>
      <section class="card offer" aria-labelledby="safety-heading">
        <h2 id="safety-heading">${t("safety.number")}</h2>
        <qr-code .text=${qr} .label=${t("safety.qr")}></qr-code>
        <p class="digits">${groups.map((group) => html`<span>${group}</span> `)}</p>
      </section>
      ${failureView(this.#comparing.failure)}
      ${this.scanning ? html`<qr-scanner .label=${t("safety.scan")} @scanned=${this.#scanned}></qr-scanner>` : nothing}
      <div class="buttons">
        <button class="button primary" aria-pressed=${this.scanning ? "true" : "false"} @click=${this.#toggleScan}>${icon("qr")}${t(this.scanning ? "join.stop-scan" : "safety.scan")}</button>
        <button class="button" ?disabled=${this.#comparing.busy} @click=${this.#confirm}>${icon("check")}${t("safety.same")}</button>
      </div>
      <p class="small quiet row">${icon("audit")}<span>${t("safety.about", { name })}</span></p>`;
  }

  #mark() {
    const known = this.people.marks.value.get(this.account);
    if (!known) return nothing;
    const time = dateTime(known.at);
    return html`
      <div class="notice ${known.mark === "changed" ? "wait" : ""}" role="status">${icon(known.mark === "changed" ? "alert" : "audit")}
        <div class="grow stack-small">
          <p>${t(`safety.${known.mark}`, { time })}</p>
          <p><button class="button plain" @click=${this.#forget}>${t("safety.forget")}</button></p>
        </div>
      </div>`;
  }

  #differs() {
    return html`
      <div class="failure" role="alert">${icon("alert")}
        <div class="stack-small"><p class="strong">${t("safety.differs")}</p><p>${t("safety.differs.text")}</p></div>
      </div>`;
  }

  async #toggleScan() {
    if (!this.scanning) await import("./qr-scanner.js");
    this.scanning = !this.scanning;
  }

  /** @param {CustomEvent<string>} event */
  async #scanned(event) {
    this.scanning = false;
    await this.#comparing.run(async () => {
      this.isSame = await this.people.compare(this.account, event.detail);
    });
  }

  async #confirm() {
    await this.#comparing.run(async () => {
      await this.people.confirm(this.account);
      this.isSame = true;
    });
  }

  async #forget() {
    await this.#comparing.run(() => this.people.forget(this.account));
  }
}
customElements.define("safety-page", SafetyPage);
