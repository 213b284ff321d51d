/** Ends of memberships that people mean when they say "this evening". */

const EVENING = 20; // o'clock: when a round is over
const TOO_SOON = 3_600_000;

/** The time a suggestion stands for: eight in the evening; late in the day, the end of it. @param {"none" | "evening" | "week" | "month"} choice @param {number} now @returns {number | null} */
export function suggestion(choice, now) {
  if (choice === "none") return null;
  const end = new Date(now);
  if (choice === "week") end.setDate(end.getDate() + 7);
  if (choice === "month") end.setMonth(end.getMonth() + 1);
  end.setHours(EVENING, 0, 0, 0);
  if (end.getTime() < now + TOO_SOON) end.setHours(23, 59, 0, 0);
  return end.getTime();
}
