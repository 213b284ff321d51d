import { html, nothing } from "lit";
import { speakInside, speaksInside, t } from "../i18n/language.js";
import { Doing } from "./doing.js";
import { go, href, onRoute, routeOf } from "./router.js";
import { icon } from "./icons.js";
import { LightElement, later } from "./light-element.js";
import { INVITED, PAGES, THRESHOLDS, tabsFor } from "./pages.js";
import { emptyView, failureView, loading } from "./parts.js";
import { Watching } from "./watching.js";
import "./circle-list.js";
import "./reminder-banner.js";
import "./status-banner.js";

/** @import { App } from "../state/types.js" */
/** @import { Page, Threshold } from "./pages.js" */
/** @import { Route } from "./router.js" */

/** The frame around every page: navigation, the list of circles, banners, focus and what is said aloud. */
export class RelaisApp extends LightElement {
  /** @override */
  static properties = { app: { attribute: false }, route: { state: true }, said: { state: true } };

  /** @type {() => void} */ #stopRoute = () => {};
  /** @type {WeakSet<Page | Threshold>} */ #loaded = new WeakSet();
  #loading = new Doing(this);
  #speaking = new Doing(this);
  /** Was there a connection since the start? From then on a page says itself what it could not reach. */ #reached = false;
  /** The way in that is being used; it ends by itself once the account is here. */ #entering = "";
  #place = "";

  constructor() {
    super();
    /** @type {App} */ this.app = later();
    this.route = routeOf(location);
    this.said = "";
    Watching.on(this, () => [this.app.session, this.app.circles.list, this.app.connectivity, this.app.reminder, this.app.emergency.list]);
    this.addEventListener("say", (event) => this.#say(/** @type {CustomEvent<string>} */ (event).detail));
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.#stopRoute = onRoute(() => {
      this.route = routeOf(location);
    });
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#stopRoute();
  }

  /** A screen reader hears the same words twice only if they changed in between. @param {string} text */
  #say(text) {
    this.said = "";
    requestAnimationFrame(() => {
      this.said = text;
    });
  }

  /** @override */
  willUpdate() {
    if (this.app.connectivity.value.state === "online") this.#reached = true;
  }

  /** @override */
  render() {
    const { phase, me } = this.app.session.value;
    if (phase === "starting") return html`<main class="threshold">${loading()}</main>`;
    if (phase === "ready" && me && !isThreshold(this.route)) return this.#inside();
    return this.#outside(phase === "ready");
  }

  /** @param {boolean} ready */
  #outside(ready) {
    const name = this.#threshold();
    const page = THRESHOLDS[name];
    if (!ready) this.#entering = name;
    return html`
      <div class="frame bare">
        <status-banner .app=${this.app}></status-banner>
        <main id="main" class="pane threshold" tabindex="-1"><div>
          <p class="brand">${icon("circles")}<span>${t("app.name")}</span></p>
          ${ready && this.#entering !== name ? this.#already() : this.#page(page, () => page.view(this.app, this.route))}
        </div></main>
        ${this.#live()}
      </div>`;
  }

  /** A locked device is somebody's: it takes no invitation, but lets its own person come back. */
  #threshold() {
    const isLocked = this.app.session.value.phase === "locked";
    if (isThreshold(this.route) && !(isLocked && this.route.name === "enrol")) return this.route.name;
    return isLocked ? "unlock" : "welcome";
  }

  #already() {
    const name = this.app.session.value.me?.name ?? "";
    return html`
      <h1 tabindex="-1">${t("already.title", { name })}</h1>
      <p class="lead">${t("already.text")}</p>
      ${this.route.name === "enrol" ? this.#page(INVITED, () => INVITED.view(this.app, this.route)) : nothing}
      <a class="button primary" href=${href.home}>${t("already.continue")}</a>`;
  }

  #inside() {
    if (!speaksInside()) return this.#withoutWords();
    const page = this.#allowed();
    const beside = !page || Boolean(page.beside);
    const pane = this.route.name === "circles" ? "list" : "detail";
    return html`
      <button class="button skip" @click=${this.#skip}>${t("skip")}</button>
      <div class="frame" data-pane=${pane}>
        <status-banner .app=${this.app}></status-banner>
        <div class="asks">${this.#emergency()}${this.#reminder()}</div>
        ${this.#rail(page)}
        <main id="main" class="panes ${beside ? "two" : ""}" tabindex="-1">
          ${beside ? this.#list() : nothing}
          <div class="pane detail ${page?.steady ? "steady" : ""}">${this.#detail(page)}</div>
        </main>
        ${this.#live()}
      </div>`;
  }

  /** The words of these pages are on their way. */
  #withoutWords() {
    if (!this.#speaking.busy && !this.#speaking.failure) void this.#speaking.run(() => fetched({ load: speakInside }));
    if (!this.#speaking.failure) return html`<main class="threshold">${loading()}</main>`;
    return html`<main class="threshold"><div>${failureView(this.#speaking.failure)}
      <button class="button" @click=${() => this.#speaking.clear()}>${t("retry")}</button></div></main>`;
  }

  /** Not where somebody writes. */
  #reminder() {
    const reminder = this.app.reminder.value;
    if (!reminder || !["circles", "me"].includes(this.route.name)) return nothing;
    return html`<reminder-banner .app=${this.app} .reminder=${reminder}></reminder-banner>`;
  }

  /** Somebody waits outside, for one's answer. */
  #emergency() {
    const count = this.app.emergency.list.value.filter(({ asked, mayFinish }) => asked || mayFinish).length;
    if (count === 0 || this.route.name === "emergencies") return nothing;
    return html`
      <section class="banner emergency" role="alert">${icon("bell")}<p><strong>${t("emergency.call", { count })}</strong></p>
        <a class="button" href=${href.emergencies}>${t("emergency.call.action")}</a></section>`;
  }

  #live() {
    return html`<div class="unseen" role="status" aria-live="polite">${this.said}</div>`;
  }

  #list() {
    const open = ["circle", "members", "person", "accesses"].includes(this.route.name) ? this.route.id : "";
    return html`<circle-list class="pane list" .list=${this.app.circles.list.value} .open=${open} .primary=${this.route.name === "circles"}></circle-list>`;
  }

  /** The page of this route, if this account may see it. */
  #allowed() {
    const page = PAGES[this.route.name];
    return page && (!page.role || this.app.session.value.me?.roles.includes(page.role)) ? page : undefined;
  }

  /** @param {Page | undefined} page */
  #detail(page) {
    if (this.route.name === "circles") return this.#choose();
    if (page?.online && !this.#reached) return this.#unreached();
    if (page) return this.#page(page, () => page.view(this.app, this.route));
    return html`<div class="page"><h1 tabindex="-1" class="unseen">${t("lost.title")}</h1>
      ${emptyView({ name: "search", title: t("lost.title"), text: t("lost.text"), action: html`<a class="button" href=${href.home}>${t("lost.home")}</a>` })}</div>`;
  }

  #unreached() {
    if (this.app.connectivity.value.state === "connecting") return loading();
    return html`<div class="page"><h1 tabindex="-1" class="unseen">${t("unreached.title")}</h1>
      ${emptyView({ name: "offline", title: t("unreached.title"), text: t("unreached.text") })}</div>`;
  }

  #choose() {
    const any = this.app.circles.list.value.rows.length > 0;
    return any ? emptyView({ name: "circles", title: t("choose.title"), text: t("choose.text") }) : nothing;
  }

  /**
   * @param {Page | Threshold} page
   * @param {() => unknown} view
   */
  #page(page, view) {
    if (this.#loaded.has(page)) return view();
    if (this.#loading.busy) return loading();
    if (this.#loading.failure) {
      return html`<div class="page">${failureView(this.#loading.failure)}
        <button class="button" @click=${() => this.#load(page)}>${t("retry")}</button></div>`;
    }
    this.#load(page);
    return loading();
  }

  /** @param {Page | Threshold} page */
  #load(page) {
    this.#loading = new Doing(this);
    void this.#loading.run(async () => {
      await fetched(page);
      this.#loaded.add(page);
    });
  }

  #tabs() {
    return tabsFor(this.app.session.value.me?.roles ?? [], this.app.circles.list.value.rows.length > 0);
  }

  /** @param {Page | undefined} page */
  #rail(page) {
    const unread = this.app.circles.list.value.rows.reduce((sum, row) => sum + row.unread, 0);
    const deep = page?.steady ? "deep" : "";
    return html`
      <nav class="rail ${deep}" aria-label=${t("tab.all")}>
        <span class="mark">${icon("circles")}</span>
        <ul>${this.#tabs().map(({ tab, href: to, icon: name, label }) => html`
          <li class=${tab === "me" ? "last" : ""}><a href=${to} aria-current=${page?.tab === tab ? "page" : nothing}>
            ${icon(name)}<span>${label}</span>
            ${tab === "circles" && unread ? html`<span class="count" aria-hidden="true">${unread > 99 ? "99+" : unread}</span><span class="unseen">${t("circles.unread", { count: unread })}</span>` : nothing}
          </a></li>`)}
        </ul>
      </nav>`;
  }

  #skip() {
    this.querySelector("main")?.focus();
  }

  /** Whoever takes part in no circle starts where their work is; a new device learns that when it first connects. */
  #start() {
    const { phase, me } = this.app.session.value;
    const first = this.#tabs()[0];
    const isKnown = phase === "ready" && Boolean(me?.roles.length);
    if (isKnown && this.route.name === "circles" && first && first.tab !== "circles") go(first.href, { replace: true });
  }

  /** @override */
  updated() {
    if (this.app.session.value.phase === "starting") return;
    this.#start();
    const place = [this.app.session.value.phase === "locked", this.route.name, this.route.id, this.route.person].join();
    if (this.#place === place) return;
    const first = this.#place === "";
    this.#place = place;
    document.title = this.#title();
    if (!first) void this.#focusHeading(place);
  }

  /** Titles go into the browser's history: never a patient's name. */
  #title() {
    const page = PAGES[this.route.name];
    return page ? `${t(`tab.${page.tab}`)} – ${t("app.name")}` : t("app.name");
  }

  /** Whoever followed a link continues at the heading of where it led. @param {string} place */
  async #focusHeading(place) {
    for (let turn = 0; turn < 40 && this.#place === place; turn += this.#loading.busy ? 0 : 1) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const scope = this.route.name === "circles" ? this : (this.querySelector(".detail") ?? this);
      const heading = scope.querySelector("h1[tabindex]");
      if (heading instanceof HTMLElement) return heading.focus({ preventScroll: true });
    }
  }
}
customElements.define("relais-app", RelaisApp);

/** A page's module; without a network, one that was never fetched is missing. @param {{ load: () => Promise<unknown> }} page */
async function fetched(page) {
  try {
    await page.load();
  } catch (error) {
    throw Object.assign(new Error("page not loaded", { cause: error }), { code: "offline", reason: null, facts: {} });
  }
}

/** @param {Route} route @returns {route is Route & { name: "enrol" | "join" | "restore" }} */
const isThreshold = (route) => route.name === "enrol" || route.name === "join" || route.name === "restore";
