import { html } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { emptyView, pageHead } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";

/** @import { BroadcastRow, Broadcasts } from "../state/types.js" */

/** What was sent to several circles at once, and how much of it was acknowledged. */
export class BroadcastsPage extends LightElement {
  /** @override */
  static properties = { broadcasts: { attribute: false } };

  constructor() {
    super();
    /** @type {Broadcasts} */ this.broadcasts = later();
    Watching.on(this, () => [this.broadcasts.list]);
  }

  /** @override */
  render() {
    const rows = this.broadcasts.list.value;
    const make = html`<a class="button primary" href=${href.newBroadcast}>${icon("add")}<span class="only-wide">${t("broadcasts.new")}</span><span class="only-narrow">${t("broadcasts.new.short")}</span></a>`;
    return html`
      <div class="page">
        ${pageHead({ title: t("broadcasts.title"), aside: rows.length > 0 ? make : "" })}
        ${rows.length > 0
          ? html`<ul class="rows links">${rows.map((row) => this.#row(row))}</ul>`
          : emptyView({ name: "broadcast", title: t("broadcasts.empty.title"), text: t("broadcasts.empty.text"), action: make })}
      </div>`;
  }

  /** @param {BroadcastRow} row */
  #row({ broadcast, at, text, circles, people, acknowledged }) {
    return html`
      <li><a href=${href.broadcast(broadcast)}>
        <div class="grow stack-small">
          <p class="strong clip">${text || t("broadcasts.no-text")}</p>
          <p class="small quiet"><time>${dateTime(at)}</time> · ${t("broadcasts.circles", { count: circles })}</p>
          <progress max=${Math.max(1, people)} .value=${acknowledged} aria-label=${t("broadcasts.progress")}></progress>
          <p class="small">${t("seen.acknowledged", { done: acknowledged, count: people })}</p>
        </div>${icon("chevron")}</a></li>`;
  }
}
customElements.define("broadcasts-page", BroadcastsPage);
