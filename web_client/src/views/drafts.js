/** @import { Draft, NoteView } from "../state/types.js" */

/** @returns {Draft} */
export const emptyDraft = () => ({ type: "GEN", text: "", urgent: false, acknowledge: false, replyTo: null, replaces: null, kept: [], files: [] });

/** What is being written answers this note now. @param {Draft} draft @param {NoteView} note @returns {Draft} */
export const replyIn = (draft, note) => ({ ...(draft.replaces ? emptyDraft() : draft), replyTo: note.note });

/** A new version of one's own note, starting from what it says. @param {NoteView} note @returns {Draft} */
export const correctionOf = (note) => ({
  type: note.type, text: note.text, urgent: note.urgent, acknowledge: note.acknowledge,
  replyTo: note.replyTo?.note ?? null, replaces: note.note, kept: note.attachments.map(({ id }) => id), files: [],
});

/** Is there anything to send? @param {Draft} draft */
export const isEmpty = ({ text, files, kept }) => text.trim() === "" && files.length === 0 && kept.length === 0;
