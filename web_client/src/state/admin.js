/** For administrators: invitations, and who is enrolled. */

/** @typedef {import("./member.js").Member} Member */

/** @param {Member} member @param {Parameters<import("./types.js").Admin["invite"]>[0]} form */
export async function invite(member, { roles, organisation, days, resets = null }) {
  const { path, expires_at: expiresAt } = await member.transport.call("admin.invite", { roles: [...roles], organisation, days, resets });
  return { url: `${member.origin}${path}`, expiresAt };
}

/** @param {Member} member @param {{ after: number, limit: number }} page */
export async function accounts(member, { after, limit }) {
  const { rows } = await member.transport.call("admin.accounts", { after, limit });
  const shown = rows.map(({ enrolled_at: enrolledAt, last_seen: lastSeen, replaced_by: replacedBy, ...row }) => Object.freeze({ ...row, enrolledAt, lastSeen, replacedBy }));
  return { rows: shown, more: rows.length === limit };
}
