import { t, tMaybe } from "../i18n/language.js";

/** @import { AuditEntry } from "../state/types.js" */

/** Actions the filter offers; an entry may say others, which are shown as they are. */
export const ACTIONS = /** @type {const} */ ([
  "auth.token", "auth.enrol", "account.append", "directory.search", "circle.create", "circle.append", "circle.ledger",
  "circle.grant", "circle.sync", "circle.page", "note.get", "note.post", "receipt.post", "receipt.get", "blob.read", "blob.write",
  "audit.search", "audit.export", "audit.circle", "admin.invite", "admin.accounts",
]);

/** @param {AuditEntry} entry */
export const actionName = ({ action }) => tMaybe(`action.${action}`, action);

/** @param {AuditEntry} entry */
export const actorName = ({ name, account }) => name ?? (account ? `${account.slice(0, 12)}…` : t("audit.nobody"));
