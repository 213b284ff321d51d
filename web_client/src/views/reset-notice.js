import { html, nothing } from "lit";
import { dateTime } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView } from "./parts.js";

/** @import { OpenCircle, WaitingMember } from "../state/types.js" */

/** Members who lost everything and proved again who they are: one tap lets them in again, after a look at what was proven. */
export class ResetNotice extends LightElement {
  /** @override */
  static properties = { open: { attribute: false }, waiting: { attribute: false }, asked: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {OpenCircle} */ this.open = later();
    /** @type {readonly WaitingMember[]} */ this.waiting = [];
    /** @type {WaitingMember | null} */ this.asked = null;
  }

  /** @override */
  render() {
    return html`
      ${this.waiting.map((member) => html`
        <div class="notice wait wraps">
          ${icon("person")}
          <p class="grow"><strong>${t("reset.title", { name: member.name })}</strong> ${member.mayReadmit ? t("reset.text") : t("reset.others")}</p>
          ${member.mayReadmit ? html`<button class="button" aria-haspopup="dialog" ?disabled=${this.#doing.busy} @click=${() => this.#ask(member)}>${t("reset.action")}<span class="unseen"> ${member.name}</span></button>` : nothing}
        </div>`)}
      ${failureView(this.#doing.failure)}
      ${this.asked ? this.#dialog(this.asked) : nothing}`;
  }

  /** @param {WaitingMember} member */
  async #ask(member) {
    await import("./confirm-dialog.js");
    this.asked = member;
  }

  /** @param {WaitingMember} member */
  #dialog(member) {
    const { name, by, at } = member;
    const text = t("reset.proven", { name, time: dateTime(at) });
    const called = by.name === name ? "" : ` ${t("reset.other-name", { name: by.name })}`;
    return html`
      <confirm-dialog .heading=${t("reset.question", { name })} .text=${`${text}${called} ${t("reset.make-sure")}`} .action=${t("reset.action")}
        @confirmed=${this.#confirmed} @closed=${this.#answered}></confirm-dialog>`;
  }

  /** @param {Event} event */
  #confirmed(event) {
    event.stopPropagation();
    const member = this.asked;
    if (member) void this.#readmit(member);
  }

  /** @param {WaitingMember} member */
  async #readmit(member) {
    const done = await this.#doing.run(() => this.open.readmit(member.account));
    if (done) this.tell("say", t("reset.done", { name: member.name }));
  }

  /** @param {Event} event */
  #answered(event) {
    event.stopPropagation();
    this.asked = null;
  }
}
customElements.define("reset-notice", ResetNotice);
