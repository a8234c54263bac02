/** A list of texts: lines, or a row for each text where one of them has values of other places. */

/** @import { FormNode, Json, Schema } from "../types.js" */
/** @import { Picked } from "../mapping.js" */
/** @import { SchemaForm } from "../schema-form.js" */
/** @import { DrawField } from "./structures.js" */

import { h } from "../dom.js";
import { pickReference } from "../mapping.js";
import { drawFieldset } from "./frame.js";
import { isWithin, joinPointer, splitPointer } from "./pointer.js";
import { isBound, typesOf } from "./shape.js";
import { drawAddButton, drawItem, drawLines } from "./structures.js";
import { drawTakeButton, drawTaken } from "./take.js";
import { writeAlone } from "./tokens.js";

/**
 * Draw a list of texts.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {DrawField} drawField
 */
export function drawTexts(form, node, drawField) {
  const parts = form.binding(node.pointer);
  if (parts) return drawTaken(form, node, parts);
  if (isBound(form.bindings, node.pointer)) return drawRows(form, node, drawField);
  const wrapper = drawLines(form, node);
  if (form.references.length > 0) {
    const button = drawTakeButton(form, node, () => takeAtCaret(form, node, wrapper));
    wrapper.querySelector(":scope > .sf-head")?.append(button);
  }
  return wrapper;
}

/** @param {SchemaForm} form @param {FormNode} node @param {DrawField} drawField */
function drawRows(form, node, drawField) {
  const { maxItems = Infinity } = node.schema;
  const count = readTexts(form, node).length;
  const add = () => {
    const texts = readTexts(form, node);
    form.set(node.pointer, [...texts, ""]);
    form.draw(node.pointer);
    form.focusInside(joinPointer(node.pointer, texts.length));
  };
  const rows = Array.from({ length: count }, (_, index) => {
    const move = (/** @type {number} */ to) => {
      // An item moves by its place in the list, so the list must have all of them.
      form.set(node.pointer, readTexts(form, node));
      form.move(node.pointer, index, to);
    };
    return drawItem(node, [drawField(form, rowOf(node, index))], { index, count, move });
  });
  const button = drawAddButton(node, add, count >= maxItems);
  return drawFieldset(form, node, [h("div", { class: "sf-list" }, rows), button]);
}

/** @param {FormNode} node @param {number} index @returns {FormNode} */
function rowOf({ schema: { items = {} }, pointer, pattern }, index) {
  return {
    schema: items,
    pointer: joinPointer(pointer, index),
    pattern: `${pattern}/*`,
    title: `${items.title ?? "Text"} ${index + 1}`,
    required: false,
    blank: "",
    list: pointer,
  };
}

/**
 * Return the texts of a list. Those that only bindings fill are empty.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @returns {Json[]}
 */
function readTexts(form, { pointer }) {
  const value = form.get(pointer);
  const texts = Array.isArray(value) ? value : [];
  const depth = splitPointer(pointer).length;
  const bound = Object.keys(form.bindings)
    .filter((place) => place !== pointer && isWithin(place, pointer))
    .map((place) => Number(splitPointer(place)[depth]));
  const length = Math.max(texts.length, ...bound.map((index) => index + 1));
  return Array.from({ length }, (_, index) => texts[index] ?? "");
}

/**
 * Put a value at the caret of the lines. Where there are no lines, a list may be taken as a whole.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {HTMLElement} wrapper
 */
async function takeAtCaret(form, node, wrapper) {
  const area = wrapper.querySelector("textarea");
  const lines = readLines(area?.value ?? "", area?.selectionStart ?? 0);
  const picked = await pick(form, node, lines);
  if (!picked) return;
  const isWhole = lines.isEmpty && isList(picked.schema);
  if (isWhole) form.put(node.pointer, undefined, [picked.reference]);
  else putInLine(form, node, lines, picked);
  form.draw(node.pointer);
  form.focusField(isWhole ? node.pointer : joinPointer(node.pointer, lines.index));
}

/** A schema that says nothing may be that of a list. @param {Schema} schema */
function isList(schema) {
  const types = typesOf(schema);
  return types.length === 0 || types.includes("array");
}

/**
 * The lines around a caret.
 * @typedef {object} Lines
 * @property {boolean} isEmpty whether no line has text
 * @property {number} index how many texts are before the line of the caret
 * @property {string} before the text of that line before the caret
 * @property {string} after the text of that line after the caret
 */

/** @param {string} text @param {number} caret @returns {Lines} */
function readLines(text, caret) {
  const above = text.slice(0, caret).split("\n");
  const before = above.pop() ?? "";
  const [after = ""] = text.slice(caret).split("\n");
  const isBlankLine = (before + after).trim() === "";
  return {
    isEmpty: text.trim() === "",
    index: above.filter((line) => line.trim() !== "").length,
    before: isBlankLine ? "" : before.trimStart(),
    after: isBlankLine ? "" : after.trimEnd(),
  };
}

/** @param {SchemaForm} form @param {FormNode} node @param {Lines} lines */
function pick(form, { schema, whole = schema, title }, { isEmpty, before, after }) {
  const { items = {} } = schema;
  const target = isEmpty ? { anyOf: [...(whole.anyOf ?? [whole]), items] } : items;
  const isInText = before + after !== "";
  return pickReference(form.references, { title, schema: target, isInText });
}

/**
 * Put a value into a line. A line without text becomes a new item.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {Lines} lines
 * @param {Picked} picked
 */
function putInLine(form, node, { index, before, after }, picked) {
  const row = rowOf(node, index);
  const parts = [before, picked.reference, after].filter((part) => part !== "");
  if (parts.length === 1) form.set(node.pointer, readTexts(form, node).toSpliced(index, 0, ""));
  form.put(row.pointer, row.blank, parts.length > 1 ? parts : writeAlone(row, picked));
}
