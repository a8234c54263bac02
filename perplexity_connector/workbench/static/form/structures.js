/** Controls for lists and for JSON of any shape. */

/** @import { FormNode, Json, JsonObject, Schema, TypeName } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { h, drawIcon, drawIconButton } from "../dom.js";
import { findErrors } from "./check.js";
import { addHelp, drawFieldset, drawFold, drawFrame } from "./frame.js";
import { isObject, joinPointer } from "./pointer.js";
import { directionOf, drawTextArea, hintOf } from "./scalars.js";
import { makeExample, makeNextItem, typesOf } from "./shape.js";

/** @typedef {(form: SchemaForm, node: FormNode) => HTMLElement} DrawField */

/** @type {Record<string, string>} */
const PLACEHOLDERS = { array: "[ ]", object: "{ }" };

/** Draw a list of texts, one on each line. @param {SchemaForm} form @param {FormNode} node */
export function drawLines(form, node) {
  const value = form.get(node.pointer);
  const area = drawTextArea({
    rows: 2,
    value: Array.isArray(value) ? value.join("\n") : "",
    placeholder: hintOf(node) ?? writeDefault(node) ?? "One a line",
    spellcheck: "false",
    oninput: (event) => {
      const lines = event.currentTarget.value.split("\n").map((line) => line.trim());
      const filled = lines.filter((line) => line !== "");
      form.set(node.pointer, filled);
    },
  });
  return drawFrame(form, node, area);
}

/** Write the default of a list as a hint. @param {FormNode} node */
function writeDefault({ schema: { default: standard } }) {
  return Array.isArray(standard) ? `Default: ${standard.join(", ")}` : undefined;
}

/**
 * Draw a list of choices: a box to tick for each. A value that is not a choice is shown too, to be
 * removed.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
export function drawChoices(form, node) {
  const labels = form.labelsFor(`${node.pattern}/*`);
  const value = form.get(node.pointer);
  const given = Array.isArray(value) ? value : [];
  const choices = [...new Set([...(node.schema.items?.enum ?? []), ...given])];
  const boxes = choices.map((each) =>
    h("input", { type: "checkbox", checked: given.includes(each), onchange: () => update() }),
  );
  const update = () => {
    form.set(
      node.pointer,
      choices.filter((_, index) => boxes[index]?.checked),
    );
  };
  const rows = choices.map((each, index) =>
    h("label", { class: "sf-choice" }, boxes[index], labels[String(each)] ?? String(each)),
  );
  return drawFieldset(form, node, [h("div", { class: "sf-choices" }, rows)]);
}

/**
 * Draw JSON of any shape. It is checked while the user writes.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
export function drawJson(form, node) {
  const setValue = (/** @type {Json | undefined} */ value, /** @type {string} */ problem) => {
    form.setProblem(node.pointer, problem);
    if (!problem) form.set(node.pointer, value);
  };
  const area = drawJsonArea(form.get(node.pointer), setValue, typesOf(node.schema));
  const wrapper = drawFrame(form, node, area);
  if (node.schema.anyOf) addHelp(wrapper, form.idOf(node.pointer), describeUnion(node.schema));
  return wrapper;
}

/** Say what a union takes: the titles of its branches, and an example. @param {Schema} schema */
function describeUnion(schema) {
  const titles = [...new Set(schema.anyOf?.map(({ title }) => title))];
  const start = titles.length > 1 ? `${titles.join(" or ")}: write` : "Write";
  const example = makeExample(schema);
  const isRight = findErrors(schema, example).length === 0;
  return isRight ? `${start} JSON, for example ${JSON.stringify(example)}` : `${start} JSON.`;
}

/**
 * Draw a text area for JSON.
 * @param {Json | undefined} value
 * @param {(value: Json | undefined, problem: string) => void} onEdit called with the value,
 *   undefined for an empty area, or with a sentence about the problem
 * @param {TypeName[]} [types] the types that are taken; an empty list takes any
 */
export function drawJsonArea(value, onEdit, types = ["object"]) {
  return drawTextArea({
    rows: 3,
    class: "sf-input sf-growing sf-json",
    dir: "ltr",
    value: writeJsonText(value, types),
    spellcheck: "false",
    autocomplete: "off",
    placeholder: PLACEHOLDERS[types[0] ?? "object"] ?? "",
    oninput: (event) => {
      const { parsed, problem } = parseJson(event.currentTarget.value, types);
      onEdit(parsed, problem);
    },
  });
}

/**
 * Draw the whole value of a form as JSON, in a fold. Return the fold and the text area in it.
 * @param {string} title
 * @param {JsonObject} value
 * @param {(value: JsonObject) => void} onEdit
 */
export function drawRawFold(title, value, onEdit) {
  const note = h("p", { class: "sf-error", hidden: true });
  const area = drawJsonArea(value, (parsed, problem) => {
    note.textContent = problem;
    note.hidden = problem === "";
    area.setAttribute("aria-invalid", String(problem !== ""));
    if (!problem) onEdit(isObject(parsed) ? parsed : {});
  });
  area.setAttribute("aria-label", `${title} as JSON`);
  return { area, fold: drawFold("JSON", [area, note], { class: "fold sf-raw" }) };
}

/**
 * Write a value as JSON. Where any text is a value too, text is written as it is.
 * @param {Json | undefined} value
 * @param {TypeName[]} types
 */
function writeJsonText(value, types) {
  if (value === undefined) return "";
  const isPlain = typeof value === "string" && parseJson(value, types).parsed === value;
  return isPlain ? value : JSON.stringify(value, null, 2);
}

/**
 * @param {string} text
 * @param {TypeName[]} types
 * @returns {{parsed: Json | undefined, problem: string}}
 */
function parseJson(text, types) {
  if (text.trim() === "") return { parsed: undefined, problem: "" };
  try {
    /** @type {Json} */
    const parsed = JSON.parse(text);
    const isObjectNeeded = types.length === 1 && types[0] === "object";
    if (!isObjectNeeded || isObject(parsed)) return { parsed, problem: "" };
    return { parsed: undefined, problem: "Must be a JSON object: { \u2026 }." };
  } catch {
    if (types.includes("string")) return { parsed: text, problem: "" };
    const problem = "This is not JSON yet. Check the quotes, commas and braces.";
    return { parsed: undefined, problem };
  }
}

/**
 * Draw a list of objects: each is a card that can be moved and removed.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {DrawField} drawField
 */
export function drawList(form, node, drawField) {
  const read = () => {
    const value = form.get(node.pointer);
    return Array.isArray(value) ? value : [];
  };
  const { length } = read();
  const { maxItems = Infinity } = node.schema;
  const add = () => {
    // What was written into the items since they were drawn is read too.
    const items = read();
    const item = makeNextItem(node.schema, items, form.exampleOf(node.pointer));
    form.set(node.pointer, [...items, item]);
    form.draw(node.pointer);
    form.focusInside(joinPointer(node.pointer, items.length));
  };
  const cards = Array.from({ length }, (_, index) =>
    drawItem(node, drawItemFields(form, node, drawField, index), {
      index,
      count: length,
      move: (to) => form.move(node.pointer, index, to),
    }),
  );
  const button = drawAddButton(node, add, length >= maxItems);
  return drawFieldset(form, node, [h("div", { class: "sf-list" }, cards), button]);
}

/**
 * Draw the button that adds an item to a list.
 * @param {FormNode} node
 * @param {() => void} onclick
 * @param {boolean} disabled
 */
export function drawAddButton({ schema: { items } }, onclick, disabled) {
  const label = `Add ${(items?.title ?? "item").toLowerCase()}`;
  const attributes = { class: "button sf-add", onclick, disabled };
  return h("button", { type: "button", ...attributes }, drawIcon("add"), label);
}

/**
 * Draw an item of a list, with the buttons that move and remove it.
 * @param {FormNode} node the list
 * @param {HTMLElement[]} fields
 * @param {{index: number, count: number, move: (to: number) => void}} place `move` to -1 removes it
 */
export function drawItem(node, fields, { index, count, move: moveTo }) {
  const name = `${node.schema.items?.title ?? "item"} ${index + 1}`;
  const move = (/** @type {number} */ to) => {
    if (to >= 0 && to < count) moveTo(to);
  };
  const up = { disabled: index === 0, "data-move": "up" };
  const down = { disabled: index === count - 1, "data-move": "down" };
  const tools = [
    drawIconButton("arrowUp", `Move ${name} up`, () => move(index - 1), up),
    drawIconButton("arrowDown", `Move ${name} down`, () => move(index + 1), down),
    drawIconButton("trash", `Remove ${name}`, () => moveTo(-1)),
  ];
  return h(
    "div",
    {
      class: "sf-item",
      role: "group",
      "aria-label": name,
      "data-item": joinPointer(node.pointer, index),
      onkeydown: (event) => moveByKey(event, index, move),
    },
    h("div", { class: "sf-item-fields" }, fields),
    h("div", { class: "sf-item-tools" }, tools),
  );
}

/**
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {DrawField} drawField
 * @param {number} index
 */
function drawItemFields(form, node, drawField, index) {
  const { properties = {}, required = [] } = node.schema.items ?? {};
  const pointer = joinPointer(node.pointer, index);
  return Object.entries(properties).map(([key, schema]) =>
    drawField(form, {
      schema,
      pointer: joinPointer(pointer, key),
      pattern: `${node.pattern}/*/${key}`,
      title: schema.title ?? key,
      required: required.includes(key),
    }),
  );
}

/**
 * Move the item that has the focus by Alt and an arrow key. The step around it must not move too.
 * @param {KeyboardEvent} event
 * @param {number} index
 * @param {(to: number) => void} move
 */
function moveByKey(event, index, move) {
  const direction = directionOf(event.key);
  if (direction === 0 || !event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  move(index + direction);
}
