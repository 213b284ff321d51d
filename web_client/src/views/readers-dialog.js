import { html } from "lit";
import { t } from "../i18n/language.js";
import { audienceName, audienceNames } from "./audience-words.js";
import { DialogElement } from "./dialog-element.js";
import { later } from "./light-element.js";
import { avatar } from "./parts.js";

/** @import { AudienceView } from "../state/types-audience.js" */

/** By name who reads what goes to some audiences. Tells `closed`. */
export class ReadersDialog extends DialogElement {
  /** @override */
  static properties = { audiences: { attribute: false } };

  constructor() {
    super();
    /** @type {readonly AudienceView[]} */ this.audiences = later();
  }

  /** @override */
  body() {
    const people = [...new Map(this.audiences.flatMap((audience) => audience.people).map((person) => [person.account, person])).values()];
    return html`
      <h2 id=${this.headingId}>${t("readers.title", { audiences: audienceNames(this.audiences.map(({ name }) => name)) })}</h2>
      <ul class="rows people">${people.map((person) => html`
        <li>
          ${avatar(person.name)}
          <div class="grow">
            <p class="strong">${person.me ? t("you") : person.name}</p>
            <p class="small quiet">${[person.profession, ...this.#through(person.account)].filter(Boolean).join(" · ")}</p>
          </div>
        </li>`)}</ul>
      <p class="small quiet">${t("readers.text")}</p>
      <div class="buttons"><button class="button" autofocus @click=${() => this.close()}>${t("close")}</button></div>`;
  }

  /** Through which audience, where there are several. @param {string} account */
  #through(account) {
    if (this.audiences.length < 2) return [];
    return this.audiences.filter(({ people }) => people.some((person) => person.account === account)).map(({ name }) => audienceName(name));
  }
}
customElements.define("readers-dialog", ReadersDialog);
