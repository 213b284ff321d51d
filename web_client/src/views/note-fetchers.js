import { html, nothing } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading } from "./parts.js";

/** @import { OpenCircle } from "../state/types.js" */
/** @import { NoteFetcher, NoteFetchers } from "../state/types-watch.js" */

/** What the relay's log says of one note: whose device asked for it, which is less than that somebody read it. */
export class NoteFetched extends LightElement {
  /** @override */
  static properties = { circle: { attribute: false }, note: { attribute: false }, found: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {OpenCircle} */ this.circle = later();
    this.note = "";
    /** @type {NoteFetchers | null} */ this.found = null;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#doing.run(async () => {
      this.found = await this.circle.fetchers(this.note);
    });
  }

  /** @override */
  render() {
    if (this.#doing.failure) return failureView(this.#doing.failure);
    const { found } = this;
    if (!found) return loading();
    return html`
      <div class="fetched small">
        <p class="quiet">${t("fetched.text")}</p>
        ${found.rows.length ? html`<ul>${found.rows.map(line)}</ul>` : html`<p>${t("fetched.none")}</p>`}
        ${found.complete ? nothing : html`<p class="quiet">${t("fetched.part")}</p>`}
      </div>`;
  }
}
customElements.define("note-fetched", NoteFetched);

/** @param {NoteFetcher} row */
function line({ account, name, kind, first, last, times }) {
  const who = name ?? `${account.slice(0, 12)}…`;
  const when = times === 1 ? t("fetched.once", { time: dateTime(first) }) : t("fetched.often", { count: times, first: dateTime(first), last: dateTime(last) });
  return html`<li>${icon(kind === "fetched" ? "down" : "attach")}<span><span class="strong">${who}</span> · ${t(`fetched.${kind}`)} ${when}</span></li>`;
}
