/** On a narrow screen one part of the workbench is shown at a time. */

import { fill, h } from "./dom.js";

const PARTS = { palette: "Actions", flow: "Flow", run: "Runs" };

/** @param {HTMLElement} place @param {HTMLElement} columns @returns {(part: keyof typeof PARTS) => void} shows a part */
export function drawTabs(place, columns) {
  const buttons = Object.entries(PARTS).map(([part, title]) => h("button", { type: "button", class: "tab", "data-part": part, onclick: () => show(part) }, title));
  const show = (part) => {
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
