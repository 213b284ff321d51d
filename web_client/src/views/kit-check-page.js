import { html } from "lit";
import { t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { emptyView, failureView, pageHead } from "./parts.js";
import { go, href } from "./router.js";
import { Watching } from "./watching.js";

/** @import { KitCheck } from "../state/types-keys.js" */

/** The rehearsal: the kit's third word. */
export class KitCheckPage extends LightElement {
  /** @override */
  static properties = { kitCheck: { attribute: false }, isRight: { state: true } };

  #doing = new Doing(this);

  constructor() {
    super();
    /** @type {KitCheck} */ this.kitCheck = later();
    /** @type {boolean | null} */ this.isRight = null;
    Watching.on(this, () => [this.kitCheck.isPossible]);
  }

  /** @override */
  render() {
    return html`
      <div class="page">
        ${pageHead({ title: t("kit-check.title"), back: href.kit })}
        ${failureView(this.#doing.failure)}
        ${this.isRight ? this.#right() : this.kitCheck.isPossible.value ? this.#ask() : emptyView({ name: "key", title: t("kit-check.nothing"), text: t("kit-check.nothing.text") })}
      </div>`;
  }

  #right() {
    return html`
      <p class="notice" role="status">${icon("check")}<span>${t("kit-check.right")}</span></p>
      <div class="buttons"><a class="button primary" href=${href.home}>${t("kit.done")}</a></div>`;
  }

  #ask() {
    return html`
      <p class="lead">${t("kit-check.text")}</p>
      <form class="stack card" @submit=${this.#check}>
        <div class="field">
          <label for="kit-word">${t("kit-check.word")}</label>
          <input class="input" id="kit-word" required maxlength="40" autocomplete="off" autocapitalize="none" spellcheck="false">
        </div>
        ${this.isRight === false ? this.#wrong() : ""}
        <div class="buttons">
          <button class="button primary" ?disabled=${this.#doing.busy}>${t(this.#doing.busy ? "kit-check.busy" : "kit-check.action")}</button>
          <button type="button" class="button plain" ?disabled=${this.#doing.busy} @click=${this.#postpone}>${t("kit-check.later")}</button>
        </div>
      </form>
      <p class="small quiet row">${icon("lock")}<span>${t("kit-check.kept")}</span></p>`;
  }

  #wrong() {
    return html`
      <div class="failure" role="alert">${icon("alert")}
        <div class="stack-small">
          <p class="strong">${t("kit-check.wrong")}</p>
          <p>${t("kit-check.wrong.text")}</p>
          <p><a href=${href.replaceKit}>${t("kit-check.replace")}</a></p>
        </div>
      </div>`;
  }

  /** @param {SubmitEvent} event */
  async #check(event) {
    event.preventDefault();
    const word = this.querySelector("input")?.value ?? "";
    await this.#doing.run(async () => {
      this.isRight = await this.kitCheck.check(word);
    });
  }

  async #postpone() {
    if (await this.#doing.run(() => this.kitCheck.postpone())) go(href.home, { replace: true });
  }
}
customElements.define("kit-check-page", KitCheckPage);
