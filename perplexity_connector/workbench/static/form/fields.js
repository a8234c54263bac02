/** Draws each place of a schema with the control that fits it. */

/** @import { FormNode, Json, Schema } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */
/** @import { Kind } from "./shape.js" */

import { h } from "../dom.js";
import { drawCombobox } from "./combobox.js";
import { drawFieldset, drawFold } from "./frame.js";
import { drawExampleButton, isForSchema } from "./from-example.js";
import { joinPointer } from "./pointer.js";
import { drawChoice, drawDate, drawNumber, drawSecret, drawSwitch, drawText } from "./scalars.js";
import { branchOf, isBound, kindOf, splitProperties } from "./shape.js";
import { drawChoices, drawJson, drawList } from "./structures.js";
import { drawTakeButton, drawTaken } from "./take.js";
import { drawTexts } from "./text-rows.js";
import { drawMappable } from "./tokens.js";

/** @type {Record<Kind, (form: SchemaForm, node: FormNode) => HTMLElement>} */
const DRAW_BY_KIND = {
  choice: drawChoice,
  choices: drawChoices,
  date: drawDate,
  group: drawGroup,
  json: drawJson,
  line: drawSuggestingLine,
  lines: (form, node) => drawTexts(form, node, drawField),
  list: (form, node) => drawList(form, node, drawField),
  number: drawNumber,
  secret: drawSecret,
  switch: drawSwitch,
  text: drawText,
  union: drawUnion,
};

/** The kinds that draw values of other places by themselves, or never take one. */
const OWN = new Set(["line", "lines", "secret", "text", "union"]);

/** @param {SchemaForm} form @param {FormNode} node */
export function drawField(form, node) {
  const kind = kindOf(node.schema);
  const parts = OWN.has(kind) ? undefined : form.binding(node.pointer);
  if (parts) return drawTaken(form, node, parts);
  const wrapper = DRAW_BY_KIND[kind](form, node);
  if (kind === "json" && isForSchema(node)) addButton(wrapper, drawExampleButton(form, node));
  if (!OWN.has(kind) && form.references.length > 0) addButton(wrapper, drawTakeButton(form, node));
  return wrapper;
}

/**
 * Add a button to the head of a field. A legend takes none: it is the name of its group.
 * @param {HTMLElement} wrapper
 * @param {HTMLElement} button
 */
function addButton(wrapper, button) {
  const legend = wrapper.querySelector(":scope > legend");
  if (legend) legend.after(h("div", { class: "sf-group-tools" }, button));
  else wrapper.querySelector(":scope > .sf-head")?.append(button);
}

/**
 * Draw the fields of the whole form: the basic ones, and the others in a fold.
 * @param {SchemaForm} form
 * @param {Schema} schema
 */
export function drawRootFields(form, schema) {
  const { basic, advanced } = splitProperties(schema);
  const root = { pointer: "", pattern: "" };
  const draw = (/** @type {string} */ name) => drawField(form, propertyOf(schema, root, name));
  const shown = basic.map(draw);
  const others = advanced.map(draw);
  if (shown.length === 0 || form.plain) return [shown, others];
  return [shown, others.length > 0 && drawFold("More options", others, { class: "fold sf-more" })];
}

/**
 * @param {Schema} schema
 * @param {{pointer: string, pattern: string}} place
 * @param {string} name
 * @returns {FormNode}
 */
function propertyOf({ properties = {}, required = [] }, { pointer, pattern }, name) {
  const schema = properties[name] ?? {};
  return {
    schema,
    pointer: joinPointer(pointer, name),
    pattern: joinPointer(pattern, name),
    title: schema.title ?? name,
    required: required.includes(name),
  };
}

/** @param {SchemaForm} form @param {FormNode} node */
function drawGroup(form, node) {
  const names = Object.keys(node.schema.properties ?? {});
  const fields = names.map((name) => drawField(form, propertyOf(node.schema, node, name)));
  return drawFieldset(form, node, [h("div", { class: "sf-grid" }, fields)]);
}

/**
 * Draw a line of text, with suggestions where the action has a source of them.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
function drawSuggestingLine(form, node) {
  const suggest = form.optionsFor(node.pointer);
  if (!suggest) return drawText(form, node);
  return drawMappable(form, node, () => drawCombobox(form, node, suggest));
}

/**
 * Draw one branch of a union, with a switch between the branches that keeps the text.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
function drawUnion(form, node) {
  const isTaken = isBound(form.bindings, node.pointer);
  // Values inside it are those of its items.
  const hasItems = isTaken && !form.binding(node.pointer);
  const branch = branchOf(node.schema, hasItems ? [] : form.get(node.pointer));
  form.claim(node);
  const inner = drawField(form, { ...node, schema: branch, whole: node.schema });
  const name = `${form.idOf(node.pointer)}-branch`;
  const choose = (/** @type {Schema} */ other) => {
    form.set(node.pointer, convertTo(other, form.get(node.pointer)));
    form.draw(node.pointer);
    // The switch is drawn again too. The focus stays on it.
    const chosen = form.querySelector(`input[name="${name}"]:checked`);
    if (chosen instanceof HTMLElement) chosen.focus();
    form.untouch(node.pointer);
  };
  const radios = (node.schema.anyOf ?? []).map((other, index) => {
    const input = h("input", {
      type: "radio",
      name,
      value: index,
      checked: other === branch,
      disabled: isTaken,
      onchange: () => choose(other),
    });
    return h("label", { class: "sf-segment" }, input, h("span", {}, other.title));
  });
  const label = `${node.title}: which kind`;
  const attributes = { class: "sf-segments", role: "radiogroup", "aria-label": label };
  const head = inner.querySelector(":scope > .sf-head, :scope > legend");
  head?.after(h("div", attributes, radios));
  return inner;
}

/** @param {Schema} branch @param {Json | undefined} value */
function convertTo(branch, value) {
  if (branch.type !== "array") return Array.isArray(value) ? value.join("\n") : "";
  return typeof value === "string" ? value.split("\n").filter((line) => line !== "") : [];
}
