import { html, nothing } from "lit";
import { keepLanguage, language, t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";

/** @import { App } from "../state/types.js" */
/** @import { IconName } from "./icons.js" */

/** Oneself: who one is here, one's devices, the recovery kit, the language. */
export class MePage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false } };

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    Watching.on(this, () => [this.app.session, this.app.lock.state]);
  }

  /** @override */
  render() {
    const me = this.app.session.value.me;
    if (!me) return nothing;
    return html`
      <div class="page">
        ${pageHead({ title: t("me.title") })}
        <section class="card row" aria-label=${t("me.who")}>
          ${avatar(me.name)}
          <div class="grow">
            <p class="strong">${me.name}</p>
            <p class="quiet">${[me.profession, me.organisation].filter(Boolean).join(" · ")}</p>
            <p class="choices">${me.roles.map((role) => html`<span class="badge accent">${t(`role.${role}`)}</span>`)}</p>
          </div>
        </section>
        ${me.kit === "made" ? nothing : html`<p class="notice wait">${icon("key")}<span>${t("me.no-kit")} <a href=${href.kit}>${t("me.make-kit")}</a></span></p>`}
        <ul class="rows links">
          ${this.#link(href.emergencies, "bell", t("emergency.title"))}
          ${this.#link(href.devices, "device", t("devices.title"))}
          ${this.#link(href.addDevice, "qr", t("add-device.title"))}
          ${this.#link(href.kit, "key", t("kit.title"))}
          ${this.#link(href.lock, "lock", t("lock.title"), this.app.lock.state.value.isSet ? "" : t("lock.not-set"))}
        </ul>
        <fieldset class="field">
          <legend>${t("me.language")}</legend>
          <div class="choices">
            ${/** @type {const} */ (["fr", "en"]).map((name) => html`<label class="choice"><input type="radio" name="language" .checked=${name === language()} @change=${() => keepLanguage(name)}><span lang=${name}>${t(`language.${name}`)}</span></label>`)}
          </div>
        </fieldset>
      </div>`;
  }

  /** @param {string} to @param {IconName} name @param {string} label @param {string} [state] */
  #link(to, name, label, state = "") {
    return html`<li><a href=${to}>${icon(name)}<span class="grow">${label}</span>${state ? html`<span class="small quiet">${state}</span>` : nothing}${icon("chevron")}</a></li>`;
  }
}
customElements.define("me-page", MePage);
