/** Shows errors and hints: at their fields, above the form, and on the fold that hides a field. */

/** @import { Bindings, FieldError, Hint, Json, JsonObject, Part, Schema } from "../types.js" */
/** @import { Field } from "./field-map.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { h } from "../dom.js";
import { schemaAt } from "./agreement.js";
import { describeChoices } from "./check.js";
import { get, joinPointer, splitPointer } from "./pointer.js";
import { kindOf } from "./shape.js";
import { writeReference } from "./taking.js";

/**
 * Write an error for a field at its place or around it. A wrong choice names the others as the
 * field shows them.
 * @param {FieldError} error
 * @param {Field} field
 * @param {SchemaForm} form
 */
function writeError({ pointer, code, message }, { node }, form) {
  const { schema, pattern } = node;
  const choices = schema.enum ?? schema.items?.enum;
  if (code === "enum" && choices) {
    const labels = form.labelsFor(schema.enum ? pattern : `${pattern}/*`);
    return describeChoices(choices, labels);
  }
  const inside = splitPointer(pointer.slice(node.pointer.length));
  if (inside.length === 0) return message;
  const isLine = kindOf(schema) === "lines";
  return isLine
    ? `Line ${Number(inside[0]) + 1}: ${message}`
    : `${writePlace(inside, schema, form.get(node.pointer))}: ${message}`;
}

/**
 * Write a place inside a field. Items have their title and count from one, as in lists with cards.
 * @param {string[]} names
 * @param {Schema} schema
 * @param {Json | undefined} value
 */
function writePlace(names, schema, value) {
  const words = names.map((name, depth) => {
    const around = names.slice(0, depth).reduce(joinPointer, "");
    if (!Array.isArray(get(value, around))) return name;
    const title = schemaAt(schema, around)?.items?.title ?? "Item";
    return `${title} ${Number(name) + 1}`;
  });
  return words.join(" \u203a ");
}

/**
 * Show the errors and the hints of a field.
 * @param {SchemaForm} form
 * @param {Field} field
 * @param {FieldError[]} [errors]
 * @param {Hint[]} [hints]
 */
export function showNotes(form, field, errors = [], hints = []) {
  const { wrapper, control, node } = field;
  const id = form.idOf(node.pointer);
  const isWrong = errors.length > 0;
  const described = [
    showNote(
      wrapper,
      `${id}-error`,
      errors.map((error) => writeError(error, field, form)),
    ),
    showNote(
      wrapper,
      `${id}-hint`,
      hints.map(({ message }) => message),
    ),
    wrapper.querySelector(`#${CSS.escape(id)}-help`)?.id ?? "",
  ].filter(Boolean);
  if (described.length > 0) control.setAttribute("aria-describedby", described.join(" "));
  else control.removeAttribute("aria-describedby");
  if (!control.matches("fieldset, [role=group]"))
    control.setAttribute("aria-invalid", String(isWrong));
  wrapper.classList.toggle("sf-wrong", isWrong);
}

/**
 * Show messages in their place. Return its id if it shows any.
 * @param {HTMLElement} wrapper
 * @param {string} id
 * @param {string[]} messages
 */
function showNote(wrapper, id, messages) {
  const place = wrapper.querySelector(`#${CSS.escape(id)}`);
  if (!(place instanceof HTMLElement)) return "";
  // A value may break two rules with one sentence.
  place.textContent = [...new Set(messages)].join("\n");
  place.hidden = messages.length === 0;
  return place.hidden ? "" : id;
}

/**
 * Draw the errors and hints that have no field of their own.
 * @param {FieldError[]} errors
 * @param {Hint[]} hints
 */
export function drawTopNotes(errors = [], hints = []) {
  return [
    errors.map((error) => h("p", {}, writePlaced(error))),
    hints.map((hint) => h("p", { class: "sf-top-hint" }, writePlaced(hint))),
  ];
}

/** @param {Hint} note an error or a hint */
function writePlaced({ pointer, message }) {
  return pointer ? `${pointer}: ${message}` : message;
}

/**
 * Draw the bindings that no control shows, so that none is hidden.
 * @param {Bindings} bindings
 * @param {(pointer: string) => HTMLElement | undefined} controlOf
 * @param {(pointer: string) => void} remove
 */
export function drawStrayBindings(bindings, controlOf, remove) {
  return Object.entries(bindings)
    .filter(([pointer]) => !controlOf(pointer)?.matches(".sf-tokens, .sf-taken"))
    .map(([pointer, parts]) => drawStrayBinding(pointer, parts, () => remove(pointer)));
}

/**
 * @param {string} pointer
 * @param {Part[]} parts
 * @param {() => void} remove
 */
function drawStrayBinding(pointer, parts, remove) {
  const texts = parts.map((part) => (typeof part === "string" ? part : writeReference(part)));
  return h(
    "p",
    { class: "sf-stray" },
    h("code", {}, pointer),
    ` takes ${texts.join(" ")} `,
    h("button", { type: "button", class: "button", onclick: remove }, "Remove"),
  );
}

/**
 * Show on a fold, if there is one, how many of its fields are set, are wrong, or have a hint.
 * @param {Element | null} fold
 * @param {JsonObject} value
 * @param {Bindings} bindings
 */
export function showFoldNote(fold, value, bindings) {
  if (!fold) return;
  const fields = [...fold.querySelectorAll(":scope > .fold-body > [data-pointer]")];
  const set = fields.filter((field) => {
    const pointer = field.getAttribute("data-pointer") ?? "";
    return get(value, pointer) !== undefined || bindings[pointer];
  });
  const wrong = fold.querySelectorAll(".sf-wrong");
  const facts = [];
  if (set.length > 0) facts.push(`${set.length} set`);
  if (wrong.length > 0) facts.push(`${wrong.length} to fix`);
  const hints = fold.querySelectorAll(".sf-hint:not([hidden])").length;
  if (hints > 0) facts.push(hints === 1 ? "1 hint" : `${hints} hints`);
  const note = fold.querySelector(".fold-note");
  if (note) note.textContent = facts.join(", ");
  fold.classList.toggle("fold-wrong", wrong.length > 0);
}
