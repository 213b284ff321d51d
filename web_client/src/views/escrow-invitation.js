import { html, nothing } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { href } from "./router.js";

/** @import { Entry } from "../state/types.js" */

/** For whoever follows an invitation and has an account already: is it for an escrow, which somebody with an account makes? */
export class EscrowInvitation extends LightElement {
  /** @override */
  static properties = { entry: { attribute: false }, token: { attribute: false }, isOne: { state: true } };

  #looking = new Doing(this);

  constructor() {
    super();
    /** @type {Entry} */ this.entry = later();
    this.token = "";
    this.isOne = false;
  }

  /** An invitation that is used up is for nothing. @override */
  connectedCallback() {
    super.connectedCallback();
    void this.#looking.run(async () => {
      this.isOne = (await this.entry.lookInvitation(this.token)).roles.includes("escrow");
    });
  }

  /** @override */
  render() {
    if (!this.isOne) return nothing;
    return html`<p class="notice wraps">${icon("key")}<span class="grow">${t("enrol.escrow.make")}</span><a class="button" href=${href.escrowInvitation(this.token)}>${t("already.continue")}</a></p>`;
  }
}
customElements.define("escrow-invitation", EscrowInvitation);
