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

/**
 * Draw tabs over panels, of which one is shown. Arrow keys go from tab to tab.
 * @template {string} Name
 * @param {HTMLElement} place
 * @param {string} label
 * @param {{name: Name, title: string, panel: HTMLElement, onShow?: () => void}[]} panels
 * @returns {(name: Name) => void} the function that shows a panel
 */
export function drawPanels(place, label, panels) {
  const tabs = panels.map(({ name, title, panel }) => {
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${name}`);
    const attributes = { type: "button", role: "tab", class: "part-tab", id: `tab-${name}` };
    const onclick = () => show(name);
    return h("button", { ...attributes, "aria-controls": panel.id, onclick }, title);
  });
  const show = (/** @type {Name} */ name) => {
    panels.forEach((one, index) => {
      const isShown = one.name === name;
      const wasHidden = one.panel.hidden;
      one.panel.hidden = !isShown;
      tabs[index]?.setAttribute("aria-selected", String(isShown));
      tabs[index]?.setAttribute("tabindex", isShown ? "0" : "-1");
      if (isShown && wasHidden) one.onShow?.();
    });
  };
  place.setAttribute("role", "tablist");
  place.setAttribute("aria-label", label);
  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
    const at = tabs.findIndex((tab) => tab === document.activeElement);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (step === 0 || at < 0 || !next) return;
    event.preventDefault();
    next.focus();
    next.click();
  });
  fill(place, tabs);
  for (const { panel } of panels) panel.hidden = true;
  if (panels[0]) show(panels[0].name);
  return show;
}
