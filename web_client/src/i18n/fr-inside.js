import { frAudit } from "./fr-audit.js";
import { frDisclosure } from "./fr-disclosure.js";
import { frEmergency } from "./fr-emergency.js";
import { frMembers } from "./fr-members.js";
import { frNotes } from "./fr-notes.js";

/** What only somebody who has come in reads: a first visit does not wait for it. */
export const frInside = {
  ...frNotes,
  ...frMembers,
  ...frAudit,
  ...frDisclosure,
  ...frEmergency,
};
