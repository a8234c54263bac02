/** Shows errors in a form: at their fields, above the form, and on the fold that hides a field. */

/** @import { Bindings, FieldError, JsonObject, Part } from "../types.js" */
/** @import { Field } from "./field-map.js" */

import { h } from "../dom.js";
import { writeReference } from "../mapping.js";
import { get } from "./pointer.js";

/**
 * Write an error for the field at a place around it.
 * @param {FieldError} error
 * @param {string} place
 */
export function writeError({ pointer, message }, place) {
  const line = /^\/(\d+)$/.exec(pointer.slice(place.length))?.[1];
  return line === undefined ? message : `Line ${Number(line) + 1}: ${message}`;
}

/**
 * Show the errors of a field.
 * @param {Field} field
 * @param {string} id
 * @param {string[]} messages
 */
export function showFieldErrors({ wrapper, control }, id, messages) {
  const place = wrapper.querySelector(`#${CSS.escape(id)}-error`);
  if (!(place instanceof HTMLElement)) return;
  const isWrong = messages.length > 0;
  place.textContent = messages.join(" ");
  place.hidden = !isWrong;
  const described = isWrong ? [place.id] : [];
  const help = wrapper.querySelector(`#${CSS.escape(id)}-help`);
  if (help) described.push(help.id);
  if (described.length > 0) control.setAttribute("aria-describedby", described.join(" "));
  else control.removeAttribute("aria-describedby");
  if (control.nodeName !== "FIELDSET") control.setAttribute("aria-invalid", String(isWrong));
  wrapper.classList.toggle("sf-wrong", isWrong);
}

/** Draw an error that has no field of its own. @param {FieldError} error */
export function drawTopError({ pointer, message }) {
  return h("li", {}, pointer ? `${pointer}: ${message}` : message);
}

/**
 * Draw a binding that no field shows.
 * @param {string} pointer
 * @param {Part[]} parts
 * @param {() => void} remove
 */
export function drawStrayBinding(pointer, parts, remove) {
  const texts = parts.map((part) => (typeof part === "string" ? part : writeReference(part)));
  return h(
    "li",
    { class: "sf-stray" },
    h("code", {}, pointer),
    ` takes ${texts.join(" ")} `,
    h("button", { type: "button", class: "button", onclick: remove }, "Remove"),
  );
}

/**
 * Show on a fold how many of its fields are set and how many are wrong.
 * @param {Element} fold
 * @param {JsonObject} value
 * @param {Bindings} bindings
 */
export function showFoldNote(fold, value, bindings) {
  const fields = [...fold.querySelectorAll(":scope > .fold-body > [data-pointer]")];
  const set = fields.filter((field) => {
    const pointer = field.getAttribute("data-pointer") ?? "";
    return get(value, pointer) !== undefined || bindings[pointer];
  });
  const wrong = fold.querySelectorAll(".sf-wrong");
  const facts = [];
  if (set.length > 0) facts.push(`${set.length} set`);
  if (wrong.length > 0) facts.push(`${wrong.length} to fix`);
  const note = fold.querySelector(".fold-note");
  if (note) note.textContent = facts.join(", ");
  fold.classList.toggle("fold-wrong", wrong.length > 0);
}
