import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { audienceChoice } from "./audience-choice.js";
import { audienceNames } from "./audience-words.js";
import { DialogElement } from "./dialog-element.js";
import { Doing } from "./doing.js";
import { later } from "./light-element.js";
import { failureView } from "./parts.js";
import "./until-field.js";

/** @import { CircleRole, MemberRow, OpenCircle } from "../state/types.js" */

const ROLES = /** @type {const} */ (["professional", "carer", "lead"]);

/** Change what a member is in a circle: role, audiences, end. Tells `closed`. */
export class MemberForm extends DialogElement {
  /** @override */
  static properties = { open: { attribute: false }, member: { attribute: false }, role: { state: true }, audiences: { state: true }, until: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {OpenCircle} */ this.open = later();
    /** @type {MemberRow} */ this.member = later();
    /** @type {CircleRole} */ this.role = "professional";
    /** @type {readonly string[]} */ this.audiences = [];
    /** @type {number | null} */ this.until = null;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    const { role, audiences, until } = this.member;
    Object.assign(this, { role, audiences, until });
  }

  /** @override */
  body() {
    const { name } = this.member;
    return html`
      <form class="stack" @submit=${this.#submit}>
        <h2 id=${this.headingId}>${t("member.change-person", { name })}</h2>
        <fieldset class="field"><legend>${t("invite.role")}</legend>
          <div class="choices">${ROLES.map((role) => html`<label class="choice"><input type="radio" name="role" .checked=${role === this.role} @change=${() => this.#set({ role })}><span>${t(`circle-role.${role}`)}</span></label>`)}</div>
        </fieldset>
        ${this.#readings()}
        <until-field .until=${this.until} @until=${this.#untilChosen}></until-field>
        ${failureView(this.#doing.failure)}
        <div class="buttons">
          <button type="button" class="button" @click=${() => this.close()}>${t("cancel")}</button>
          <button class="button primary" ?disabled=${this.#doing.busy}>${t("save")}</button>
        </div>
      </form>`;
  }

  #readings() {
    const { audiences } = this.open.info.value;
    if (audiences.length < 2) return nothing;
    const before = this.member.audiences;
    const [gained, lost] = [this.audiences.filter((name) => !before.includes(name)), before.filter((name) => !this.audiences.includes(name))];
    const reachable = audiences.filter(({ name, mine }) => mine || before.includes(name));
    return html`
      ${audienceChoice({ audiences: reachable, chosen: this.audiences, onChange: (chosen) => this.#set({ audiences: chosen }) })}
      ${gained.length > 0 ? html`<p class="hint" role="status">${t(this.member.history === "all" ? "member.gains.all" : "member.gains", { audiences: audienceNames(gained) })}</p>` : nothing}
      ${lost.length > 0 ? html`<p class="hint" role="status">${t("member.loses", { audiences: audienceNames(lost) })}</p>` : nothing}`;
  }

  /** @param {Partial<Pick<MemberForm, "role" | "audiences">>} change */
  #set(change) {
    Object.assign(this, change);
  }

  /** @param {CustomEvent<number | null>} event */
  #untilChosen(event) {
    this.until = event.detail;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const { role, audiences, until } = this;
    const done = await this.#doing.run(() => this.open.change(this.member.account, { role, audiences, until }));
    if (done) this.close();
  }
}
customElements.define("member-form", MemberForm);
