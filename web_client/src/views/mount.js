import { loadLanguage } from "../i18n/language.js";
import { RelaisApp } from "./relais-app.js";

/** @import { App } from "../state/types.js" */

/** Show the application, in the reader's language. @param {Promise<App>} opening */
export async function mount(opening) {
  const [app] = await Promise.all([opening, loadLanguage()]);
  const element = new RelaisApp();
  element.app = app;
  document.body.replaceChildren(element);
}
