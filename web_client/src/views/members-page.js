import { html, nothing } from "lit";
import { shortDate } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, failureView, loading, pageHead } from "./parts.js";
import { go, href } from "./router.js";
import { Watching } from "./watching.js";
import "./confirm-dialog.js";
import "./invite-form.js";

/** @import { App, CircleInfo, CircleRole, MemberRow, OpenCircle } from "../state/types.js" */

/** @typedef {{ heading: string, text: string, action: string, done: () => Promise<void> }} Question */

const ROLES = /** @type {const} */ (["lead", "professional", "carer"]);

/** Who is in the circle, and who may come or go. */
export class MembersPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, circle: { attribute: false }, question: { state: true }, inviting: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.circle = "";
    /** @type {OpenCircle} */ this.open = later();
    /** @type {Question | null} */ this.question = null;
    this.inviting = false;
    Watching.on(this, () => [this.open.info, this.open.members]);
  }

  /** @override */
  connectedCallback() {
    this.open = this.app.circles.open(this.circle);
    super.connectedCallback();
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.open.release();
  }

  /** @override */
  render() {
    const info = this.open.info.value;
    const members = this.open.members.value;
    return html`
      <div class="page">
        ${pageHead({ title: t("members.title"), back: href.circle(this.circle) })}
        <p class="lead">${info.name}</p>
        ${failureView(this.#doing.failure)}
        ${info.mayAdd ? this.#invite(members) : nothing}
        ${info.loaded ? this.#lists(members, info) : loading()}
        ${this.#ends(info)}
        ${this.question ? this.#ask(this.question) : nothing}
      </div>`;
  }

  /** @param {readonly MemberRow[]} members */
  #invite(members) {
    if (!this.inviting) {
      return html`<p><button class="button primary" @click=${() => this.#toggleInvite(true)}>${icon("add")}${t("members.invite")}</button></p>`;
    }
    const there = members.filter((member) => member.active).map((member) => member.account);
    return html`
      <invite-form .directory=${this.app.directory} .open=${this.open} .without=${there}
        @cancelled=${() => this.#toggleInvite(false)} @invited=${this.#invited}></invite-form>`;
  }

  /** @param {boolean} on */
  #toggleInvite(on) {
    this.inviting = on;
  }

  /** @param {CustomEvent<string>} event */
  #invited(event) {
    this.inviting = false;
    this.tell("say", t("members.invited", { name: event.detail }));
  }

  /** @param {readonly MemberRow[]} members @param {CircleInfo} info */
  #lists(members, info) {
    const former = members.filter((member) => !member.active);
    return html`
      <ul class="rows">${members.filter((member) => member.active).map((member) => this.#member(member, info))}</ul>
      ${former.length > 0 ? html`
        <section class="stack-small"><h2>${t("members.former")}</h2>
          <ul class="rows">${former.map((member) => this.#member(member, info))}</ul></section>` : nothing}`;
  }

  /** @param {MemberRow} member @param {CircleInfo} info */
  #member(member, info) {
    return html`
      <li class="wraps">
        ${avatar(member.name)}
        <div class="grow">
          <p class="strong">${member.name} ${member.me ? html`<span class="badge">${t("you")}</span>` : nothing}</p>
          <p class="small quiet">${[member.profession, member.organisation].filter(Boolean).join(" · ")}</p>
          <p class="small quiet">${details(member)}</p>
        </div>
        ${member.active ? this.#controls(member, info) : nothing}
      </li>`;
  }

  /** @param {MemberRow} member @param {CircleInfo} info */
  #controls(member, info) {
    const fixed = !info.mayLead || member.role === "bot";
    return html`
      <div class="row">
        ${fixed ? html`<span class="badge accent">${t(`circle-role.${member.role}`)}</span>` : this.#role(member)}
        ${member.mayRemove && !member.me ? html`<button class="button plain square" aria-label=${t("members.remove-person", { name: member.name })} title=${t("members.remove")} @click=${() => this.#remove(member)}>${icon("close")}</button>` : nothing}
      </div>`;
  }

  /** @param {MemberRow} member */
  #role(member) {
    return html`
      <select class="input" aria-label=${t("members.role-of", { name: member.name })} ?disabled=${this.#doing.busy} @change=${(/** @type {Event} */ event) => this.#changeRole(member, event)}>
        ${ROLES.map((role) => html`<option value=${role} ?selected=${role === member.role}>${t(`circle-role.${role}`)}</option>`)}
      </select>`;
  }

  /** @param {MemberRow} member @param {Event} event */
  async #changeRole(member, event) {
    const select = /** @type {HTMLSelectElement} */ (event.target);
    const done = await this.#doing.run(() => this.open.changeRole(member.account, /** @type {CircleRole} */ (select.value)));
    if (!done) select.value = member.role;
  }

  /** @param {MemberRow} member */
  #remove(member) {
    this.question = {
      heading: t("members.remove-person", { name: member.name }), text: t("members.remove.text"), action: t("members.remove"),
      done: () => this.open.remove(member.account),
    };
  }

  /** @param {CircleInfo} info */
  #ends(info) {
    if (!info.active || info.closed) return nothing;
    return html`
      <section class="stack-small">
        <h2>${t("members.end")}</h2>
        <div class="buttons">
          ${info.mayLeave ? html`<button class="button danger" @click=${this.#leave}>${t("members.leave")}</button>` : html`<p class="quiet small">${t("members.last-lead")}</p>`}
          ${info.mayLead ? html`<button class="button danger" @click=${this.#close}>${t("members.close")}</button>` : nothing}
        </div>
      </section>`;
  }

  #leave() {
    this.question = { heading: t("members.leave"), text: t("members.leave.text"), action: t("members.leave"), done: () => this.#goneAfter(this.open.leave()) };
  }

  #close() {
    this.question = { heading: t("members.close"), text: t("members.close.text"), action: t("members.close"), done: () => this.#goneAfter(this.open.close()) };
  }

  /** @param {Promise<void>} action */
  async #goneAfter(action) {
    await action;
    go(href.home, { replace: true });
  }

  /** @param {Question} question */
  #ask({ heading, text, action, done }) {
    return html`
      <confirm-dialog .heading=${heading} .text=${text} .action=${action} .danger=${true}
        @confirmed=${() => this.#doing.run(done)} @closed=${this.#answered}></confirm-dialog>`;
  }

  #answered() {
    this.question = null;
  }
}
customElements.define("members-page", MembersPage);

/** @param {MemberRow} member */
function details({ name, since, until, history, addedBy, waitingDevices }) {
  const parts = [until ? t("members.period", { since: shortDate(since), until: shortDate(until) }) : t("members.since", { since: shortDate(since) })];
  if (history === "none") parts.push(t("members.history.none"));
  if (typeof history === "number") parts.push(t("members.history.from", { date: shortDate(history) }));
  if (addedBy && addedBy !== name) parts.push(t("members.added-by", { name: addedBy }));
  if (waitingDevices > 0) parts.push(t("members.waiting", { count: waitingDevices }));
  return parts.join(" · ");
}
