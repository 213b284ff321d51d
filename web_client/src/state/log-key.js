/** The audit log's verifying key, as it was when this browser first met the log. */
import { ProtocolError } from "../core/errors.js";
import { parseVkey } from "../core/signed-note.js";

/** As it was then, without asking again; a log signed with another does not verify. @param {import("./member.js").Member} member */
export async function knownLogKey(member) {
  const pinned = await member.database.get("values", "log key");
  return pinned === undefined ? logKey(member) : parseVkey(pinned);
}

/** And it is the same today. Throws ProtocolError `vkey-changed`, and raises an alarm. @param {import("./member.js").Member} member */
export async function logKey(member) {
  const file = await member.transport.http.file("/log/vkey");
  if (!file) throw new ProtocolError("vkey-malformed");
  const text = new TextDecoder().decode(file).trim();
  await member.database.update("values", "log key", (before) => before ?? text);
  const pinned = await member.database.get("values", "log key");
  if (pinned !== text) {
    member.alarms.raise("log-fork", null, null, { kind: "vkey-changed" });
    throw new ProtocolError("vkey-changed");
  }
  return parseVkey(pinned);
}
