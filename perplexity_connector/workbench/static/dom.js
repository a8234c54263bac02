/**
 * Builds the page from DOM nodes. Text never becomes markup, so no text that is shown can run. It
 * loses what would change the order of the text around it.
 */

/** @import { Attributes, Child } from "./types.js" */

import { clean } from "./text.js";

const PROPERTIES = new Set([
  "value",
  "checked",
  "textContent",
  "open",
  "disabled",
  "hidden",
  "htmlFor",
  "tabIndex",
  "selected",
]);

/**
 * Return an element with these attributes and children. A function under `onNAME` listens to the
 * event NAME. An attribute or a child that is false, null or undefined is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes<HTMLElementTagNameMap[Tag]>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...flatten(children));
  return element;
}

/** @param {HTMLElement} element @param {string} name @param {unknown} value */
function setAttribute(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (typeof value === "function") {
    element.addEventListener(name.slice(2), (event) => value(event));
  } else if (PROPERTIES.has(name)) {
    Reflect.set(element, name, value);
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function flatten(children) {
  return children.flatMap((child) => {
    if (Array.isArray(child)) return flatten(child);
    if (child === undefined || child === null || child === false || child === "") return [];
    return [child instanceof Node ? child : clean(String(child))];
  });
}

/**
 * Return whether a key belongs to an input method: its Enter takes a word, and is no command here.
 * Safari ends the composition before that key, and gives it the number 229.
 * @param {KeyboardEvent} event
 */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

/**
 * Replace all children of an element. A child that is there already stays in its place, with the
 * focus and the selection in it.
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  const nodes = flatten(children).map((child) =>
    typeof child === "string" ? new Text(child) : child,
  );
  const kept = new Set(nodes);
  for (const old of [...element.childNodes]) if (!kept.has(old)) old.remove();
  let next = element.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else element.insertBefore(node, next);
  }
}

/**
 * Return the element with this id. Throws an `Error` when the page does not have it.
 * @param {string} id
 */
export function findById(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element with the id ${id}.`);
  return element;
}

/**
 * Return whether the user writes text in this element.
 * @param {EventTarget | null} target
 */
export function isTextField(target) {
  const fields = "textarea, [role=textbox], input:not([type=checkbox], [type=radio])";
  return target instanceof Element && target.matches(fields);
}

/**
 * Return the message of anything that was thrown.
 * @param {unknown} problem
 */
export function messageOf(problem) {
  return problem instanceof Error ? problem.message : String(problem);
}

/** Draw the note of a failure. @param {unknown} problem */
export function drawProblem(problem) {
  return h("p", { class: "note note-danger" }, messageOf(problem));
}

/** Give a blob to the browser as a file. @param {Blob} blob @param {string} name */
export function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 0);
}

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  add: "M12 5v14M5 12h14",
  arrowDown: "M12 5v14M6 13l6 6 6-6",
  arrowUp: "M12 19V5M6 11l6-6 6 6",
  chevron: "M9 6l6 6-6 6",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  drag: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  key: "M15 4a5 5 0 1 0 0 10 5 5 0 0 0 0-10M11.5 12.5 4 20v0M7 17l3 3",
  history: "M5 12a7 7 0 1 1 2 5M5 12l-2-2M5 12l2-2M12 8v4l3 2",
  link: "M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  open: "M4 19V6h6l2 2h8v3M4 19l3-8h15l-3 8z",
  play: "M7 5l12 7-12 7z",
  redo: "M20 9H9a5 5 0 0 0 0 10h4M20 9l-4-4M20 9l-4 4",
  repeat: "M4 12V9a3 3 0 0 1 3-3h12M16 3l3 3-3 3M20 12v3a3 3 0 0 1-3 3H5M8 21l-3-3 3-3",
  save: "M12 4v11M7 11l5 5 5-5M4 20h16",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12M15.5 15.5 20 20",
  spark: "M12 3l2 7 7 2-7 2-2 7-2-7-7-2 7-2z",
  stop: "M7 7h10v10H7z",
  table: "M4 6h16v12H4zM4 11h16M10 6v12",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  undo: "M4 9h11a5 5 0 0 1 0 10h-4M4 9l4-4M4 9l4 4",
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * Draw a small icon. It is hidden from screen readers: the control around it has a name of its own.
 * @param {IconName} name
 */
export function drawIcon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/**
 * Draw a button with a text.
 * @param {string} label
 * @param {(event: Event) => unknown} onclick
 * @param {"" | "button-primary" | "button-danger"} [tone]
 */
export function drawTextButton(label, onclick, tone = "") {
  return h("button", { type: "button", class: `button ${tone}`, onclick }, label);
}

/**
 * Draw a button that shows only an icon. Screen readers and the tooltip give its label.
 * @param {IconName} name
 * @param {string} label
 * @param {(event: Event) => unknown} onclick
 * @param {Attributes<HTMLButtonElement>} [more]
 */
export function drawIconButton(name, label, onclick, more = {}) {
  const attributes = { "aria-label": label, title: label, onclick, ...more };
  return h("button", { type: "button", class: "icon-button", ...attributes }, drawIcon(name));
}

/**
 * Open a modal dialog. It is removed from the page when it is closed.
 * @param {string} title
 * @param {Child[]} children
 * @param {string} [className]
 */
export function openDialog(title, children, className = "dialog") {
  const leave = () => {
    if (dialog.dispatchEvent(new Event("leave", { cancelable: true }))) dialog.close();
  };
  const close = drawIconButton("close", "Close", leave);
  const head = h("header", { class: "dialog-head" }, h("h2", {}, title), close);
  const dialog = h("dialog", { class: className, "aria-label": title }, head, children);
  dialog.addEventListener("close", () => dialog.remove());
  // The browser lets only the first of two presses be refused, if nothing else is pressed between.
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || isComposing(event)) return;
    event.preventDefault();
    leave();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Ask before Escape or the close button throws away what is typed in a dialog. Escape answers no.
 * @param {HTMLDialogElement} dialog
 * @param {() => string | null} question the question; null if nothing is lost
 */
export function guardDialog(dialog, question) {
  dialog.addEventListener("leave", async (event) => {
    const text = question();
    if (!text) return;
    event.preventDefault();
    const isSure = await ask("Leave?", (/** @type {(isSure: boolean) => void} */ answer) => {
      const stay = drawTextButton("Stay", () => answer(false));
      stay.autofocus = true;
      const leave = drawTextButton("Leave", () => answer(true), "button-danger");
      return [h("p", {}, text), h("div", { class: "dialog-buttons" }, leave, stay)];
    });
    if (isSure) dialog.close();
  });
}

/**
 * Ask in a dialog. Return null when it is closed without an answer.
 * @template Answer
 * @param {string} title
 * @param {(answer: (value: Answer) => void) => Child[]} draw
 * @param {string} [className]
 * @returns {Promise<Answer | null>}
 */
export function ask(title, draw, className) {
  return new Promise((resolve) => {
    /** @type {Answer | null} */
    let given = null;
    const opener = document.activeElement;
    const answer = (/** @type {Answer} */ value) => {
      given = value;
      dialog.close();
    };
    const dialog = openDialog(title, draw(answer), className);
    dialog.addEventListener("close", () => {
      if (opener instanceof HTMLElement) opener.focus();
      resolve(given);
    });
  });
}
