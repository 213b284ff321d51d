import { html } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView } from "./parts.js";
import { href } from "./router.js";

/** @import { App } from "../state/types.js" */
/** @import { Reminder } from "../state/types-keys.js" */

/** What is asked once in a while, calmly, and can be put off. */
export class ReminderBanner extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, reminder: { attribute: false } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    /** @type {Reminder} */ this.reminder = later();
  }

  /** @override */
  render() {
    const isKit = this.reminder === "kit-check";
    const [text, action, put, to] = isKit
      ? [t("kit-check.offer"), t("kit-check.action"), t("kit-check.later"), href.checkKit]
      : [t("lock.offer"), t("lock.offer.action"), t("lock.offer.later"), href.lock];
    return html`
      <section class="banner reminder" aria-label=${text}>
        ${icon(isKit ? "key" : "lock")}<p>${text}</p>
        <div class="buttons">
          <a class="button" href=${to}>${action}</a>
          <button class="button plain" ?disabled=${this.#doing.busy} @click=${() => this.#putOff(isKit)}>${put}</button>
        </div>
        ${failureView(this.#doing.failure)}
      </section>`;
  }

  /** @param {boolean} isKit */
  async #putOff(isKit) {
    await this.#doing.run(() => (isKit ? this.app.kitCheck.postpone() : this.app.lock.decline()));
  }
}
customElements.define("reminder-banner", ReminderBanner);
