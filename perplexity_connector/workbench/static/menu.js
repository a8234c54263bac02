/** A button that opens a list of commands. */

/** @import { IconName } from "./dom.js" */

import { h, drawIcon } from "./dom.js";

/** @typedef {{label: string, id: string, onclick: () => unknown}} Command */

/**
 * Draw a menu. It closes after a command, on Escape, and when the focus or a press is elsewhere.
 * @param {string} label
 * @param {IconName} icon
 * @param {Command[]} commands
 */
export function drawMenu(label, icon, commands) {
  const buttons = commands.map(({ label: text, id, onclick }) => {
    const choose = () => {
      menu.open = false;
      summary.focus();
      onclick();
    };
    return h("button", { type: "button", class: "menu-item", id, onclick: choose }, text);
  });
  const attributes = { class: "button button-quiet", "aria-label": label, title: label };
  const summary = h("summary", attributes, drawIcon(icon));
  const list = h("div", { class: "menu-list" }, buttons);
  const menu = h("details", { class: "menu" }, summary, list);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.preventDefault();
    menu.open = false;
    summary.focus();
  });
  const closeOutside = (/** @type {Event} */ { target }) => {
    if (target instanceof Node && !menu.contains(target)) menu.open = false;
  };
  document.addEventListener("pointerdown", closeOutside);
  document.addEventListener("focusin", closeOutside);
  return menu;
}
