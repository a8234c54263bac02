/** Ways to copy something, shown before they are copied. */

import { fill, h, icon } from "./dom.js";
import { fold } from "./form/frame.js";

/** A fold with the ways. @param {string} title @param {() => Record<string, string>} texts asked for when it is opened */
export function copyFold(title, texts) {
  const place = h("div", {});
  const drawn = fold(title, [place], { class: "fold copy-as" });
  drawn.addEventListener("toggle", () => drawn.open && place.childElementCount === 0 && fill(place, copyChoices(texts())));
  return drawn;
}

/** Buttons for the ways; the one that is pressed is shown. @param {Record<string, string>} texts */
export function copyChoices(texts) {
  const shown = h("pre", { class: "raw copy-text", tabindex: "0", "aria-label": "Text to copy" });
  const buttons = Object.keys(texts).map((name) => h("button", { type: "button", class: "segment", "aria-pressed": "false", onclick: () => choose(name) }, name));
  const copy = h("button", { type: "button", class: "button", onclick: () => copied(copy, shown.textContent) }, icon("copy"), "Copy");
  const choose = (name) => {
    shown.textContent = texts[name];
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === name)));
  };
  choose(Object.keys(texts)[0]);
  return [h("div", { class: "copy-head" }, h("div", { class: "segments", role: "group", "aria-label": "Copy as" }, buttons), copy), shown];
}

async function copied(button, text) {
  const done = await navigator.clipboard.writeText(text).then(() => "Copied", () => "Select the text to copy it");
  fill(button, icon("copy"), done);
}
