/** Shows texts to copy, one at a time. */

import { fill, h, drawIcon } from "./dom.js";
import { drawLateFold } from "./form/frame.js";

/**
 * Draw a fold with the texts.
 * @param {string} title
 * @param {() => Record<string, string>} write called when the fold is opened first
 */
export function drawCopyFold(title, write) {
  return drawLateFold(title, () => drawCopyChoices(write()), "fold copy-as");
}

/**
 * Draw a button for each text, and the text of the one that is pressed.
 * @param {Record<string, string>} texts
 */
export function drawCopyChoices(texts) {
  const shown = h("pre", { class: "raw copy-text", tabindex: "0", "aria-label": "Text to copy" });
  const buttons = Object.keys(texts).map((name) =>
    h("button", { type: "button", class: "segment", onclick: () => choose(name) }, name),
  );
  const copy = h(
    "button",
    {
      type: "button",
      class: "button",
      onclick: () => {
        copyText(copy, shown.textContent);
      },
    },
    drawIcon("copy"),
    "Copy",
  );
  const choose = (/** @type {string} */ name) => {
    shown.textContent = texts[name] ?? "";
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.textContent === name));
    }
  };
  choose(Object.keys(texts)[0] ?? "");
  const group = { class: "segments", role: "group", "aria-label": "Copy as" };
  return [h("div", { class: "copy-head" }, h("div", group, buttons), copy), shown];
}

/** @param {HTMLElement} button @param {string | null} text */
async function copyText(button, text) {
  const done = await navigator.clipboard.writeText(text ?? "").then(
    () => "Copied",
    () => "Select the text to copy it",
  );
  fill(button, drawIcon("copy"), done);
}
