/** On a narrow screen, one part of the workbench is shown at a time. */

import { fill, h } from "./dom.js";

/** @typedef {"palette" | "flow" | "run"} PartName */

/** @type {[PartName, string][]} */
const PARTS = [
  ["palette", "Actions"],
  ["flow", "Flow"],
  ["run", "Runs"],
];

/**
 * Draw the tabs, and return the function that shows a part.
 * @param {HTMLElement} place
 * @param {HTMLElement} columns
 * @returns {(part: PartName) => void}
 */
export function drawTabs(place, columns) {
  const buttons = PARTS.map(([part, title]) => {
    const attributes = { type: "button", class: "tab", "data-part": part };
    return h("button", { ...attributes, onclick: () => show(part) }, title);
  });
  const show = (/** @type {PartName} */ part) => {
    columns.dataset.tab = part;
    for (const button of buttons) {
      if (button.dataset.part === part) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  };
  fill(place, buttons);
  show("palette");
  return show;
}
