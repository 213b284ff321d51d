import { html, nothing } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { Watching } from "./watching.js";
import { asFailure } from "./doing.js";
import { failureText } from "./parts.js";

/** @import { Alarm, App } from "../state/types.js" */

/** What everybody must know wherever they are: alarms, no connection, notes that could not be sent. */
export class StatusBanner extends LightElement {
  /** @override */
  static properties = { app: { attribute: false } };

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    Watching.on(this, () => [this.app.alarms, this.app.connectivity]);
  }

  /** @override */
  render() {
    return html`
      <div role="alert">${this.app.alarms.value.map((alarm) => this.#alarm(alarm))}</div>
      <div role="status">${this.#connection()}</div>`;
  }

  /** @param {Alarm} alarm */
  #alarm(alarm) {
    const where = alarm.circleName ?? "";
    const person = alarm.person ?? "";
    const text = where ? t(`alarm.${alarm.kind}.in`, { circle: where, person }) : t(`alarm.${alarm.kind}`, { person });
    return html`
      <div class="banner alarm">${icon("alert")}
        <p><strong>${text}</strong> <time class="small">${dateTime(alarm.at)}</time></p>
        <button class="button plain square" aria-label=${t("alarm.dismiss")} title=${t("alarm.dismiss")} @click=${() => this.#dismiss(alarm)}>${icon("close")}</button>
      </div>`;
  }

  /** @param {Alarm} alarm */
  #dismiss(alarm) {
    this.app.dismissAlarm(alarm.id).catch((error) => this.tell("say", failureText(asFailure(error))));
  }

  #connection() {
    const { state, waiting, failed } = this.app.connectivity.value;
    if (state === "online" && failed === 0) return nothing;
    if (state === "connecting" && waiting + failed === 0) return nothing;
    const parts = [
      state === "offline" ? t("offline.text") : state === "connecting" ? t("offline.connecting") : "",
      waiting ? t("offline.waiting", { count: waiting }) : "",
      failed ? t("offline.failed", { count: failed }) : "",
    ].filter(Boolean);
    return html`<div class="banner offline">${icon(state === "online" ? "alert" : "offline")}<p>${parts.join(" ")}</p></div>`;
  }
}
customElements.define("status-banner", StatusBanner);
