import { html, nothing } from "lit";
import { dateTime, dayOf, fullTime, lasting, percent, shortTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { audienceNames, isSpecial } from "./audience-words.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { attachmentsView } from "./attachments.js";
import { avatar, failureText } from "./parts.js";
import "./note-seen.js";

/** @import { NoteView, OpenCircle, Sending } from "../state/types.js" */

/**
 * One note by its newest version. Tells `reply`, `correct`, `withdraw`, `keep` (not withdraw after all), `acknowledge`,
 * `history`, `disclose`, `readers`, `view`, `jump`, `retry` and `discard`, each with the note.
 */
export class NoteCard extends LightElement {
  /** @override */
  static properties = {
    note: { attribute: false }, circle: { attribute: false }, mayPost: { attribute: false },
    withdrawAt: { attribute: false }, now: { attribute: false },
  };

  constructor() {
    super();
    /** @type {NoteView} */ this.note = later();
    /** @type {OpenCircle} */ this.circle = later();
    this.mayPost = false;
    /** @type {number | null} */ this.withdrawAt = null;
    /** The time of day, for notes that say how long they have waited. */ this.now = 0;
  }

  /** @override */
  render() {
    const { note } = this;
    const marks = [note.mine ? "mine" : "", note.urgent && !note.withdrawn ? "urgent" : "", note.unread ? "new" : "", note.withdrawn ? "withdrawn" : ""];
    return html`
      <article class="note ${marks.join(" ")}" tabindex="-1" aria-labelledby="head-${note.note}">
        ${this.#head()}
        ${this.#body()}
      </article>`;
  }

  #head() {
    const { note } = this;
    return html`
      <header class="note-head" id="head-${note.note}">
        ${avatar(note.author)}
        <div class="note-who">
          <h3 class="clip">${note.mine ? t("you") : note.author}</h3>
          <p class="small quiet clip">${note.profession}</p>
        </div>
        <time class="small quiet" datetime=${new Date(note.at).toISOString()} title=${fullTime(note.at)}>${shortTime(note.at)}</time>
      </header>`;
  }

  #body() {
    const { note } = this;
    if (note.locked) return html`<p class="note-aside">${icon("lock")}<span>${t("note.locked", { time: lasting(note.locked.since, this.now) })}</span></p>`;
    if (note.damaged) return html`<p class="failure">${icon("alert")}<span>${t("note.damaged")} <code>${note.damaged}</code></span></p>`;
    if (this.withdrawAt !== null) return this.#leaving();
    if (note.withdrawn) return this.#withdrawn();
    return html`
      ${this.#badges()}
      ${this.#quote()}
      ${note.text ? html`<p class="prose">${note.text}</p>` : nothing}
      ${attachmentsView(note.attachments, (index) => this.tell("view", { note, index }))}
      ${note.sending ? this.#sending(note.sending) : this.#foot()}`;
  }

  #badges() {
    const { type, urgent, acknowledge, correctedAt, audiences } = this.note;
    if (type === "GEN" && !urgent && !acknowledge && !correctedAt && !isSpecial(audiences)) return nothing;
    return html`
      <p class="badges">
        ${urgent ? html`<span class="badge urgent">${icon("urgent")}${t("note.urgent")}</span>` : nothing}
        ${type === "GEN" ? nothing : html`<span class="badge accent">${t(`type.${type}`)}</span>`}
        ${acknowledge ? html`<span class="badge">${icon("checks")}${t("note.asks")}</span>` : nothing}
        ${isSpecial(audiences) ? html`<span class="badge" title=${t("note.for", { audiences: audienceNames(audiences) })}>${icon("people")}<span class="unseen">${t("note.for", { audiences: audienceNames(audiences) })}</span><span aria-hidden="true">${audienceNames(audiences)}</span></span>` : nothing}
        ${correctedAt ? html`<button class="badge wait" @click=${() => this.tell("history", this.note)}>${icon("history")}${this.#corrected(correctedAt)}</button>` : nothing}
      </p>`;
  }

  /** The hour, where the day is the one above the note. @param {number} at */
  #corrected(at) {
    if (dayOf(at) === dayOf(this.note.at)) return t("note.corrected", { time: shortTime(at) });
    return t("note.corrected.on", { time: dateTime(at) });
  }

  #quote() {
    const { replyTo } = this.note;
    if (!replyTo) return nothing;
    return html`
      <button class="quote" @click=${() => this.tell("jump", replyTo.note)}>
        <span class="strong small">${t("note.in-reply", { author: replyTo.author })}</span>
        <span class="small clip">${replyTo.excerpt || t("note.unavailable")}</span>
      </button>`;
  }

  #withdrawn() {
    const { at, reason } = this.note.withdrawn ?? { at: 0, reason: "" };
    return html`
      <p class="note-aside">${icon("withdraw")}<span>${t("note.withdrawn", { time: fullTime(at) })}${reason ? html`<br>${t("note.reason", { reason })}` : nothing}</span></p>
      <footer class="note-foot"><button class="button plain small" @click=${() => this.tell("history", this.note)}>${icon("history")}${t("note.history")}</button>
        <button class="button plain small" @click=${() => this.tell("readers", this.note)}>${icon("people")}${t("note.readers")}</button></footer>`;
  }

  #leaving() {
    return html`
      <div class="notice wait wraps" role="status">
        ${icon("withdraw")}
        <p class="grow">${t("withdraw.soon")}</p>
        <button class="button" @click=${() => this.tell("keep", this.note)}>${icon("undo")}${t("withdraw.undo")}</button>
      </div>`;
  }

  #foot() {
    const { note } = this;
    const asks = note.acknowledge && !note.mine;
    return html`
      ${asks ? this.#acknowledge() : nothing}
      <footer class="note-foot">
        <note-seen class="grow" .note=${note} .circle=${this.circle}></note-seen>
        ${this.mayPost ? this.#actions() : nothing}
      </footer>`;
  }

  #acknowledge() {
    if (this.note.acknowledged) return html`<p class="done">${icon("checks")}<span>${t("note.acknowledged")}</span></p>`;
    return html`<p><button class="button primary" @click=${() => this.tell("acknowledge", this.note)}>${icon("check")}${t("note.acknowledge")}</button></p>`;
  }

  #actions() {
    return html`
      <div class="note-actions">
        ${this.#action("reply", "reply")}
        ${this.note.mine ? [this.#action("edit", "correct"), this.#action("withdraw", "withdraw")] : nothing}
        ${this.note.seen.people === 0 ? [this.#action("people", "readers"), this.#action("audit", "disclose")] : nothing}
      </div>`;
  }

  /** @param {"reply" | "edit" | "withdraw" | "people" | "audit"} picture @param {"reply" | "correct" | "withdraw" | "readers" | "disclose"} name */
  #action(picture, name) {
    const label = t(`note.${name}`);
    return html`<button class="button plain square" aria-label=${label} title=${label} @click=${() => this.tell(name, this.note)}>${icon(picture)}</button>`;
  }

  /** @param {Sending} sending */
  #sending({ state, progress, code, reason }) {
    if (state === "failed") {
      return html`
        <div class="failure wraps" role="alert">${icon("alert")}
          <p class="grow"><strong>${t(reason === "lost-note" ? "sending.lost" : "sending.failed")}</strong> ${failureText({ code: code ?? "internal", reason })}</p>
          <div class="buttons">
            <button class="button" @click=${() => this.tell("retry", this.note)}>${t("retry")}</button>
            <button class="button plain" @click=${() => this.tell("discard", this.note)}>${t("sending.discard")}</button>
          </div>
        </div>`;
    }
    return html`
      <footer class="note-sending small quiet">
        ${icon("clock")}<span>${state === "uploading" ? t("sending.uploading", { share: percent(progress) }) : t(`sending.${state}`)}</span>
        ${state === "uploading" ? html`<progress max="1" .value=${progress} aria-label=${t("sending.progress")}></progress>` : nothing}
      </footer>`;
  }
}
customElements.define("note-card", NoteCard);
