import { html, nothing } from "lit";
import { dateTime, shortDate } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./confirm-dialog.js";

/** @import { App, DeviceView } from "../state/types.js" */

/** The devices of this account. A lost one is revoked here. */
export class DevicesPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, renaming: { state: true }, revoking: { state: true } };

  #refreshing = new Doing(this);
  #doing = new Doing(this);
  #asking = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.renaming = "";
    /** @type {DeviceView | null} */ this.revoking = null;
    Watching.on(this, () => [this.app.devices.list, this.app.keeping.state]);
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#refreshing.run(() => this.app.devices.refresh());
  }

  /** @override */
  render() {
    const devices = this.app.devices.list.value;
    const former = devices.filter((device) => device.revokedAt !== null);
    return html`
      <div class="page">
        ${pageHead({ title: t("devices.title"), back: href.me })}
        <p class="lead">${t("devices.text")}</p>
        ${failureView(this.#doing.failure ?? this.#asking.failure ?? this.#refreshing.failure)}
        <ul class="rows">${devices.filter((device) => device.revokedAt === null).map((device) => this.#device(device))}</ul>
        <div class="buttons">
          <a class="button primary" href=${href.addDevice}>${icon("add")}${t("add-device.title")}</a>
          <a class="button" href=${href.kit}>${icon("key")}${t("kit.title")}</a>
        </div>
        ${this.#keeping()}
        ${former.length > 0 ? html`<section class="stack-small"><h2>${t("devices.former")}</h2><ul class="rows">${former.map((device) => this.#device(device))}</ul></section>` : nothing}
        ${this.revoking ? this.#ask(this.revoking) : nothing}
      </div>`;
  }

  #keeping() {
    const state = this.app.keeping.state.value;
    if (state === "kept") return html`<p class="small quiet row">${icon("check")}<span>${t("keeping.kept")}</span></p>`;
    if (state === "unknown") return nothing;
    return html`<div class="notice wait">${icon("alert")}<p class="grow">${t("keeping.not-kept")}
      <button class="button plain" @click=${() => this.#asking.run(() => this.app.keeping.ask())}>${t("keeping.ask")}</button></p></div>`;
  }

  /** @param {DeviceView} device */
  #device(device) {
    const name = device.kind === "recovery" ? t("devices.kit") : device.label;
    return html`
      <li class="wraps">
        <span class="avatar">${icon(device.kind === "recovery" ? "key" : "device")}</span>
        ${this.renaming === device.device ? this.#rename(device) : html`
          <div class="grow">
            <p class="strong">${name} ${device.current ? html`<span class="badge accent">${t("devices.this")}</span>` : nothing}</p>
            <p class="small quiet">${seen(device)}</p>
          </div>`}
        ${device.revokedAt === null && this.renaming !== device.device ? this.#controls(device, name) : nothing}
      </li>`;
  }

  /** @param {DeviceView} device @param {string} name */
  #controls(device, name) {
    return html`
      <div class="row">
        ${device.kind === "recovery" ? nothing : html`<button class="button plain square" aria-label=${t("devices.rename-one", { name })} title=${t("devices.rename")} ?disabled=${this.#doing.busy} @click=${() => this.#startRename(device)}>${icon("edit")}</button>`}
        <button class="button plain square" aria-label=${t("devices.revoke-one", { name })} title=${t("devices.revoke")} ?disabled=${this.#doing.busy} @click=${() => this.#startRevoke(device)}>${icon("close")}</button>
      </div>`;
  }

  /** @param {DeviceView} device */
  #rename(device) {
    return html`
      <form class="row grow" @submit=${(/** @type {SubmitEvent} */ event) => this.#renamed(event, device)}>
        <input class="input" name="label" aria-label=${t("devices.label")} required maxlength="80" .value=${device.label}>
        <button class="button primary" ?disabled=${this.#doing.busy}>${t("save")}</button>
        <button type="button" class="button plain" @click=${() => this.#stopRename()}>${t("cancel")}</button>
      </form>`;
  }

  /** @param {DeviceView} device */
  #startRename(device) {
    this.renaming = device.device;
    void this.updateComplete.then(() => this.querySelector("input")?.select());
  }

  #stopRename() {
    this.renaming = "";
  }

  /** @param {SubmitEvent} event @param {DeviceView} device */
  async #renamed(event, device) {
    event.preventDefault();
    const label = this.querySelector("input")?.value.trim() ?? "";
    if (await this.#doing.run(() => this.app.devices.rename(device.device, label))) this.renaming = "";
  }

  /** @param {DeviceView} device */
  #startRevoke(device) {
    this.revoking = device;
  }

  /** @param {DeviceView} device */
  #ask(device) {
    const name = device.kind === "recovery" ? t("devices.kit") : device.label;
    const text = device.current ? t("devices.revoke.this") : device.kind === "recovery" ? t("devices.revoke.kit") : t("devices.revoke.text");
    return html`
      <confirm-dialog .heading=${t("devices.revoke-one", { name })} .text=${text} .action=${t("devices.revoke")} .danger=${true}
        @confirmed=${() => this.#doing.run(() => this.app.devices.revoke(device.device))} @closed=${this.#asked}></confirm-dialog>`;
  }

  #asked() {
    this.revoking = null;
  }
}
customElements.define("devices-page", DevicesPage);

/** @param {DeviceView} device */
function seen({ addedAt, lastSeen, revokedAt, kind, current }) {
  const parts = [t("devices.added", { date: shortDate(addedAt) })];
  if (revokedAt !== null) parts.push(t("devices.revoked", { time: dateTime(revokedAt) }));
  else if (kind !== "recovery" && !current) parts.push(lastSeen === null ? t("devices.never-seen") : t("devices.seen", { time: dateTime(lastSeen) }));
  return parts.join(" · ");
}
