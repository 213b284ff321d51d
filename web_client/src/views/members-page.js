import { html, nothing } from "lit";
import { dateTime, shortDate } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { audienceName } from "./audience-words.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, failureView, loading, pageHead } from "./parts.js";
import { go, href } from "./router.js";
import { Watching } from "./watching.js";
import "./confirm-dialog.js";
import "./emergency-members.js";
import "./invite-form.js";
import "./reset-notice.js";

/** @import { App, CircleInfo, MemberRow, OpenCircle } from "../state/types.js" */

/** @typedef {{ heading: string, text: string, action: string, done: () => Promise<void> }} Question */

/** Who is in the circle, and who may come or go. */
export class MembersPage extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, circle: { attribute: false }, question: { state: true }, inviting: { state: true }, form: { state: true } };

  #doing = new Doing(this);
  #opening = new Doing(this);
  #marking = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.circle = "";
    /** @type {OpenCircle} */ this.open = later();
    /** @type {Question | null} */ this.question = null;
    this.inviting = false;
    /** @type {{ name: "audience" } | { name: "member", member: MemberRow } | null} */ this.form = null;
    Watching.on(this, () => [this.open.info, this.open.members, this.app.people.marks, this.app.emergency.escrows]);
  }

  /** @override */
  connectedCallback() {
    this.open = this.app.circles.open(this.circle);
    super.connectedCallback();
    void this.#marking.run(() => this.app.people.refresh());
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
        ${failureView(this.#doing.failure ?? this.#opening.failure ?? this.#marking.failure)}
        ${info.mayAdd ? this.#invite(members) : nothing}
        ${info.loaded ? this.#lists(members, info) : loading()}
        ${info.loaded ? this.#audiences(info) : nothing}
        ${info.loaded ? html`<emergency-members .app=${this.app} .open=${this.open}></emergency-members>` : nothing}
        ${this.#ends(info)}
        ${this.#forms()}
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
    const several = info.audiences.length > 1;
    const escrow = this.app.emergency.escrows.value.has(member.account);
    return html`
      <li class="wraps">
        ${avatar(member.name)}
        <div class="grow">
          <p class="strong">${member.name} ${member.me ? html`<span class="badge">${t("you")}</span>` : this.#mark(member)}</p>
          ${escrow ? nothing : html`<p class="small quiet">${[member.profession, member.organisation].filter(Boolean).join(" · ")}</p>`}
          <p class="small quiet">${details(member)}</p>
          ${several && member.active && member.role !== "bot" ? html`<p class="badges">${member.audiences.map((name) => html`<span class="badge">${audienceName(name)}</span>`)}</p>` : nothing}
        </div>
        ${member.active ? this.#controls(member, info) : nothing}
      </li>`;
  }

  /** Was this person's number compared here? @param {MemberRow} member */
  #mark({ account }) {
    const mark = this.app.people.marks.value.get(account)?.mark;
    if (!mark) return nothing;
    return html`<span class="badge ${mark === "changed" ? "wait" : "accent"}">${icon(mark === "changed" ? "alert" : "audit")}${t(`safety.mark.${mark}`)}</span>`;
  }

  /** @param {MemberRow} member @param {CircleInfo} info */
  #controls(member, info) {
    if (this.app.emergency.escrows.value.has(member.account)) return html`<div class="row"><span class="badge accent">${icon("key")}${t("emergency.badge")}</span></div>`;
    const label = t("member.change-person", { name: member.name });
    return html`
      <div class="row">
        <span class="badge accent">${t(`circle-role.${member.role}`)}</span>
        ${member.me ? nothing : html`<a class="button plain square" href=${href.person(this.circle, member.account)} aria-label=${t("safety.verify", { name: member.name })} title=${t("safety.verify.short")}>${icon("audit")}</a>`}
        ${info.mayLead && member.role !== "bot" ? html`<button class="button plain square" aria-label=${label} title=${label} aria-haspopup="dialog" ?disabled=${this.#doing.busy} @click=${() => this.#openForm({ name: "member", member })}>${icon("edit")}</button>` : nothing}
        ${member.mayRemove && !member.me ? html`<button class="button plain square" aria-label=${t("members.remove-person", { name: member.name })} title=${t("members.remove")} ?disabled=${this.#doing.busy} @click=${() => this.#remove(member)}>${icon("close")}</button>` : nothing}
      </div>`;
  }

  /** Forms are loaded when they are first wanted. @param {MembersPage["form"]} form */
  #openForm(form) {
    void this.#opening.run(async () => {
      await Promise.all([import("./audience-form.js"), import("./member-form.js")]);
      this.form = form;
    });
  }

  #forms() {
    if (!this.form) return nothing;
    if (this.form.name === "audience") return html`<audience-form .open=${this.open} @closed=${this.#formClosed}></audience-form>`;
    return html`<member-form .open=${this.open} .member=${this.form.member} @closed=${this.#formClosed}></member-form>`;
  }

  #formClosed() {
    this.form = null;
  }

  /** Who reads what, where not everybody reads everything or a lead could have it so. @param {CircleInfo} info */
  #audiences(info) {
    if (info.audiences.length < 2 && !info.mayLead) return nothing;
    return html`
      <section class="stack-small" aria-labelledby="audiences-heading">
        <h2 id="audiences-heading">${t("audiences.title")}</h2>
        ${info.audiences.length < 2 ? html`<p class="quiet">${t("audiences.text")}</p>` : html`
          <ul class="rows">${info.audiences.map(({ name, people }) => html`
            <li class="wraps"><div class="grow"><p class="strong">${audienceName(name)} <span class="badge">${t("readers.count", { count: people.length })}</span></p>
              <p class="small quiet">${people.map((person) => (person.me ? t("you") : person.name)).join(", ")}</p></div></li>`)}</ul>`}
        ${info.mayLead && info.audiences.length < 8 ? html`<p><button class="button" aria-haspopup="dialog" ?disabled=${this.#doing.busy} @click=${() => this.#openForm({ name: "audience" })}>${icon("add")}${t("audiences.open")}</button></p>` : nothing}
      </section>`;
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
          ${info.mayLeave ? html`<button class="button danger" ?disabled=${this.#doing.busy} @click=${this.#leave}>${t("members.leave")}</button>` : html`<p class="quiet small">${t("members.last-lead")}</p>`}
          ${info.mayLead ? html`<button class="button danger" ?disabled=${this.#doing.busy} @click=${this.#close}>${t("members.close")}</button>` : nothing}
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
function details({ active, name, since, until, endedAt, earlier, history, addedBy, waitingDevices }) {
  const parts = active ? [t("members.since", { since: shortDate(since) })] : [t("members.period", { since: shortDate(since), until: dateTime(endedAt ?? since) })];
  if (active && until) parts.push(t("members.until", { until: dateTime(until) }));
  for (const stay of earlier) parts.push(t("members.earlier", { since: shortDate(stay.since), until: shortDate(stay.until ?? stay.since) }));
  if (active && history === "none") parts.push(t("members.history.none"));
  if (active && typeof history === "number") parts.push(t("members.history.from", { date: shortDate(history) }));
  if (addedBy && addedBy !== name) parts.push(t("members.added-by", { name: addedBy }));
  if (waitingDevices > 0) parts.push(t("members.waiting", { count: waitingDevices }));
  return parts.join(" · ");
}
