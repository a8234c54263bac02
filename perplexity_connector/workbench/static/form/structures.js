/** Controls for lists and for JSON of any shape. */

import { h, icon, iconButton } from "../dom.js";
import { fieldset, frame } from "./frame.js";
import { child, isObject } from "./pointer.js";
import { growing, hint } from "./scalars.js";
import { nextItem } from "./shape.js";

/** @typedef {import("../schema-form.js").FormContext} FormContext @typedef {import("./frame.js").Node} Node */

/** A list of texts, one a line. @param {FormContext} form @param {Node} node */
export function lines(form, node) {
  const value = form.get(node.pointer);
  const give = (event) => form.set(node.pointer, event.target.value.split("\n").map((line) => line.trim()).filter((line) => line !== ""));
  const text = Array.isArray(value) ? value.join("\n") : "";
  return frame(form, node, growing({ rows: 2, value: text, placeholder: hint(node) ?? "One a line", oninput: give, spellcheck: "false" }));
}

/** JSON of any shape, checked while it is written. @param {FormContext} form @param {Node} node */
export function raw(form, node) {
  const wrapper = frame(form, node, jsonArea(form.get(node.pointer), (value, problem) => {
    form.problem(node.pointer, problem);
    if (!problem) form.set(node.pointer, value);
  }));
  return wrapper;
}

/**
 * A text area for JSON that tells every edit: the value, undefined for nothing, or the words for what is wrong.
 * @param {import("./pointer.js").Json|undefined} value @param {(value: unknown, problem: string) => void} tell
 * @returns {HTMLTextAreaElement}
 */
export function jsonArea(value, tell) {
  const text = value === undefined ? "" : JSON.stringify(value, null, 2);
  return growing({
    rows: 3, class: "sf-input sf-growing sf-json", value: text, spellcheck: "false", autocomplete: "off", placeholder: "{ }",
    oninput: (event) => tell(...parsed(event.target.value)),
  });
}

function parsed(text) {
  if (text.trim() === "") return [undefined, ""];
  try {
    const value = JSON.parse(text);
    return isObject(value) ? [value, ""] : [undefined, "Must be a JSON object: { \u2026 }."];
  } catch {
    return [undefined, "This is not JSON yet: mind the quotes, commas and braces."];
  }
}

/**
 * A list of objects: each a card that can be moved and removed.
 * @param {FormContext} form @param {Node} node @param {(form: FormContext, node: Node) => HTMLElement} field
 */
export function list(form, node, field) {
  const value = form.get(node.pointer);
  const items = Array.isArray(value) ? value : [];
  const singular = node.schema.items.title ?? "item";
  const add = () => {
    form.set(node.pointer, [...items, nextItem(node.schema, items, form.exampleOf(node.pointer))]);
    form.draw(node.pointer);
    form.focusInside(child(node.pointer, items.length));
  };
  const cards = items.map((_, index) => item(form, node, field, { index, count: items.length, singular }));
  const full = node.schema.maxItems !== undefined && items.length >= node.schema.maxItems;
  const button = h("button", { type: "button", class: "button sf-add", onclick: add, disabled: full }, icon("add"), `Add ${singular.toLowerCase()}`);
  return fieldset(form, node, [h("div", { class: "sf-list" }, cards), button]);
}

function item(form, node, field, { index, count, singular }) {
  const pointer = child(node.pointer, index);
  const move = (to) => to >= 0 && to < count && form.move(node.pointer, index, to);
  const name = `${singular} ${index + 1}`;
  const fields = Object.entries(node.schema.items.properties).map(([key, schema]) =>
    field(form, {
      schema, pointer: child(pointer, key), pattern: `${node.pattern}/*/${key}`, title: schema.title ?? key,
      required: (node.schema.items.required ?? []).includes(key),
    }),
  );
  const tools = h(
    "div",
    { class: "sf-item-tools" },
    iconButton("arrowUp", `Move ${name} up`, () => move(index - 1), { disabled: index === 0, "data-move": "up" }),
    iconButton("arrowDown", `Move ${name} down`, () => move(index + 1), { disabled: index === count - 1, "data-move": "down" }),
    iconButton("trash", `Remove ${name}`, () => form.move(node.pointer, index, -1)),
  );
  return h(
    "div",
    { class: "sf-item", role: "group", "aria-label": name, "data-item": pointer, onkeydown: (event) => arrows(event, index, move) },
    h("div", { class: "sf-item-fields" }, fields),
    tools,
  );
}

/** Alt with an arrow moves the item that has the focus; the step around it is not to move as well. */
function arrows(event, index, move) {
  const direction = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!direction || !event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  move(index + direction);
}
