import { html, nothing } from "lit";
import { monthName, number, weekday } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView, loading } from "./parts.js";
import { isWeekend, monthAfter, monthOf, timeIn } from "./months.js";

/** @import { Audit } from "../state/types.js" */
/** @import { PersonMonth } from "../state/types-watch.js" */
/** @typedef {PersonMonth["hours"][number]} Cell */

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
/** @type {Readonly<Record<string, readonly [number, number]>>} */
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/**
 * A person's month: days downwards, hours across, darker where there was more, the person's usual hours marked, hours in which a rule
 * found something ringed. Arrow keys move, Enter shows the entries of that hour. Tells `span`.
 */
export class AuditHours extends LightElement {
  /** @override */
  static properties = { audit: { attribute: false }, account: { attribute: false }, name: { attribute: false }, shown: { state: true }, place: { state: true }, month: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {Audit} */ this.audit = later();
    this.account = "";
    this.name = "";
    this.month = monthOf(Date.now());
    /** @type {PersonMonth | null} */ this.shown = null;
    /** Where the keyboard is: day from 1, hour. */ this.place = { day: 1, hour: 8 };
  }

  /** @override @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("account") || changed.has("month")) void this.#fetch();
  }

  /** @override */
  render() {
    const { shown } = this;
    return html`
      <section class="card stack-small" aria-labelledby="hours-heading">
        <div class="row wrap">
          <h2 class="grow" id="hours-heading">${t("hours.title", { who: this.name })}</h2>
          <div class="row">
            <button class="button plain square" aria-label=${t("hours.before")} title=${t("hours.before")} @click=${() => this.#turn(-1)}>${icon("back")}</button>
            <span class="strong month" aria-live="polite">${monthName(this.month)}</span>
            <button class="button plain square turned" aria-label=${t("hours.after")} title=${t("hours.after")} ?disabled=${this.month >= monthOf(Date.now())} @click=${() => this.#turn(1)}>${icon("back")}</button>
          </div>
        </div>
        ${failureView(this.#doing.failure)}
        ${shown ? this.#map(shown) : this.#doing.failure ? nothing : loading()}
      </section>`;
  }

  /** @param {PersonMonth} shown */
  #map(shown) {
    const cells = new Map(shown.hours.map((cell) => [keyOf(cell), cell]));
    const most = Math.max(1, ...shown.hours.map(({ ok, refused }) => ok + refused));
    const days = Array.from({ length: shown.days }, (_, day) => day + 1);
    return html`
      <table class="heat" role="grid" aria-label=${t("hours.grid", { who: this.name, month: monthName(this.month) })} @keydown=${this.#moved}>
        <thead><tr><th scope="col"><span class="unseen">${t("hours.day")}</span></th>${HOURS.map((hour) => html`<th scope="col"><span class=${hour % 6 === 0 ? "" : "unseen"}>${hour}</span></th>`)}</tr></thead>
        <tbody>${days.map((day) => this.#day(day, { shown, cells, most }))}</tbody>
      </table>
      ${this.#legend(shown)}
      ${this.#table(shown)}`;
  }

  /** @param {number} day @param {{ shown: PersonMonth, cells: ReadonlyMap<string, Cell>, most: number }} of */
  #day(day, { shown, cells, most }) {
    const rest = isWeekend(this.month, day);
    return html`
      <tr class=${rest ? "rest" : ""}><th scope="row">${weekday(this.month, day)} ${day}</th>
        ${HOURS.map((hour) => this.#cell({ day, hour, ok: 0, refused: 0, findings: 0, ...cells.get(keyOf({ day, hour })) }, most, shown.usual.includes(hour + (rest ? 24 : 0))))}</tr>`;
  }

  /** @param {Cell} cell @param {number} most @param {boolean} usual */
  #cell({ day, hour, ok, refused, findings }, most, usual) {
    const count = ok + refused;
    const level = count === 0 ? 0 : 1 + Math.min(3, Math.floor((4 * Math.log1p(count)) / Math.log1p(most + 1)));
    const label = t("hours.cell", { count, day, hour, refused: number(refused) }) + (findings ? ` ${t("hours.found", { count: findings })}` : "");
    const here = this.place.day === day && this.place.hour === hour;
    return html`<td role="gridcell" class="level-${level} ${usual ? "usual" : ""} ${refused ? "some-refused" : ""} ${findings ? "found" : ""}" tabindex=${here ? 0 : -1}
      data-day=${day} data-hour=${hour} title=${label} aria-label=${label} @click=${() => this.#choose(day, hour, count)}></td>`;
  }

  /** @param {PersonMonth} shown */
  #legend({ usual, zone }) {
    return html`
      <p class="legend small quiet">
        <span>${t("hours.less")} ${[0, 1, 2, 3, 4].map((level) => html`<i class="level-${level}"></i>`)} ${t("hours.more")}</span>
        ${usual.length ? html`<span><i class="usual"></i>${t("hours.usual")}</span>` : html`<span>${t("hours.unknown")}</span>`}
        <span><i class="level-2 found"></i>${t("hours.found-legend")}</span>
        <span>${t("hours.zone", { zone })}</span>
      </p>`;
  }

  /** The same in numbers. @param {PersonMonth} shown */
  #table({ hours }) {
    if (hours.length === 0) return html`<p class="quiet">${t("hours.none")}</p>`;
    return html`
      <details><summary class="small">${t("hours.as-table")}</summary>
        <table class="plain-table"><thead><tr><th scope="col">${t("hours.day")}</th><th scope="col">${t("hours.hour")}</th><th scope="col">${t("outcome.ok")}</th><th scope="col">${t("outcome.refused")}</th><th scope="col">${t("findings.title")}</th></tr></thead>
          <tbody>${hours.map(({ day, hour, ok, refused, findings }) => html`<tr><th scope="row">${day}</th><td>${hour}</td><td>${number(ok)}</td><td>${number(refused)}</td><td>${number(findings)}</td></tr>`)}</tbody></table>
      </details>`;
  }

  /** @param {KeyboardEvent} event */
  #moved(event) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return this.#choose(this.place.day, this.place.hour, 1);
    }
    const step = STEPS[event.key];
    if (!step || !this.shown) return;
    event.preventDefault();
    const day = Math.min(this.shown.days, Math.max(1, this.place.day + step[0]));
    const hour = Math.min(23, Math.max(0, this.place.hour + step[1]));
    this.place = { day, hour };
    void this.updateComplete.then(() => this.#cellAt(day, hour)?.focus());
  }

  /** @param {number} day @param {number} hour */
  #cellAt(day, hour) {
    return this.at(`td[data-day="${day}"][data-hour="${hour}"]`);
  }

  /** @param {number} day @param {number} hour @param {number} count */
  #choose(day, hour, count) {
    this.place = { day, hour };
    if (!this.shown || count === 0) return;
    const from = timeIn(this.shown.zone, this.month, day, hour);
    this.tell("span", { from, until: from + 3_600_000 });
  }

  /** @param {number} months */
  #turn(months) {
    this.month = monthAfter(this.month, months);
  }

  async #fetch() {
    const { account, month } = this;
    this.shown = null;
    this.#doing = new Doing(this);
    await this.#doing.run(async () => {
      const shown = await this.audit.hours(account, month);
      if (account === this.account && month === this.month) this.shown = shown;
    });
  }
}
customElements.define("audit-hours", AuditHours);

/** @param {{ day: number, hour: number }} cell */
const keyOf = ({ day, hour }) => `${day}/${hour}`;
