/** A button that opens a menu: the ARIA pattern of a menu button. */

import { h, drawIconButton } from "./dom.js";
import { directionOf } from "./form/scalars.js";

/** @typedef {[label: string, onclick: () => void]} MenuItem */
/** @typedef {(label: string, onclick: () => void) => HTMLButtonElement} DrawOpener */

/**
 * Draw a menu button with its menu.
 * @param {string} label
 * @param {MenuItem[]} items
 * @param {DrawOpener} [drawOpener] draws the button
 */
export function drawMenu(label, items, drawOpener = drawDots) {
  const buttons = items.map(([title, onclick]) => {
    const attributes = { type: "button", role: "menuitem", class: "menu-item", tabindex: "-1" };
    const choose = () => {
      show(false);
      opener.focus();
      onclick();
    };
    return h("button", { ...attributes, onclick: choose }, title);
  });
  const opener = drawOpener(label, () => open());
  opener.setAttribute("aria-haspopup", "menu");
  opener.setAttribute("aria-expanded", "false");
  const menu = h(
    "div",
    { role: "menu", class: "menu", "aria-label": label, hidden: true },
    buttons,
  );
  const show = (/** @type {boolean} */ isOpen) => {
    menu.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) placeMenu(menu, opener);
  };
  const open = () => {
    const isOpen = Boolean(menu.hidden);
    show(isOpen);
    if (isOpen) buttons[0]?.focus();
  };
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      show(false);
      opener.focus();
    } else if (!moveFocus(buttons, event.key)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  const leave = (/** @type {FocusEvent} */ { relatedTarget }) => {
    if (!(relatedTarget instanceof Node && place.contains(relatedTarget))) show(false);
  };
  const place = h("div", { class: "menu-place", onfocusout: leave }, opener, menu);
  return place;
}

/**
 * Place an open menu below its button, or above it where only there is room.
 * @param {HTMLElement} menu
 * @param {HTMLElement} opener
 */
function placeMenu(menu, opener) {
  menu.classList.remove("is-above");
  const { bottom, height } = menu.getBoundingClientRect();
  const isCut = bottom > document.documentElement.clientHeight;
  const hasRoom = opener.getBoundingClientRect().top > height;
  menu.classList.toggle("is-above", isCut && hasRoom);
}

/** @type {DrawOpener} */
function drawDots(label, onclick) {
  return drawIconButton("more", label, onclick);
}

/**
 * Move the focus within a menu, around its ends. Return whether the key does that.
 * @param {HTMLElement[]} buttons
 * @param {string} key
 */
function moveFocus(buttons, key) {
  const direction = directionOf(key);
  const focused = buttons.findIndex((button) => button === document.activeElement);
  if (direction !== 0) buttons.at((focused + direction) % buttons.length)?.focus();
  else if (key === "Home") buttons[0]?.focus();
  else if (key === "End") buttons.at(-1)?.focus();
  else return false;
  return true;
}
