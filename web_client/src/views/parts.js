import { html, nothing } from "lit";
import { t, tMaybe } from "../i18n/language.js";
import { icon } from "./icons.js";

/** @import { TemplateResult } from "lit" */
/** @import { Failure } from "../state/types.js" */

/** What went wrong, in a sentence somebody can act on. @param {{ code: string, reason: string | null }} failure */
export function failureText({ code, reason }) {
  const known = reason ? tMaybe(`reason.${reason}`, "") : "";
  return known || tMaybe(`error.${code}`, t("error.internal"));
}

/** @param {Failure | null} failure */
export const failureView = (failure) =>
  failure ? html`<div class="failure" role="alert">${icon("alert")}<p>${failureText(failure)}</p></div>` : nothing;

/** Two letters that stand for a name. @param {string} name */
export function initials(name) {
  const words = name.replace(/^(M\.|Mme|Mr|Mrs|Ms|Dr|Pr)\s+/iu, "").split(/[\s-]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => Array.from(word ?? "")[0] ?? "").join("").toLocaleUpperCase();
}

/** @param {string} name */
export const avatar = (name) => html`<span class="avatar" aria-hidden="true">${initials(name)}</span>`;

export const loading = () =>
  html`<div class="loading" role="status"><span class="spinner"></span><span>${t("loading")}</span></div>`;

/**
 * The head of a page: a way back, its title, what else belongs there.
 * @param {{ title: string, back?: string, wideBack?: boolean, aside?: unknown }} head
 *   `wideBack`: show the way back beside the list of circles too
 */
export const pageHead = ({ title, back, wideBack = true, aside = nothing }) => html`
  <header class="page-head">
    ${back === undefined ? nothing : backLink(back, wideBack)}
    <h1 tabindex="-1">${title}</h1>
    ${aside}
  </header>`;

/** @param {string} href @param {boolean} wide */
export const backLink = (href, wide) => html`
  <a class="button plain square back ${wide ? "" : "only-narrow"}" href=${href} aria-label=${t("back")} title=${t("back")}>${icon("back")}</a>`;

/**
 * @param {{ name: Parameters<typeof icon>[0], title: string, text: string, action?: unknown }} empty
 * @returns {TemplateResult}
 */
export const emptyView = ({ name, title, text, action = nothing }) => html`
  <div class="empty">${icon(name)}<h2>${title}</h2><p>${text}</p>${action}</div>`;

/** "New browser on Linux" is not a label; this is what a person would call this device. */
export function deviceGuess() {
  const agent = navigator.userAgent;
  const kind = /iPad|Tablet/u.test(agent) ? "tablet" : /iPhone|Android|Mobile/u.test(agent) ? "phone" : "computer";
  return t(`device.guess.${kind}`);
}
