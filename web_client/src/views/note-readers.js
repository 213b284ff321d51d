import { html, nothing } from "lit";
import { dateTime, list } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { audienceName } from "./audience-words.js";
import { DialogElement } from "./dialog-element.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { later } from "./light-element.js";
import { avatar, failureView, loading } from "./parts.js";

/** @import { NoteView, OpenCircle } from "../state/types.js" */
/** @import { NoteReader, ReadingSpan } from "../state/types-audience.js" */

/** Who could read a version of a note, since when, until when and by what; which is more than who did. Tells `closed`. */
export class NoteReaders extends DialogElement {
  /** @override */
  static properties = { circle: { attribute: false }, note: { attribute: false }, version: { state: true }, people: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {OpenCircle} */ this.circle = later();
    /** @type {NoteView} */ this.note = later();
    /** @type {number | null} The one chosen; the newest at first. */ this.version = null;
    /** @type {readonly NoteReader[] | null} */ this.people = null;
  }

  /** @override */
  firstUpdated() {
    super.firstUpdated();
    this.#look(this.note.version);
  }

  /** @param {number} version */
  #look(version) {
    this.version = version;
    this.people = null;
    const doing = (this.#doing = new Doing(this));
    void doing.run(async () => {
      const people = await this.circle.couldRead(this.note.note, version);
      if (this.version === version) this.people = people;
    });
  }

  /** @override */
  body() {
    return html`
      <header class="page-head">
        <h2 class="grow" id=${this.headingId}>${t("could.title")}</h2>
        <button class="button plain square" aria-label=${t("close")} title=${t("close")} @click=${() => this.close()}>${icon("close")}</button>
      </header>
      <p class="small quiet">${t("could.text")}</p>
      ${this.note.version > 1 ? this.#versions() : nothing}
      ${failureView(this.#doing.failure)}
      ${this.people ? this.#lists(this.people) : this.#doing.failure ? nothing : loading()}`;
  }

  #versions() {
    const every = Array.from({ length: this.note.version }, (_, index) => index + 1).toReversed();
    return html`
      <div class="field"><label for="could-version">${t("disclose.version")}</label>
        <select class="input" id="could-version" @change=${this.#choose}>${every.map((version) => html`<option value=${version} ?selected=${version === this.version}>${version}</option>`)}</select></div>`;
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #choose(event) {
    this.#look(Number(event.target.value));
  }

  /** @param {readonly NoteReader[]} people */
  #lists(people) {
    if (people.length === 0) return html`<p>${t("could.nobody")}</p>`;
    const gone = people.filter(({ still }) => !still);
    return html`
      ${section(t("could.still"), people.filter(({ still }) => still))}
      ${section(t("could.ended"), gone)}
      ${gone.length > 0 ? html`<p class="small quiet">${t("could.kept")}</p>` : nothing}`;
  }
}
customElements.define("note-readers", NoteReaders);

/** @param {string} heading @param {readonly NoteReader[]} people */
function section(heading, people) {
  if (people.length === 0) return nothing;
  return html`
    <section class="stack-small">
      <h3>${heading}</h3>
      <ul class="rows people could">${people.map(person)}</ul>
    </section>`;
}

/** @param {NoteReader} who */
const person = ({ name, profession, me, spans }) => html`
  <li>
    ${avatar(name)}
    <div class="grow">
      <p class="strong">${me ? t("you") : name}</p>
      ${profession ? html`<p class="small quiet">${profession}</p>` : nothing}
      <ul class="spans small">${spans.map((span) => html`<li>${spanView(span)}</li>`)}</ul>
    </div>
  </li>`;

/** @param {ReadingSpan} span */
function spanView({ since, until, byOwnKey, keys, devices }) {
  const [first, last] = [dateTime(since), until === null ? null : dateTime(until)];
  const names = keys.map(({ audience, epoch }) => t("could.key", { audience: audienceName(audience), epoch }));
  return html`
    <p>${last === null ? t("could.since", { since: first }) : t("could.from", { since: first, until: last })}</p>
    <p class="quiet">${byOwnKey ? t("could.own-key") : t("could.by", { keys: list(names) })}</p>
    ${devices.length > 0 ? html`<p class="quiet">${t("could.devices", { devices: list(devices) })}</p>` : nothing}`;
}
