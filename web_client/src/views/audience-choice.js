import { html } from "lit";
import { t } from "../i18n/language.js";
import { audienceName } from "./audience-words.js";

/** @import { AudienceView } from "../state/types-audience.js" */

/**
 * Which audiences somebody is in; one at least.
 * @param {{ audiences: readonly AudienceView[], chosen: readonly string[], onChange: (chosen: readonly string[]) => void }} choice
 */
export const audienceChoice = ({ audiences, chosen, onChange }) => html`
  <fieldset class="field"><legend>${t("audiences.reads")}</legend>
    <div class="choices">${audiences.map(({ name }) => {
      const on = chosen.includes(name);
      const changed = on ? chosen.filter((one) => one !== name) : [...chosen, name];
      return html`<label class="choice"><input type="checkbox" .checked=${on} ?disabled=${on && chosen.length === 1} @change=${() => onChange(changed)}><span>${audienceName(name)}</span></label>`;
    })}</div>
  </fieldset>`;

/** Those one may put others in: those one reads, so that the key can be handed on and changed. @param {readonly AudienceView[]} audiences */
export const offered = (audiences) => audiences.filter(({ mine }) => mine);
