import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement } from "./light-element.js";
import { href } from "./router.js";

/** @import { Session } from "../state/types.js" */

/** A device without an account: three ways in. */
export class WelcomePage extends LightElement {
  /** @override */
  static properties = { phase: { attribute: false } };

  constructor() {
    super();
    /** @type {Session["phase"]} */ this.phase = "none";
  }

  /** @override */
  render() {
    return html`
      <div class="stack">
        <h1 tabindex="-1">${t(this.phase === "lost" ? "lost.keys.title" : "welcome.title")}</h1>
        ${this.phase === "revoked" ? html`<p class="notice wait" role="alert">${icon("lock")}<span>${t("welcome.revoked")}</span></p>` : nothing}
        <p class="lead">${t(this.phase === "lost" ? "lost.keys.text" : "welcome.text")}</p>
        <ul class="rows links">
          <li><a href=${href.join}>${icon("qr")}<span class="grow"><strong>${t("welcome.join")}</strong><br><span class="small quiet">${t("welcome.join.text")}</span></span>${icon("chevron")}</a></li>
          <li><a href=${href.restore}>${icon("key")}<span class="grow"><strong>${t("welcome.restore")}</strong><br><span class="small quiet">${t("welcome.restore.text")}</span></span>${icon("chevron")}</a></li>
        </ul>
        ${this.phase === "lost" ? nothing : html`<p class="notice">${icon("bell")}<span>${t("welcome.invited")}</span></p>`}
      </div>`;
  }
}
customElements.define("welcome-page", WelcomePage);
