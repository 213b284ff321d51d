import { html, nothing } from "lit";
import { fileSize } from "../i18n/formats.js";
import { t } from "../i18n/language.js";
import { icon } from "./icons.js";
import "./attachment-thumb.js";

/** @import { AttachmentView } from "../state/types.js" */

/** Images a browser shows by itself; anything else is a file. */
const SHOWN = new Set(["image/jpeg", "image/png", "image/webp"]);

/** @param {{ mediaType: string }} attachment */
export const isPicture = ({ mediaType }) => SHOWN.has(mediaType);

/**
 * Thumbnails and files; each opens the viewer.
 * @param {readonly AttachmentView[]} attachments
 * @param {(index: number) => void} open
 */
export function attachmentsView(attachments, open) {
  if (attachments.length === 0) return nothing;
  return html`
    <ul class="attachments" aria-label=${t("attachment.count", { count: attachments.length })}>
      ${attachments.map((attachment, index) => html`<li>${one(attachment, () => open(index))}</li>`)}
    </ul>`;
}

/** @param {AttachmentView} attachment @param {() => void} open */
const one = (attachment, open) => (isPicture(attachment) ? picture(attachment, open) : file(attachment, open));

/** @param {AttachmentView} attachment @param {() => void} open */
const picture = (attachment, open) => html`
  <button class="thumb" @click=${open} aria-label=${t("attachment.open-picture", { name: attachment.name })}>
    <attachment-thumb .blob=${attachment.thumbnail}></attachment-thumb>
  </button>`;

/** @param {AttachmentView} attachment @param {() => void} open */
const file = (attachment, open) => html`
  <button class="file" @click=${open}>
    ${icon("file")}
    <span class="grow clip">${attachment.name}</span>
    <span class="small quiet">${fileSize(attachment.size)}</span>
  </button>`;
