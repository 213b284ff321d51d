import { html, nothing, svg } from "lit";
import { dateTime, number } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { LightElement, later } from "./light-element.js";

/** @import { AuditVolume as Volume } from "../state/types.js" */

const WIDTH = 1000;
const HEIGHT = 96;

/** How much happened when: bars over time, refusals in red. A bar is a button; it tells `span`. */
export class AuditVolume extends LightElement {
  /** @override */
  static properties = { volume: { attribute: false } };

  constructor() {
    super();
    /** @type {Volume} */ this.volume = later();
  }

  /** @override */
  render() {
    const { buckets, complete } = this.volume;
    const most = Math.max(1, ...buckets.map(({ ok, refused }) => ok + refused));
    const first = buckets[0];
    const last = buckets.at(-1);
    if (!first || !last) return nothing;
    return html`
      <figure class="card volume">
        <figcaption class="row"><h2 class="grow">${t("volume.title")}</h2><span class="small quiet">${t("volume.total", { count: total(this.volume) })}</span></figcaption>
        <div class="bars">
          <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">${buckets.map((bucket, index) => bar(bucket, index / buckets.length, 1 / buckets.length, most))}</svg>
          <div class="bar-buttons">${buckets.map((bucket) => this.#button(bucket))}</div>
        </div>
        <p class="row small quiet"><time class="grow">${dateTime(first.from)}</time><time>${dateTime(last.until)}</time></p>
        ${complete ? nothing : html`<p class="small quiet">${t("volume.part")}</p>`}
      </figure>`;
  }

  /** @param {Volume["buckets"][number]} bucket */
  #button({ from, until, ok, refused }) {
    const label = t("volume.bar", { from: dateTime(from), until: dateTime(until), count: ok + refused, refused: number(refused) });
    return html`<button aria-label=${label} title=${label} @click=${() => this.tell("span", { from, until })}></button>`;
  }
}
customElements.define("audit-volume", AuditVolume);

/** @param {Volume} volume */
const total = ({ buckets }) => buckets.reduce((sum, { ok, refused }) => sum + ok + refused, 0);

/**
 * @param {Volume["buckets"][number]} bucket
 * @param {number} start  share of the width
 * @param {number} share  share of the width
 * @param {number} most
 */
function bar({ ok, refused }, start, share, most) {
  const x = start * WIDTH + 1;
  const width = Math.max(1, share * WIDTH - 2);
  const tall = ((ok + refused) / most) * HEIGHT;
  const red = (refused / most) * HEIGHT;
  return svg`
    <rect class="bar-ok" x=${x} width=${width} y=${HEIGHT - tall} height=${tall - red}></rect>
    <rect class="bar-refused" x=${x} width=${width} y=${HEIGHT - red} height=${red}></rect>`;
}
