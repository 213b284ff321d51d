import { html, nothing } from "lit";
import { dateTime, shortDate } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { avatar, failureView, loading, pageHead } from "./parts.js";
import { href } from "./router.js";
import "./audit-rules.js";
import "./qr-code.js";

/** @import { AccountRole, AccountRow, Admin, Audit } from "../state/types.js" */

const ROLES = /** @type {const} */ (["professional", "coordinator", "carer", "auditor", "administrator", "bot"]);
const PAGE = 50;

/** Invitations and accounts. */
export class AdminPage extends LightElement {
  /** @override */
  static properties = {
    admin: { attribute: false }, audit: { attribute: false }, ruled: { state: true }, roles: { state: true }, organisation: { state: true }, days: { state: true }, invitation: { state: true },
    copied: { state: true }, rows: { state: true }, more: { state: true },
  };

  #inviting = new Doing(this);
  #listing = new Doing(this);

  constructor() {
    super();
    /** @type {Admin} */ this.admin = later();
    /** @type {Audit} */ this.audit = later();
    /** Whether the rules over the audit log were opened. */ this.ruled = false;
    /** @type {readonly AccountRole[]} */ this.roles = ["professional"];
    this.organisation = "";
    this.days = 7;
    /** @type {{ url: string, expiresAt: number } | null} */ this.invitation = null;
    this.copied = false;
    /** @type {readonly AccountRow[] | null} */ this.rows = null;
    this.more = false;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#fetch();
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("admin.title") })}
        ${this.invitation ? this.#made(this.invitation) : this.#form()}
        <ul class="rows links"><li><a href=${href.newEscrow}>${icon("key")}<span class="grow">${t("escrow.title")}</span>${icon("chevron")}</a></li></ul>
        ${this.#accounts()}
        <details class="card" @toggle=${(/** @type {Event} */ event) => (this.ruled ||= /** @type {HTMLDetailsElement} */ (event.target).open)}>
          <summary class="row">${icon("settings")}<span class="strong grow">${t("rules.of-log")}</span>${icon("chevron")}</summary>
          ${this.ruled ? html`<audit-rules .audit=${this.audit}></audit-rules>` : nothing}
        </details>
      </div>`;
  }

  #form() {
    return html`
      <form class="card stack" @submit=${this.#submit}>
        <h2>${t("admin.invite")}</h2>
        <fieldset class="field"><legend>${t("admin.roles")}</legend>
          <div class="choices">${ROLES.map((role) => html`<label class="choice"><input type="checkbox" .checked=${this.roles.includes(role)} @change=${() => this.#toggle(role)}><span>${t(`role.${role}`)}</span></label>`)}</div></fieldset>
        <div class="field"><label for="invite-organisation">${t("enrol.organisation")}</label>
          <input class="input" id="invite-organisation" maxlength="120" autocomplete="organization" .value=${this.organisation} @input=${(/** @type {Event} */ event) => (this.organisation = valueOf(event))}></div>
        <div class="field"><label for="invite-days">${t("admin.days")}</label>
          <select class="input" id="invite-days" @change=${(/** @type {Event} */ event) => (this.days = Number(valueOf(event)))}>
            ${[1, 7, 30].map((days) => html`<option value=${days} ?selected=${days === this.days}>${t("admin.days.count", { count: days })}</option>`)}</select></div>
        ${failureView(this.#inviting.failure)}
        <div class="buttons"><button class="button primary" ?disabled=${this.#inviting.busy || this.roles.length === 0}>${t("admin.make")}</button></div>
      </form>`;
  }

  /** @param {AccountRole} role */
  #toggle(role) {
    this.roles = this.roles.includes(role) ? this.roles.filter((other) => other !== role) : [...this.roles, role];
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const { roles, organisation, days } = this;
    await this.#inviting.run(async () => {
      this.invitation = await this.admin.invite({ roles, organisation: organisation.trim(), days });
    });
  }

  /** @param {{ url: string, expiresAt: number }} invitation */
  #made({ url, expiresAt }) {
    return html`
      <section class="card stack" aria-labelledby="invitation-heading">
        <h2 id="invitation-heading">${t("admin.made")}</h2>
        <p>${t("admin.made.text", { time: dateTime(expiresAt) })}</p>
        <div class="offer">
          <qr-code .text=${url} .label=${t("admin.qr")}></qr-code>
          <p class="link"><code>${url}</code></p>
        </div>
        <div class="buttons">
          <button class="button primary" @click=${() => this.#copy(url)}>${icon(this.copied ? "check" : "copy")}${t(this.copied ? "copied" : "copy")}</button>
          <button class="button" @click=${this.#again}>${t("admin.another")}</button>
        </div>
        ${failureView(this.#inviting.failure)}
      </section>`;
  }

  /** @param {string} url */
  async #copy(url) {
    this.copied = await this.#inviting.run(() => navigator.clipboard.writeText(url));
    if (this.copied) this.tell("say", t("copied"));
  }

  #again() {
    this.invitation = null;
    this.copied = false;
  }

  #accounts() {
    return html`
      <section class="stack-small" aria-labelledby="accounts-heading">
        <h2 id="accounts-heading">${t("admin.accounts")}</h2>
        ${failureView(this.#listing.failure)}
        ${this.rows ? html`<ul class="rows">${this.rows.map((row) => this.#account(row))}</ul>` : this.#listing.failure ? nothing : loading()}
        ${this.more || this.#listing.failure ? html`<p><button class="button" ?disabled=${this.#listing.busy} @click=${this.#fetch}>${t(this.#listing.failure ? "retry" : "more")}</button></p>` : nothing}
      </section>`;
  }

  /** @param {AccountRow} row */
  #account(row) {
    return html`
      <li class="wraps">${avatar(row.name)}
        <div class="grow">
          <p class="strong">${row.name}</p>
          <p class="small quiet">${[row.profession, row.organisation].filter(Boolean).join(" · ")}</p>
          <p class="small quiet">${t("admin.enrolled", { date: shortDate(row.enrolledAt) })} · ${row.lastSeen === null ? t("devices.never-seen") : t("devices.seen", { time: dateTime(row.lastSeen) })}</p>
        </div>
        <div class="choices">${row.roles.map((role) => html`<span class="badge accent">${t(`role.${role}`)}</span>`)}</div>
      </li>`;
  }

  async #fetch() {
    await this.#listing.run(async () => {
      const known = this.rows ?? [];
      const page = await this.admin.accounts({ after: known.at(-1)?.number ?? 0, limit: PAGE });
      this.rows = [...known, ...page.rows];
      this.more = page.more;
    });
  }
}
customElements.define("admin-page", AdminPage);

/** @param {Event} event */
const valueOf = (event) => /** @type {HTMLInputElement} */ (event.target).value;
