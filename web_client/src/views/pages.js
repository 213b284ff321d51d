import { html } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { t } from "../i18n/language.js";

/** @import { TemplateResult } from "lit" */
/** @import { App, AccountRole } from "../state/types.js" */
/** @import { Route, RouteName } from "./router.js" */
/** @import { IconName } from "./icons.js" */

/**
 * @typedef {object} Page
 * @property {() => Promise<unknown>} load  Its module: rare pages cost nothing at the start.
 * @property {(app: App, route: Route) => TemplateResult} view
 * @property {Tab} tab  Under which it is found.
 * @property {boolean} [beside]  Shown beside the list of circles where there is room.
 * @property {boolean} [steady]  Scrolls by itself.
 * @property {boolean} [online]  Shows what only the server knows: it is made once there is a connection.
 * @property {AccountRole} [role]  For those only.
 */
/** @typedef {"circles" | "broadcasts" | "audit" | "admin" | "me"} Tab */

const here = () => Promise.resolve();

/** @type {Partial<Record<RouteName, Page>>} Pages of somebody who has an account on this device. */
export const PAGES = {
  circles: { load: here, view: () => html``, tab: "circles", beside: true },
  circle: {
    load: () => import("./circle-page.js"), tab: "circles", beside: true, steady: true,
    view: (app, { id }) => html`${keyed(id, html`<circle-page .app=${app} .circle=${id}></circle-page>`)}`,
  },
  "new-circle": {
    load: () => import("./new-circle-page.js"), tab: "circles", beside: true,
    view: (app) => html`<new-circle-page .app=${app}></new-circle-page>`,
  },
  members: {
    load: () => import("./members-page.js"), tab: "circles", beside: true,
    view: (app, { id }) => html`${keyed(id, html`<members-page .app=${app} .circle=${id}></members-page>`)}`,
  },
  person: {
    load: () => import("./safety-page.js"), tab: "circles", beside: true, online: true,
    view: (app, { id, person }) => html`${keyed(person, html`<safety-page .people=${app.people} .circle=${id} .account=${person}></safety-page>`)}`,
  },
  accesses: {
    load: () => import("./accesses-page.js"), tab: "circles", beside: true, online: true,
    view: (app, { id }) => html`${keyed(id, html`<accesses-page .app=${app} .circle=${id}></accesses-page>`)}`,
  },
  "emergency-card": {
    load: () => import("./emergency-card-page.js"), tab: "circles", beside: true,
    view: (app, { id }) => html`${keyed(id, html`<emergency-card-page .app=${app} .circle=${id}></emergency-card-page>`)}`,
  },
  emergencies: {
    load: () => import("./emergencies-page.js"), tab: "me", online: true,
    view: (app) => html`<emergencies-page .app=${app}></emergencies-page>`,
  },
  emergency: {
    load: () => import("./emergency-page.js"), tab: "me", online: true,
    view: (app, { id, person }) => html`${keyed(`${id}${person}`, html`<emergency-page .app=${app} .circle=${id} .pinned=${person || null}></emergency-page>`)}`,
  },
  "new-escrow": {
    load: () => import("./escrow-page.js"), tab: "admin", online: true,
    view: (app, { id }) => html`<escrow-page .app=${app} .token=${id}></escrow-page>`,
  },
  me: { load: () => import("./me-page.js"), tab: "me", view: (app) => html`<me-page .app=${app}></me-page>` },
  devices: {
    load: () => import("./devices-page.js"), tab: "me", online: true,
    view: (app) => html`<devices-page .app=${app}></devices-page>`,
  },
  "add-device": {
    load: () => import("./add-device-page.js"), tab: "me", online: true,
    view: (app) => html`<add-device-page .devices=${app.devices}></add-device-page>`,
  },
  lock: { load: () => import("./lock-page.js"), tab: "me", view: (app) => html`<lock-page .app=${app}></lock-page>` },
  kit: { load: () => import("./kit-page.js"), tab: "me", view: (app) => html`<kit-page .app=${app}></kit-page>` },
  "replace-kit": { load: () => import("./kit-page.js"), tab: "me", view: (app) => html`<kit-page .app=${app} .replaces=${true}></kit-page>` },
  "check-kit": { load: () => import("./kit-check-page.js"), tab: "me", view: (app) => html`<kit-check-page .kitCheck=${app.kitCheck}></kit-check-page>` },
  broadcasts: {
    load: () => import("./broadcasts-page.js"), tab: "broadcasts", role: "coordinator",
    view: (app) => html`<broadcasts-page .broadcasts=${app.broadcasts}></broadcasts-page>`,
  },
  "new-broadcast": {
    load: () => import("./new-broadcast-page.js"), tab: "broadcasts", role: "coordinator",
    view: (app) => html`<new-broadcast-page .app=${app}></new-broadcast-page>`,
  },
  broadcast: {
    load: () => import("./broadcast-page.js"), tab: "broadcasts", role: "coordinator", online: true,
    view: (app, { id }) => html`${keyed(id, html`<broadcast-page .broadcasts=${app.broadcasts} .broadcast=${id}></broadcast-page>`)}`,
  },
  audit: {
    load: () => import("./audit-page.js"), tab: "audit", role: "auditor", online: true,
    view: (app) => html`<audit-page .app=${app}></audit-page>`,
  },
  admin: {
    load: () => import("./admin-page.js"), tab: "admin", role: "administrator", online: true,
    view: (app) => html`<admin-page .admin=${app.admin} .audit=${app.audit}></admin-page>`,
  },
};

/** @typedef {{ load: () => Promise<unknown>, view: (app: App, route: Route) => TemplateResult }} Threshold */

/** @type {Record<"enrol" | "join" | "restore" | "welcome" | "unlock", Threshold>} Pages of a device without an account. */
export const THRESHOLDS = {
  enrol: {
    load: () => import("./enrol-page.js"),
    view: (app, { secret }) => html`${keyed(secret, html`<enrol-page .entry=${app.entry} .token=${secret}></enrol-page>`)}`,
  },
  join: {
    load: () => import("./join-page.js"),
    view: (app, { secret }) => html`${keyed(secret, html`<join-page .entry=${app.entry} .code=${secret}></join-page>`)}`,
  },
  restore: {
    load: () => import("./restore-page.js"),
    view: (app) => html`<restore-page .entry=${app.entry}></restore-page>`,
  },
  welcome: {
    load: () => import("./welcome-page.js"),
    view: (app) => html`<welcome-page .phase=${app.session.value.phase}></welcome-page>`,
  },
  unlock: {
    load: () => import("./unlock-page.js"),
    view: (app) => html`<unlock-page .lock=${app.lock}></unlock-page>`,
  },
};

/** @type {Threshold} What an invitation is for, where somebody has an account. */
export const INVITED = {
  load: () => import("./escrow-invitation.js"),
  view: (app, { secret }) => html`<escrow-invitation .entry=${app.entry} .token=${secret}></escrow-invitation>`,
};

/** @typedef {{ tab: Tab, href: string, icon: IconName, label: string }} TabView */

/** @type {readonly AccountRole[]} Those who take part in circles; auditors and administrators need not. */
const CARING = ["professional", "coordinator", "carer", "bot"];

/**
 * What somebody finds in the navigation; the first is where they start.
 * @param {readonly AccountRole[]} roles
 * @param {boolean} hasCircles
 * @returns {TabView[]}
 */
export function tabsFor(roles, hasCircles) {
  /** @type {(TabView & { shown: boolean })[]} */
  const tabs = [
    { tab: "circles", href: "/#/", icon: "circles", label: t("tab.circles"), shown: hasCircles || roles.some((role) => CARING.includes(role)) },
    { tab: "broadcasts", href: "/#/broadcasts", icon: "broadcast", label: t("tab.broadcasts"), shown: roles.includes("coordinator") },
    { tab: "audit", href: "/#/audit", icon: "audit", label: t("tab.audit"), shown: roles.includes("auditor") },
    { tab: "admin", href: "/#/admin", icon: "settings", label: t("tab.admin"), shown: roles.includes("administrator") },
    { tab: "me", href: "/#/me", icon: "person", label: t("tab.me"), shown: true },
  ];
  return tabs.filter((tab) => tab.shown);
}
