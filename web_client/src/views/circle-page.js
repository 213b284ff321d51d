import { html, nothing } from "lit";
import { age, birthDate } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { emptyDraft, correctionOf, replyIn } from "./drafts.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { NoteComposer } from "./note-composer.js";
import { NoteTimeline } from "./note-timeline.js";
import { backLink, failureView } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import { Withdrawing } from "./withdrawing.js";
import "./emergency-notice.js";
import "./help-notice.js";
import "./reset-notice.js";

/** @import { App, CircleInfo, Draft, NoteView, OpenCircle } from "../state/types.js" */

const SAVE_AFTER = 400; // milliseconds without a keystroke

/** One circle: its notes, and where the next one is written. */
export class CirclePage extends LightElement {
  /** @override */
  static properties = {
    app: { attribute: false }, circle: { attribute: false }, draft: { state: true }, dialog: { state: true },
  };

  #doing = new Doing(this);
  #posting = new Doing(this);
  #withdrawing = new Withdrawing(this, (note, reason) => this.#act(() => this.open.withdraw(note, reason)));
  #edited = false;
  #saving = 0;

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.circle = "";
    /** @type {OpenCircle} */ this.open = later();
    /** @type {Draft} */ this.draft = emptyDraft();
    /** @type {{ name: "withdraw" | "history" | "disclose" | "readers" | "view", note: NoteView, index?: number } | null} `index`: of an attachment. */
    this.dialog = null;
    Watching.on(this, () => [this.open.info, this.open.timeline, this.open.draft, this.open.members, this.open.waiting, this.app.emergency.list]);
  }

  /** @override */
  connectedCallback() {
    this.open = this.app.circles.open(this.circle);
    super.connectedCallback();
    this.addEventListener("failed-file", this.#refuseFile);
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    if (this.#saving) this.#save();
    this.open.release();
  }

  /** @override */
  willUpdate() {
    if (!this.#edited) this.draft = this.open.draft.value;
  }

  /** @override */
  render() {
    const info = this.open.info.value;
    return html`
      <div class="circle">
        ${this.#head(info)}
        ${this.#notices(info)}
        <note-timeline .timeline=${this.open.timeline.value} .circle=${this.open} .mayPost=${info.mayPost} .withdrawing=${this.#withdrawing.notes}
          @earlier=${() => this.#act(() => this.open.earlier())}
          @read=${this.#on((/** @type {string[]} */ notes) => this.#act(() => this.open.markRead(notes)))}
          @reply=${this.#on(this.#reply)} @correct=${this.#on(this.#correct)} @jump=${this.#on(this.#jump)}
          @withdraw=${this.#on((/** @type {NoteView} */ note) => this.#show({ name: "withdraw", note }))}
          @history=${this.#on((/** @type {NoteView} */ note) => this.#show({ name: "history", note }))}
          @disclose=${this.#on((/** @type {NoteView} */ note) => this.#show({ name: "disclose", note }))}
          @readers=${this.#on((/** @type {NoteView} */ note) => this.#show({ name: "readers", note }))}
          @view=${this.#on((/** @type {{ note: NoteView, index: number }} */ what) => this.#show({ name: "view", ...what }))}
          @keep=${this.#on((/** @type {NoteView} */ note) => this.#withdrawing.keep(note.note))}
          @acknowledge=${this.#on((/** @type {NoteView} */ note) => this.#act(() => this.open.acknowledge(note.note)))}
          @retry=${this.#on((/** @type {NoteView} */ note) => this.#act(() => this.open.retry(note.note)))}
          @discard=${this.#on((/** @type {NoteView} */ note) => this.#act(() => this.open.discard(note.note)))}></note-timeline>
        ${failureView(this.#doing.failure)}
        ${info.mayPost ? this.#composer() : nothing}
        ${this.#dialogs()}
      </div>`;
  }

  /**
   * An event's detail, handed to a method.
   * @template T
   * @param {(detail: T) => unknown} method
   */
  #on(method) {
    return (/** @type {CustomEvent<T>} */ event) => {
      event.stopPropagation();
      method.call(this, event.detail);
    };
  }

  /** @param {CircleInfo} info */
  #head(info) {
    const members = this.open.members.value.filter((member) => member.active).length;
    return html`
      <header class="circle-head">
        ${backLink(href.home, false)}
        <div class="grow">
          <h1 tabindex="-1">${info.name || t(info.loaded ? "circles.locked" : "loading")}</h1>
          <p class="small quiet clip">${patientLine(info)}</p>
        </div>
        <a class="button plain square" href=${href.accesses(this.circle)} aria-label=${t("accesses.title")} title=${t("accesses.title")}>${icon("eye")}</a>
        <a class="button plain" href=${href.members(this.circle)} title=${t("members.title")}>
          ${icon("people")}<span aria-hidden="true">${members}</span><span class="unseen">${t("members.count", { count: members })}</span></a>
      </header>`;
  }

  /** @param {CircleInfo} info */
  #notices(info) {
    if (info.alarm) return html`<div class="failure" role="alert">${icon("alert")}<p>${t(`circle.alarm.${info.alarm}`)}</p></div>`;
    if (info.closed) return html`<p class="notice wait">${icon("lock")}${t("circle.closed.text")}</p>`;
    if (info.loaded && !info.active) return html`<p class="notice wait">${icon("lock")}${t("circle.left.text")}</p>`;
    const waiting = this.open.waiting.value;
    const emergencies = this.app.emergency.list.value.filter(({ circle }) => circle === this.circle);
    return html`
      ${emergencies.length > 0 ? html`<emergency-notice .requests=${emergencies} .members=${this.open.members.value} .circle=${this.circle}></emergency-notice>` : nothing}
      ${waiting.length > 0 ? html`<reset-notice .open=${this.open} .waiting=${waiting}></reset-notice>` : nothing}
      ${info.help ? html`<help-notice .open=${this.open} .help=${info.help}></help-notice>` : nothing}`;
  }

  #composer() {
    const notes = this.open.timeline.value.notes;
    /** @param {string | null} id */
    const find = (id) => notes.find((note) => note.note === id) ?? null;
    return html`
      <note-composer .draft=${this.draft} .replied=${find(this.draft.replyTo)} .corrected=${find(this.draft.replaces)} .audiences=${this.open.info.value.audiences}
        .busy=${this.#posting.busy} .failure=${this.#posting.failure}
        @draft=${this.#on(this.#keepDraft)} @post=${this.#on(this.#post)}></note-composer>`;
  }

  #dialogs() {
    if (!this.dialog) return nothing;
    const { note } = this.dialog;
    const done = this.#on(() => this.#show(null));
    if (this.dialog.name === "withdraw") {
      return html`<confirm-dialog .heading=${t("withdraw.title")} .text=${t("withdraw.text")} .action=${t("withdraw.action")} .ask=${t("withdraw.reason")} .danger=${true}
        @confirmed=${this.#on((/** @type {string} */ reason) => this.#withdrawing.start(note.note, reason))} @closed=${done}></confirm-dialog>`;
    }
    if (this.dialog.name === "history") {
      return html`<note-history .circle=${this.open} .note=${note} @closed=${done}></note-history>`;
    }
    if (this.dialog.name === "disclose") {
      return html`<note-disclosure .circle=${this.open} .note=${note} @closed=${done}></note-disclosure>`;
    }
    if (this.dialog.name === "readers") {
      return html`<note-readers .circle=${this.open} .note=${note} @closed=${done}></note-readers>`;
    }
    return html`<attachment-viewer .circle=${this.open} .note=${note} .index=${this.dialog.index ?? 0} @closed=${done}></attachment-viewer>`;
  }

  /** Dialogs are loaded when they are first wanted. @param {CirclePage["dialog"]} dialog */
  #show(dialog) {
    const load = { withdraw: () => import("./confirm-dialog.js"), history: () => import("./note-history.js"), disclose: () => import("./note-disclosure.js"), readers: () => import("./note-readers.js"), view: () => import("./attachment-viewer.js") };
    if (!dialog) {
      this.dialog = null;
      return;
    }
    this.#act(async () => {
      await load[dialog.name]();
      this.dialog = dialog;
    });
  }

  /** @param {() => Promise<unknown>} action */
  #act(action) {
    const doing = (this.#doing = new Doing(this));
    void doing.run(action);
  }

  // ── the draft ──

  /** @param {NoteView} note */
  #reply(note) {
    this.#write(replyIn(this.draft, note));
  }

  /** @param {NoteView} note */
  #correct(note) {
    this.#write(correctionOf(note));
  }

  /** @param {Draft} draft */
  #write(draft) {
    this.#keepDraft(draft);
    void this.updateComplete.then(() => this.#focusComposer());
  }

  /** @param {Draft} draft */
  #keepDraft(draft) {
    const files = draft.files !== this.draft.files;
    this.draft = draft;
    this.#edited = true;
    clearTimeout(this.#saving);
    if (files) this.#save();
    else this.#saving = globalThis.setTimeout(() => this.#save(), SAVE_AFTER);
  }

  #save() {
    clearTimeout(this.#saving);
    this.#saving = 0;
    const draft = this.draft;
    this.open.saveDraft(draft).catch((error) => this.dispatchEvent(new CustomEvent("failed-file", { detail: error })));
  }

  /** A file this device cannot send leaves the draft, and the reason is shown. @param {Event} event */
  #refuseFile = (event) => {
    const known = this.open.draft.value.files;
    this.draft = { ...this.draft, files: this.draft.files.filter((file) => known.includes(file)) };
    void this.#posting.run(() => Promise.reject(/** @type {CustomEvent<Error>} */ (event).detail));
  };

  async #post() {
    clearTimeout(this.#saving);
    this.#saving = 0;
    const draft = this.draft;
    const posted = await this.#posting.run(() => this.open.post(draft));
    if (!posted) return;
    this.#edited = false;
    this.draft = emptyDraft();
    this.tell("say", t("composer.posted"));
    this.#focusComposer();
  }

  #focusComposer() {
    const composer = this.at("note-composer");
    if (composer instanceof NoteComposer) composer.write();
  }

  /** @param {string} note */
  #jump(note) {
    const timeline = this.at("note-timeline");
    const shown = timeline instanceof NoteTimeline && timeline.showNote(note);
    if (!shown) this.tell("say", t("timeline.not-loaded"));
  }
}
customElements.define("circle-page", CirclePage);

/** The date of birth first: it tells two people apart, and must not be cut off on a phone. @param {CircleInfo} info */
function patientLine({ patient }) {
  if (!patient) return "";
  const parts = [
    t(`patient.born.${patient.sex}`, { date: birthDate(patient.born) }),
    t("patient.age", { count: age(patient.born, Date.now()) }),
    patient.place,
  ];
  return parts.filter(Boolean).join(" · ");
}
