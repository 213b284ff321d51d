import { enAudit } from "./en-audit.js";
import { enDisclosure } from "./en-disclosure.js";
import { enEmergency } from "./en-emergency.js";
import { enMembers } from "./en-members.js";
import { enNotes } from "./en-notes.js";

/** What only somebody who has come in reads: a first visit does not wait for it. */
export const enInside = {
  ...enNotes,
  ...enMembers,
  ...enAudit,
  ...enDisclosure,
  ...enEmergency,
};
