import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { list } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { failureView } from "./parts.js";
import { href } from "./router.js";
import { Watching } from "./watching.js";
import "./confirm-dialog.js";
import "./emergency-request.js";

/** @import { App, CircleInfo, OpenCircle } from "../state/types.js" */
/** @import { EscrowView } from "../state/types-emergency.js" */

/** Emergency access to a circle: through whom, who guards it, who came in; a lead allows it or no more. */
export class EmergencyMembers extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, open: { attribute: false }, asking: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    /** @type {OpenCircle} */ this.open = later();
    /** @type {EscrowView | null} To be removed. */ this.asking = null;
    Watching.on(this, () => [this.app.emergency.list, this.app.emergency.escrows, this.open.members, this.open.info]);
  }

  /** @override */
  render() {
    const info = this.open.info.value;
    const escrows = [...this.app.emergency.escrows.value.values()];
    const here = escrows.filter(({ account }) => this.#has(account));
    const offered = info.mayLead ? escrows.filter(({ account, organisation }) => !this.#has(account) && organisation === this.app.session.value.me?.organisation) : [];
    const history = this.app.emergency.list.value.filter(({ circle }) => circle === this.open.circle);
    if (here.length + offered.length + history.length === 0) return nothing;
    return html`
      <section class="stack-small" aria-labelledby="emergency-heading">
        <h2 id="emergency-heading">${t("emergency.title")}</h2>
        <p class="quiet">${t("emergency.members.text")}</p>
        ${here.length > 0 ? html`<ul class="rows">${here.map((escrow) => this.#escrow(escrow, info))}</ul>` : html`<p>${t("emergency.members.off")}</p>`}
        ${failureView(this.#doing.failure)}
        <div class="buttons">
          ${here.length > 0 && info.active ? html`<a class="button" href=${href.emergencyCard(this.open.circle)}>${icon("qr")}${t("emergency.members.card")}</a>` : nothing}
          ${here.length === 0 ? offered.map((escrow) => html`<button class="button" ?disabled=${this.#doing.busy} @click=${() => this.#add(escrow)}>${icon("add")}${t("emergency.members.add", { name: escrow.name })}</button>`) : nothing}
        </div>
        ${history.length > 0 ? html`
          <h3>${t("emergency.members.history")}</h3>
          ${repeat(history, ({ id }) => id, (one) => html`<emergency-request .emergency=${this.app.emergency} .request=${one} .circle=${info.name}></emergency-request>`)}` : nothing}
        ${this.asking ? this.#ask(this.asking) : nothing}
      </section>`;
  }

  /** @param {string} account */
  #has(account) {
    return this.open.members.value.some((member) => member.account === account && member.active);
  }

  /** @param {EscrowView} escrow @param {CircleInfo} info */
  #escrow(escrow, info) {
    const { name, guardians, quorum } = escrow;
    return html`
      <li class="wraps">${icon("key")}
        <div class="grow"><p class="strong">${t("emergency.members.on", { name })}</p>
          <p class="small quiet">${t("emergency.members.guardians", { people: list(guardians.map((one) => (one.me ? t("emergency.yourself") : one.name))) })} · ${t("emergency.quorum", { quorum, count: guardians.length })}</p></div>
        ${info.mayLead ? html`<button class="button" aria-haspopup="dialog" ?disabled=${this.#doing.busy} @click=${() => (this.asking = escrow)}>${t("emergency.members.remove")}</button>` : nothing}
      </li>`;
  }

  /** It can let in readers of every audience the lead could. @param {EscrowView} escrow */
  async #add({ account }) {
    const audiences = this.open.info.value.audiences.filter(({ mine }) => mine).map(({ name }) => name);
    await this.#doing.run(() => this.open.add({ account, role: "professional", audiences, history: "all", until: null }));
  }

  /** @param {EscrowView} escrow */
  #ask({ account, name }) {
    return html`
      <confirm-dialog .heading=${t("emergency.members.remove")} .text=${t("emergency.members.remove.text", { name })} .action=${t("emergency.members.remove")} .danger=${true}
        @confirmed=${() => this.#doing.run(() => this.open.remove(account))} @closed=${() => (this.asking = null)}></confirm-dialog>`;
  }
}
customElements.define("emergency-members", EmergencyMembers);
