import { t, tMaybe } from "../i18n/language.js";

/** @import { AuditEntry } from "../state/types.js" */

/** What the server logs; an entry may say something newer, which is shown as it stands. */
export const ACTIONS = /** @type {const} */ ([
  "auth.challenge", "auth.token", "auth.renew", "auth.invitation", "auth.enrol", "auth.join.look",
  "auth.join.request", "auth.join.wait", "socket.connect", "event.unknown", "account.get", "account.append",
  "directory.search", "device.list", "device.offer", "device.request", "device.approve", "circle.create",
  "circle.append", "circle.list", "circle.ledger", "circle.profile", "circle.grants", "circle.grant",
  "circle.unopenable", "circle.missing", "circle.help", "circle.sync", "circle.page", "note.get", "note.post", "note.disclose", "receipt.post",
  "receipt.sync", "receipt.get", "blob.read", "blob.upload", "audit.search", "audit.view", "audit.verify", "audit.findings", "audit.review",
  "audit.volume", "audit.hours", "audit.rules", "audit.rules.set", "audit.prove",
  "audit.consistency", "audit.heads", "audit.hold", "audit.release", "audit.retention", "audit.circle", "audit.note", "audit.export", "backup.write", "backup.restore", "log.checkpoint", "log.tile", "log.entries",
  "log.vkey", "log.verifier", "alarm.report", "escrow.share", "escrow.reshare", "escrow.list", "emergency.look", "emergency.request",
  "emergency.answer", "emergency.withdraw", "emergency.expire", "emergency.list", "audit.chase", "admin.invite", "admin.accounts",
]);

/** What was done, as closely as the entry tells: a change of a circle or account by its first operation. @param {AuditEntry} entry */
export function actionName({ action, facts }) {
  if (!action) return t("audit.unreadable");
  const operations = String(facts["operations"] ?? facts["operation"] ?? "").split(" ");
  const first = operations.find((operation) => operation !== "epoch.open") ?? operations[0] ?? "";
  return tMaybe(`operation.${first}`, "") || tMaybe(`action.${action}`, action);
}

/** @param {AuditEntry} entry */
export const actorName = ({ name, account }) => name ?? (account ? `${account.slice(0, 12)}…` : t("audit.nobody"));
