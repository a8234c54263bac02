/**
 * Picks a value of an earlier step. Shows the step's output as a tree: its schema, with the values
 * of the last run.
 */

/** @import { Child, Earlier, Json, Reference, Schema } from "./types.js" */

import { fill, h, drawIcon, openDialog } from "./dom.js";
import { get, isObject, joinPointer, splitPointer } from "./form/pointer.js";

/**
 * A place in an output.
 * @typedef {object} TreeNode
 * @property {Schema} schema
 * @property {Json | undefined} sample the value of the last run
 * @property {string} pointer
 * @property {string} name
 * @property {string} title
 */
/** @typedef {(pointer: string) => void} Pick */

const SAMPLE_LENGTH = 60;

/** Write a reference for people: search › results[0] › snippet. @param {Reference} reference */
export function writeReference({ step, pointer }) {
  const names = [step];
  for (const token of splitPointer(pointer)) {
    if (isIndex(token) && names.length > 1) names.push(`${names.pop()}[${token}]`);
    else names.push(token);
  }
  return names.join(" \u203a ");
}

/** @param {string} token */
function isIndex(token) {
  return /^\d+$/.test(token);
}

/**
 * Let the user pick a value. Return null when the dialog is closed without an answer.
 * @param {Earlier[]} references
 * @param {string} field the title of the field that takes the value
 * @returns {Promise<Reference | null>}
 */
export function pickReference(references, field) {
  return ask(`Use a value in ${field}`, (answer) => {
    const help =
      "Pick a value of an earlier step for the field. After a run, each value is shown as it was " +
      "in that run.";
    const roots = references.map((earlier, index) =>
      drawRoot(earlier, index === references.length - 1, answer),
    );
    return [h("p", { class: "muted" }, help), h("ul", { class: "tree" }, roots)];
  });
}

/**
 * Let the user change the indexes of a reference, or remove it. Return null for no change.
 * @param {Earlier[]} references
 * @param {Reference} reference
 * @returns {Promise<Reference | "remove" | null>}
 */
export function editReference(references, reference) {
  return ask("Change this value", (answer) => {
    const names = splitPointer(reference.pointer);
    const changed = { ...reference };
    const preview = h("p", { class: "tree-sample", "aria-live": "polite" });
    const show = () => {
      const sample = drawSample(findValue(references, changed));
      fill(preview, h("code", {}, writeReference(changed)), " ", sample);
    };
    const indexFields = names.map((name, position) => {
      if (!isIndex(name)) return null;
      const renumber = (/** @type {number} */ index) => {
        names[position] = String(index);
        changed.pointer = names.reduce(joinPointer, "");
        show();
      };
      return drawIndexField(names[position - 1] ?? "", name, renumber);
    });
    show();
    return [preview, indexFields, drawEditButtons(answer, changed)];
  });
}

/** @param {(value: Reference | "remove") => void} answer @param {Reference} changed */
function drawEditButtons(answer, changed) {
  const remove = { class: "button button-danger", onclick: () => answer("remove") };
  const keep = { class: "button button-primary", onclick: () => answer({ ...changed }) };
  return h(
    "div",
    { class: "dialog-buttons" },
    h("button", { type: "button", ...remove }, "Remove"),
    h("button", { type: "button", ...keep }, "Keep"),
  );
}

/** @param {Earlier[]} references @param {Reference} reference */
function findValue(references, { step, pointer }) {
  const earlier = references.find((each) => each.step === step);
  return get(earlier?.result ?? undefined, pointer);
}

/**
 * Ask in a dialog. Return null when it is closed without an answer.
 * @template Answer
 * @param {string} title
 * @param {(answer: (value: Answer) => void) => Child[]} draw
 * @returns {Promise<Answer | null>}
 */
function ask(title, draw) {
  return new Promise((resolve) => {
    /** @type {Answer | null} */
    let given = null;
    const opener = document.activeElement;
    const answer = (/** @type {Answer} */ value) => {
      given = value;
      dialog.close();
    };
    const dialog = openDialog(title, draw(answer));
    dialog.addEventListener("close", () => {
      if (opener instanceof HTMLElement) opener.focus();
      resolve(given);
    });
  });
}

/**
 * @param {Earlier} earlier
 * @param {boolean} isOpen
 * @param {(reference: Reference) => void} answer
 */
function drawRoot({ step, title, schema, result }, isOpen, answer) {
  const node = { schema, sample: result ?? undefined, pointer: "", name: step, title };
  return drawBranch(node, isOpen, (pointer) => answer({ step, pointer }));
}

/** @param {TreeNode} node @param {boolean} isOpen @param {Pick} pick */
function drawBranch(node, isOpen, pick) {
  const drawInside = insideOf(node);
  if (!drawInside) return h("li", {}, drawPick(node, pick));
  const items = h("ul", { class: "tree" });
  // The inside is drawn when the fold is opened: an output may be deep.
  const draw = () => {
    if (items.childElementCount === 0) fill(items, drawInside(pick));
  };
  const title = node.pointer === "" ? "The whole output" : `All of ${node.title}`;
  const summary = [
    drawIcon("chevron"),
    h("span", {}, node.title),
    h("code", {}, node.name),
    h("span", { class: "tree-kind" }, describeKind(node)),
  ];
  const fold = h(
    "details",
    { class: "tree-fold", ontoggle: draw },
    h("summary", {}, summary),
    h("div", { class: "tree-whole" }, drawPick({ ...node, name: "", title }, pick)),
    items,
  );
  if (isOpen) {
    draw();
    fold.open = true;
  }
  return h("li", {}, fold);
}

/** @param {TreeNode} node */
function describeKind(node) {
  if (Array.isArray(node.sample)) return `${node.sample.length} in the last run`;
  return isList(node) ? "list" : "";
}

/** @param {TreeNode} node @param {Pick} pick */
function drawPick({ pointer, title, name, sample }, pick) {
  return h(
    "button",
    { type: "button", class: "tree-pick", "data-pick": pointer, onclick: () => pick(pointer) },
    h("span", { class: "tree-title" }, title),
    name && h("code", {}, name),
    drawSample(sample),
  );
}

/** @param {Json | undefined} value */
function drawSample(value) {
  if (value === undefined) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const isLong = text.length > SAMPLE_LENGTH;
  const shown = isLong ? `${text.slice(0, SAMPLE_LENGTH)}\u2026` : text;
  return h("span", { class: "tree-sample" }, shown);
}

/** @param {TreeNode} node */
function isList({ schema, sample }) {
  return Array.isArray(sample) || schema.type === "array";
}

/**
 * Return the function that draws the inside of a node, or null for a leaf.
 * @param {TreeNode} node
 * @returns {((pick: Pick) => HTMLElement[]) | null}
 */
function insideOf(node) {
  if (isList(node)) return (pick) => drawListItem(node, pick);
  const names = namesIn(node);
  if (names.length === 0) return null;
  // The first list of an output is open: most values are in it.
  return (pick) =>
    names.map((name, index) => {
      const isOpen = index === 0 && node.pointer === "";
      return drawBranch(propertyOf(node, name), isOpen, pick);
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
  return schema.anyOf?.find((option) => option.type === "object") ?? schema;
}

/** @param {TreeNode} node @param {string} name @returns {TreeNode} */
function propertyOf(node, name) {
  const schema = objectSchemaOf(node.schema).properties?.[name] ?? {};
  return {
    schema,
    sample: isObject(node.sample) ? node.sample[name] : undefined,
    pointer: joinPointer(node.pointer, name),
    name,
    title: schema.title ?? name,
  };
}

/**
 * Draw one item of a list, the first one until the user types another number.
 * @param {TreeNode} node
 * @param {Pick} pick
 */
function drawListItem(node, pick) {
  const place = h("li");
  const draw = (/** @type {number} */ index) => {
    const item = {
      schema: node.schema.items ?? {},
      sample: Array.isArray(node.sample) ? node.sample[index] : undefined,
      pointer: joinPointer(node.pointer, index),
      name: `[${index}]`,
      title: `Item ${index + 1}`,
    };
    fill(place, ...drawBranch(item, true, pick).childNodes);
  };
  draw(0);
  return [h("li", {}, drawIndexField(node.title, "0", draw)), place];
}

/** @param {string} list @param {string} value @param {(index: number) => void} renumber */
function drawIndexField(list, value, renumber) {
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
