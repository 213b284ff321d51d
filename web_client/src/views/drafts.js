/** @import { Draft, NoteView } from "../state/types.js" */

/** @returns {Draft} */
export const emptyDraft = () => ({ type: "GEN", text: "", urgent: false, acknowledge: false, replyTo: null, replaces: null, audiences: null, kept: [], files: [] });

/** What is being written answers this note now, and goes to whom it went. @param {Draft} draft @param {NoteView} note @returns {Draft} */
export const replyIn = (draft, note) => ({ ...(draft.replaces ? emptyDraft() : draft), replyTo: note.note, audiences: note.audiences });

/** It answers nothing any more, and goes where notes go. @param {Draft} draft @returns {Draft} */
export const withoutReply = (draft) => ({ ...draft, replyTo: null, audiences: null });

/** A new version of one's own note, starting from what it says. @param {NoteView} note @returns {Draft} */
export const correctionOf = (note) => ({
  type: note.type, text: note.text, urgent: note.urgent, acknowledge: note.acknowledge, audiences: note.audiences,
  replyTo: note.replyTo?.note ?? null, replaces: note.note, kept: note.attachments.map(({ id }) => id), files: [],
});

/** Is there anything to send? @param {Draft} draft */
export const isEmpty = ({ text, files, kept }) => text.trim() === "" && files.length === 0 && kept.length === 0;
