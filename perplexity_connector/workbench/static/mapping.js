/** Dialogs that pick a value for a field, and that change how a value is taken. */

/** @import { Earlier, Json, Reference, Schema } from "./types.js" */
/** @import { Target } from "./tree.js" */

import { ask, fill, h } from "./dom.js";
import { joinPointer, splitPointer } from "./form/pointer.js";
import { isIndex, makeReference, placeOf, takeValue, writeReference } from "./form/taking.js";
import { drawIndexField, drawSample, drawSource, isStep } from "./tree.js";

/**
 * A value that was picked, with its schema.
 * @typedef {{reference: Reference, schema: Schema}} Picked
 */

/** The classes of a dialog with the look of the form, in any page. */
export const DIALOG = "dialog sf-dialog";

/** What may be between the items of a list in a text. @type {[text: string, label: string][]} */
const BETWEEN = [
  ["\n", "A new line"],
  ["\n\n", "An empty line"],
  [", ", "A comma"],
  [" ", "A space"],
  ["", "Nothing"],
];

/**
 * Let the user pick a value. Return null when the dialog is closed without an answer.
 * @param {Earlier[]} sources
 * @param {Target} target
 * @returns {Promise<Picked | null>}
 */
export function pickReference(sources, target) {
  const draw = (/** @type {(value: Picked) => void} */ answer) => {
    const help =
      "Pick a value for the field. A grey value does not fit. After a run, each is shown as " +
      "it was in that run.";
    const take = (/** @type {Reference} */ reference, /** @type {Schema} */ schema) =>
      answer({ reference, schema });
    const roots = sources.map((source, index) => {
      const isOpen = !isStep(source) || index === sources.length - 1;
      return drawSource({ source, target, answer: take }, isOpen);
    });
    return [h("p", { class: "muted" }, help), h("ul", { class: "tree" }, roots)];
  };
  return ask(`Use a value in ${target.title}`, draw, DIALOG);
}

/**
 * Let the user change how a value is taken, or remove it. Return null for no change.
 * @param {Earlier[]} sources
 * @param {Reference} reference
 * @returns {Promise<Reference | "remove" | null>}
 */
export function editReference(sources, reference) {
  const draw = (/** @type {(value: Reference | "remove") => void} */ answer) => {
    let changed = reference;
    const preview = h("p", { class: "tree-sample", "aria-live": "polite" });
    const show = (/** @type {Reference} */ next) => {
      changed = next;
      const sample = drawSample(findValue(sources, changed));
      fill(preview, h("code", {}, writeReference(changed)), " ", sample);
    };
    show(reference);
    return [
      preview,
      drawIndexes(reference, (pointer) => show(atPointer(changed, pointer))),
      reference.join !== undefined &&
        drawBetween(reference.join, (join) => show({ ...changed, join })),
      drawDefault(reference, (standard) => show(withDefault(changed, standard))),
      drawEditButtons(answer, () => changed),
    ];
  };
  return ask("Change this value", draw, DIALOG);
}

/** @param {Reference} reference @param {string} pointer */
function atPointer(reference, pointer) {
  const { pluck, join, default: standard } = reference;
  const taking = Object.entries({ pluck, join, default: standard });
  const given = taking.filter(([, value]) => value !== undefined);
  return makeReference(placeOf(reference), pointer, Object.fromEntries(given));
}

/** @param {Reference} reference @param {Json | undefined} standard @returns {Reference} */
function withDefault(reference, standard) {
  const { default: _, ...others } = reference;
  return standard === undefined ? others : { ...others, default: standard };
}

/** @param {Reference} reference @param {(pointer: string) => void} change */
function drawIndexes(reference, change) {
  const names = splitPointer(placeOf(reference).pointer);
  return names.map((name, position) => {
    if (!isIndex(name)) return null;
    return drawIndexField(names[position - 1] ?? "", name, (index) => {
      names[position] = String(index);
      change(names.reduce(joinPointer, ""));
    });
  });
}

/** @param {string} join @param {(join: string) => void} change */
function drawBetween(join, change) {
  const isKnown = BETWEEN.some(([text]) => text === join);
  /** @type {[string, string][]} */
  const other = isKnown ? [] : [[join, JSON.stringify(join)]];
  const options = [...BETWEEN, ...other].map(([text, label]) =>
    h("option", { value: text, selected: text === join }, label),
  );
  const select = h("select", { class: "sf-input" }, options);
  select.addEventListener("change", () => change(select.value));
  return h("label", { class: "tree-index" }, h("span", {}, "Between the items"), select);
}

/**
 * Draw the value that is used where there is none.
 * @param {Reference} reference
 * @param {(standard: Json | undefined) => void} change
 */
function drawDefault({ default: standard }, change) {
  /** @type {HTMLInputElement} */
  const text = h("input", {
    type: "text",
    class: "sf-input",
    dir: "auto",
    autocomplete: "off",
    "aria-label": "The value to use",
    value: standard === undefined ? "" : writeDefault(standard),
    hidden: standard === undefined,
    oninput: () => {
      update();
    },
  });
  /** @type {HTMLInputElement} */
  const box = h("input", {
    type: "checkbox",
    checked: standard !== undefined,
    onchange: () => {
      text.hidden = !box.checked;
      update();
    },
  });
  const update = () => change(box.checked ? readDefault(text.value) : undefined);
  const label = "Use another value where this one is missing";
  return h("div", { class: "tree-default" }, h("label", { class: "sf-choice" }, box, label), text);
}

/** @param {Json} standard */
function writeDefault(standard) {
  const isText = typeof standard === "string" && readDefault(standard) === standard;
  return isText ? standard : JSON.stringify(standard);
}

/** Read a value: JSON, or else the text itself. @param {string} text @returns {Json} */
function readDefault(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {(value: Reference | "remove") => void} answer @param {() => Reference} changed */
function drawEditButtons(answer, changed) {
  const remove = { class: "button button-danger", onclick: () => answer("remove") };
  const keep = { class: "button button-primary", onclick: () => answer(changed()) };
  return h(
    "div",
    { class: "dialog-buttons" },
    h("button", { type: "button", ...remove }, "Remove"),
    h("button", { type: "button", ...keep }, "Keep"),
  );
}

/** @param {Earlier[]} sources @param {Reference} reference */
function findValue(sources, reference) {
  const { kind, step } = placeOf(reference);
  const source = sources.find((each) => (each.kind ?? "step") === kind && each.step === step);
  return takeValue(reference, source?.result ?? undefined);
}
