/**
 * The tree of the values that a field may take: the schema of their source, with the values of the
 * last run. A value that does not fit the field is shown with the reason, and cannot be picked.
 */

/** @import { Earlier, Json, Reference, Schema } from "./types.js" */

import { fill, h, drawIcon } from "./dom.js";
import { isFreeText, keepsType, reasonAgainst, withSample } from "./form/agreement.js";
import { isObject, joinPointer } from "./form/pointer.js";
import { makeReference } from "./form/taking.js";
import { typesOf } from "./form/shape.js";
import { shorten, writeValue } from "./text.js";

/**
 * The field that takes a value.
 * @typedef {object} Target
 * @property {string} title
 * @property {Schema} schema
 * @property {boolean} [isInText] whether the value becomes a part of a longer text
 * @property {boolean} [isWhole] whether only values themselves fit, and no field of all items
 */
/**
 * A place in a source. In a field of all items of a list, `pluck` is the pointer in each item.
 * @typedef {object} TreeNode
 * @property {Schema} schema
 * @property {Json | undefined} sample the value of the last run
 * @property {string} pointer
 * @property {string} [pluck]
 * @property {string} name
 * @property {string} title
 */
/**
 * @typedef {object} Picker
 * @property {Earlier} source
 * @property {Target} target
 * @property {(reference: Reference, schema: Schema) => void} answer
 */

const SAMPLE_LENGTH = 60;
/** The text between the items of a list in a text, until the user chooses another one. */
const BETWEEN = "\n";

/** Draw the tree of a source. @param {Picker} picker @param {boolean} isOpen */
export function drawSource(picker, isOpen) {
  const { step, title, schema, result } = picker.source;
  const sample = result ?? undefined;
  const name = isStep(picker.source) ? step : "";
  return drawBranch({ schema, sample, pointer: "", name, title }, isOpen, picker);
}

/** @param {Earlier} source */
export function isStep({ kind = "step" }) {
  return kind === "step";
}

/** @param {TreeNode} node @param {boolean} isOpen @param {Picker} picker */
function drawBranch(node, isOpen, picker) {
  const drawInside = insideOf(node);
  if (!drawInside) return h("li", {}, drawPick(node, picker));
  const items = h("ul", { class: "tree" });
  // The inside is drawn when the fold is opened: an output may be deep.
  const draw = () => {
    if (items.childElementCount === 0) fill(items, drawInside(picker));
  };
  const isRoot = isRootOf(node);
  const title = isRoot ? "All of it" : `All of ${node.title}`;
  const whole = h("div", { class: "tree-whole" }, drawPick({ ...node, name: "", title }, picker));
  const summary = [
    drawIcon("chevron"),
    h("span", {}, node.title),
    node.name && h("code", {}, node.name),
    h("span", { class: "tree-kind" }, describeKind(node)),
  ];
  const body = isRoot ? [items, whole] : [whole, items];
  const attributes = { class: "tree-fold", ontoggle: draw };
  const fold = h("details", attributes, h("summary", {}, summary), body);
  if (isOpen) {
    draw();
    fold.open = true;
  }
  return h("li", {}, fold);
}

/** Return whether a node is the whole of its source. @param {TreeNode} node */
function isRootOf({ pointer, pluck }) {
  return pointer === "" && pluck === undefined;
}

/** @param {TreeNode} node */
function describeKind(node) {
  const { sample } = node;
  if (Array.isArray(sample)) return sample.length === 1 ? "1 item" : `${sample.length} items`;
  return isList(node) ? "list" : "";
}

/** @param {TreeNode} node @param {Picker} picker */
function drawPick(node, picker) {
  const { pointer, pluck, name } = node;
  const { source, target, answer } = picker;
  const { reference, schema, sample } = takeFrom(node, picker);
  const reason = reasonAgainst(target.schema, schema);
  const place = pluck === undefined ? pointer : `${pointer}*${pluck}`;
  const attributes = {
    type: "button",
    class: "tree-pick",
    "data-pick": place,
    "data-from": isStep(source) ? source.step : source.kind,
    "aria-disabled": reason !== "" && "true",
    // With many values, the keyboard must reach those that fit.
    tabindex: reason !== "" && "-1",
    onclick: () => reason === "" && answer(reference, schema),
  };
  return h(
    "button",
    attributes,
    h("span", { class: "tree-title" }, writeTitle(node)),
    name && h("code", {}, name),
    reason ? h("span", { class: "tree-reason" }, reason) : drawSample(sample),
  );
}

/** @param {TreeNode} node */
function writeTitle({ pluck, title }) {
  if (pluck === undefined) return title;
  return pluck === "" ? "Every item, one a line" : `${title} of every item`;
}

/**
 * Return the reference to a place, with its schema and value. In a text, the items of a list are
 * joined.
 * @param {TreeNode} node
 * @param {Picker} picker
 */
function takeFrom({ schema, sample, pointer, pluck }, { source, target }) {
  const known = withSample(schema, sample);
  if (pluck === undefined) {
    return { reference: makeReference(source, pointer), schema: known, sample };
  }
  /** @type {Schema} */
  const list = { type: "array", items: known };
  const isText = target.isInText || !keepsType(target.schema, list);
  const taking = isText && hasText(target.schema) ? { pluck, join: BETWEEN } : { pluck };
  return {
    reference: makeReference(source, pointer, taking),
    schema: /** @type {Schema} */ ("join" in taking ? { type: "string" } : list),
    sample,
  };
}

/** @param {Schema} schema */
function hasText(schema) {
  return (schema.anyOf ?? [schema]).some(isFreeText);
}

/** Draw a value of the last run, shortened. @param {Json | undefined} value */
export function drawSample(value) {
  if (value === undefined) return null;
  return h("span", { class: "tree-sample" }, shorten(writeValue(value), SAMPLE_LENGTH));
}

/** @param {TreeNode} node */
function isList({ schema, sample, pluck }) {
  return pluck === undefined && (Array.isArray(sample) || typesOf(schema).includes("array"));
}

/**
 * Return the function that draws the inside of a node, or null for a leaf.
 * @param {TreeNode} node
 * @returns {((picker: Picker) => HTMLElement[]) | null}
 */
function insideOf(node) {
  if (isList(node)) return (picker) => drawList(node, picker);
  const names = namesIn(node);
  if (names.length === 0) return null;
  // Open are the first value of an output, and all of the inputs and of an item.
  return (picker) =>
    names.map((name, index) => {
      const isFirst = index === 0 || !isStep(picker.source);
      return drawBranch(propertyOf(node, name), isFirst && isRootOf(node), picker);
    });
}

/** @param {TreeNode} node */
function namesIn({ schema, sample }) {
  const names = Object.keys(objectSchemaOf(schema).properties ?? {});
  const sampled = isObject(sample) ? Object.keys(sample) : [];
  return [...new Set([...names, ...sampled])];
}

/** Return the object's branch of a schema such as "this object or null". @param {Schema} schema */
function objectSchemaOf(schema) {
  return branchOf(schema, "properties") ?? schema;
}

/** @param {Schema} schema @param {"items" | "properties"} keyword */
function branchOf(schema, keyword) {
  return [schema, ...(schema.anyOf ?? schema.oneOf ?? [])].find((option) => option[keyword]);
}

/** @param {TreeNode} node @param {string} name @returns {TreeNode} */
function propertyOf(node, name) {
  const schema = objectSchemaOf(node.schema).properties?.[name] ?? {};
  const inside = node.pluck === undefined ? "pointer" : "pluck";
  return {
    schema,
    sample: isObject(node.sample) ? node.sample[name] : undefined,
    pointer: node.pointer,
    pluck: node.pluck,
    [inside]: joinPointer(node[inside] ?? "", name),
    name,
    title: schema.title ?? name,
  };
}

/**
 * Draw a list: one field of all items, and one item, the first one until the user types another
 * number.
 * @param {TreeNode} node
 * @param {Picker} picker
 */
function drawList(node, picker) {
  const place = h("li");
  const draw = (/** @type {number} */ index) => {
    fill(place, ...drawBranch(itemOf(node, index), true, picker).childNodes);
  };
  draw(0);
  const which = h("li", {}, drawIndexField(node.title, "0", draw));
  return [drawEvery(node, picker), which, place].filter((each) => each !== null);
}

/** @param {TreeNode} node @param {number} index @returns {TreeNode} */
function itemOf({ schema, sample, pointer }, index) {
  return {
    schema: branchOf(schema, "items")?.items ?? {},
    sample: Array.isArray(sample) ? sample[index] : undefined,
    pointer: joinPointer(pointer, index),
    name: `[${index}]`,
    title: `Item ${index + 1}`,
  };
}

/** Draw what can be taken of all items of a list. @param {TreeNode} node @param {Picker} picker */
function drawEvery(node, picker) {
  if (picker.target.isWhole) return null;
  const { schema, sample } = itemOf(node, 0);
  const item = { schema, sample, pointer: node.pointer, pluck: "", name: "", title: "All" };
  const names = namesIn(item);
  if (names.length === 0) {
    return hasText(picker.target.schema) ? h("li", {}, drawPick(item, picker)) : null;
  }
  const title = [drawIcon("chevron"), h("span", {}, "One field of every item")];
  const branches = names.map((name) => drawBranch(propertyOf(item, name), false, picker));
  const attributes = { class: "tree-fold", "data-every": node.pointer, open: true };
  const rows = h("ul", { class: "tree" }, branches);
  return h("li", {}, h("details", attributes, h("summary", {}, title), rows));
}

/**
 * Draw a field for the number of an item.
 * @param {string} list
 * @param {string} value
 * @param {(index: number) => void} renumber
 */
export function drawIndexField(list, value, renumber) {
  const input = h("input", {
    type: "number",
    min: "0",
    step: "1",
    class: "sf-input",
    value,
    oninput: (event) => {
      const index = Math.trunc(Number(event.currentTarget.value) || 0);
      renumber(Math.max(0, index));
    },
  });
  const label = h("span", {}, `Which of ${list} (0 is the first)`);
  return h("label", { class: "tree-index" }, label, input);
}
