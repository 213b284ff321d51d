import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { dayName, dayOf } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { emptyView, loading } from "./parts.js";
import { Reading } from "./reading.js";
import { Ticking } from "./ticking.js";
import "./note-card.js";

/** @import { NoteView, OpenCircle, Timeline } from "../state/types.js" */
/** @import { PropertyValues } from "lit" */
/** @import { NoteCard } from "./note-card.js" */

const NEAR = 80; // pixels from the end that still count as being at the end

/**
 * The notes of a circle, oldest first, day by day. Keeps the reader's place when earlier notes come in above and new ones below.
 * Tells `earlier` and `read`.
 */
export class NoteTimeline extends LightElement {
  /** @override */
  static properties = {
    timeline: { attribute: false }, circle: { attribute: false }, mayPost: { attribute: false },
    withdrawing: { attribute: false }, fresh: { state: true },
  };

  #reading = new Reading(this, () => this.#scroller, (ids) => this.tell("read", ids));
  #placed = false;
  #atEnd = true;
  /** What stood at the top of the screen before an update, and where. @type {{ card: Element, place: number } | null} */ #anchor = null;
  /** @type {ReadonlySet<string>} The notes before an update. */ #known = new Set();
  /** Updates that come before this one stands in the page are settled with it. */ #settling = false;
  #again = false;

  constructor() {
    super();
    /** @type {Timeline} */ this.timeline = later();
    /** @type {OpenCircle} */ this.circle = later();
    this.mayPost = false;
    /** @type {ReadonlyMap<string, number>} Notes about to be withdrawn, and when. */ this.withdrawing = new Map();
    /** New notes below what is on the screen. */ this.fresh = 0;
    Ticking.on(this, 30_000);
  }

  get #scroller() {
    return this.at(".scroller");
  }

  /** Settles when the notes themselves stand in the page, and so have their height. @override */
  async getUpdateComplete() {
    const done = await super.getUpdateComplete();
    await Promise.all([...this.querySelectorAll("note-card")].map((card) => /** @type {NoteCard} */ (card).updateComplete));
    return done;
  }

  /** @override */
  render() {
    const { loaded, notes } = this.timeline;
    return html`
      <div class="scroller" tabindex="0" role="region" aria-label=${t("timeline.label")} @scroll=${this.#scrolled}>
        <div class="notes">
          ${loaded ? this.#start() : loading()}
          ${loaded ? (notes.length === 0 ? this.#empty() : this.#notes(notes)) : nothing}
        </div>
      </div>
      ${this.fresh > 0 ? html`<button class="button primary fresh" @click=${this.toEnd}>${icon("down")}<span>${t("timeline.fresh", { count: this.fresh })}</span></button>` : nothing}`;
  }

  #start() {
    const { complete, loading: busy, notes } = this.timeline;
    if (busy) return html`<p class="timeline-start" role="status"><span class="spinner"></span><span class="unseen">${t("loading")}</span></p>`;
    if (!complete) return html`<p class="timeline-start"><button class="button plain" @click=${this.#earlier}>${icon("history")}${t("timeline.earlier")}</button></p>`;
    return notes.length > 0 ? html`<p class="timeline-start quiet small">${t("timeline.start")}</p>` : nothing;
  }

  #empty() {
    return emptyView({ name: "edit", title: t("timeline.empty.title"), text: t("timeline.empty.text") });
  }

  /** @param {readonly NoteView[]} notes */
  #notes(notes) {
    const now = Date.now();
    return repeat(notes, (note) => note.note, (note, index) => html`
      ${dayOf(note.at) === dayOf(notes[index - 1]?.at ?? 0) ? nothing : html`<h2 class="day"><span>${dayName(note.at, now)}</span></h2>`}
      ${note.note === this.timeline.firstUnread ? html`<p class="unread-line" id="unread-line"><span>${t("timeline.new")}</span></p>` : nothing}
      <note-card id="note-${note.note}" .note=${note} .circle=${this.circle} .mayPost=${this.mayPost}
        .withdrawAt=${this.withdrawing.get(note.note) ?? null} .now=${note.locked ? now : 0}></note-card>`);
  }

  #earlier() {
    this.tell("earlier");
  }

  #scrolled() {
    const box = this.#scroller;
    if (!box || !this.#placed) return;
    this.#atEnd = isAtEnd(box);
    if (this.#atEnd) this.fresh = 0;
    const { complete, loading: busy, loaded } = this.timeline;
    if (box.scrollTop < 2 * NEAR && loaded && !complete && !busy) this.#earlier();
  }

  toEnd() {
    const box = this.#scroller;
    if (box) box.scrollTop = box.scrollHeight;
    this.fresh = 0;
  }

  /** Show a note and give it the focus. @param {string} note */
  showNote(note) {
    const card = this.at(`#note-${CSS.escape(note)} article`);
    card?.scrollIntoView({ block: "center" });
    card?.focus({ preventScroll: true });
    return Boolean(card);
  }

  /** @override @param {PropertyValues<this>} changed */
  willUpdate(changed) {
    if (!changed.has("timeline") || this.#settling) return;
    const box = this.#scroller;
    if (box && this.#placed) this.#atEnd = isAtEnd(box);
    this.#anchor = box && this.#placed ? anchorIn(box) : null;
    this.#known = new Set(changed.get("timeline")?.notes.map(({ note }) => note));
  }

  /** @override @param {PropertyValues<this>} changed */
  updated(changed) {
    if (!changed.has("timeline") || !this.timeline.loaded) return;
    void this.#settle();
  }

  async #settle() {
    this.#again = true;
    if (this.#settling) return;
    this.#settling = true;
    while (this.#again) {
      this.#again = false;
      await this.updateComplete;
    }
    this.#settling = false;
    this.#keepPlace();
    this.#watchUnread();
  }

  #keepPlace() {
    const box = this.#scroller;
    const { notes } = this.timeline;
    if (!box) return undefined;
    if (!this.#placed) return this.#place(box);
    if (this.#anchor?.card.isConnected) box.scrollTop += placeIn(box, this.#anchor.card) - this.#anchor.place;
    const arrived = notes.slice(notes.findIndex(({ note }) => this.#known.has(note))).filter(({ note }) => !this.#known.has(note));
    if (this.#atEnd || arrived.some((note) => note.mine && note.sending)) return this.toEnd();
    this.fresh += arrived.filter((note) => !note.mine).length;
    return undefined;
  }

  /** @param {HTMLElement} box */
  #place(box) {
    this.#placed = true;
    const line = this.at("#unread-line");
    if (line) box.scrollTop = line.offsetTop - box.offsetTop - NEAR;
    else box.scrollTop = box.scrollHeight;
    this.#atEnd = isAtEnd(box);
  }

  #watchUnread() {
    const unread = this.timeline.notes.filter((note) => note.unread && !note.locked && !note.damaged);
    /** @type {Map<Element, string>} */ const cards = new Map();
    for (const { note } of unread) {
      const card = this.at(`#note-${CSS.escape(note)} article`);
      if (card) cards.set(card, note);
    }
    this.#reading.watch(cards);
  }
}
customElements.define("note-timeline", NoteTimeline);

/** @param {HTMLElement} box */
const isAtEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;

/** @param {HTMLElement} box */
function anchorIn(box) {
  const edge = box.getBoundingClientRect().top;
  for (const card of box.querySelectorAll("note-card")) {
    if (card.getBoundingClientRect().bottom > edge) return { card, place: placeIn(box, card) };
  }
  return null;
}

/** How far down the whole timeline it stands, wherever one has scrolled to. @param {HTMLElement} box @param {Element} card */
const placeIn = (box, card) => card.getBoundingClientRect().top + box.scrollTop;
