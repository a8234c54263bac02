/** Makes the JSON Schema of a field from an example that the user pastes. */

/** @import { FormNode, Json, JsonObject, Schema } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { ask, h } from "../dom.js";
import { DIALOG } from "../mapping.js";
import { inferSchema } from "./infer.js";
import { drawTextArea } from "./scalars.js";

const HELP =
  "Paste a value as you want it, as JSON. The schema has its fields, all of them required. The " +
  "items of a list become one schema: a field that only some items have is optional.";
const REPLACED = "The new schema takes the place of the one in the field.";

/** Return whether a field holds a JSON Schema, as its texts say. @param {FormNode} node */
export function isForSchema({ title, schema }) {
  return schema.type === "object" && /\bJSON Schema\b/i.test(`${title} ${schema.description}`);
}

/** @param {SchemaForm} form @param {FormNode} node */
export function drawExampleButton(form, node) {
  const onclick = () => fillFromExample(form, node);
  const attributes = { class: "sf-map", "aria-haspopup": "dialog", onclick };
  return h("button", { type: "button", ...attributes }, "From an example\u2026");
}

/** @param {SchemaForm} form @param {FormNode} node */
async function fillFromExample(form, { pointer }) {
  const schema = await askForExample(form.get(pointer) !== undefined);
  if (!schema) return;
  form.setProblem(pointer, "");
  form.set(pointer, schema);
  form.draw(pointer);
  form.focusField(pointer);
}

/**
 * @param {boolean} isFilled whether the field has a schema
 * @returns {Promise<JsonObject | null>}
 */
function askForExample(isFilled) {
  const draw = (/** @type {(schema: JsonObject) => void} */ answer) => {
    const area = drawTextArea({
      class: "sf-input sf-growing sf-json sf-example",
      rows: 8,
      dir: "ltr",
      spellcheck: "false",
      autocomplete: "off",
      autofocus: true,
      "aria-label": "Example, as JSON",
      placeholder: '{"title": "The Moon", "kilometres": 384400}',
    });
    const note = h("p", { class: "sf-error", role: "alert", hidden: true });
    const make = () => {
      const { schema, problem } = readExample(area.value);
      note.textContent = problem;
      note.hidden = problem === "";
      area.setAttribute("aria-invalid", String(problem !== ""));
      if (schema) answer(/** @type {JsonObject} */ (schema));
      else area.focus();
    };
    const attributes = { class: "button button-primary", onclick: make };
    const button = h("button", { type: "button", ...attributes }, "Make the schema");
    return [
      h("p", { class: "muted" }, HELP),
      isFilled && h("p", { class: "muted" }, REPLACED),
      h("div", { class: "sf-field" }, area, note),
      h("div", { class: "dialog-buttons" }, button),
    ];
  };
  return ask("A schema from an example", draw, DIALOG);
}

/**
 * Return the schema of an example, or the problem with it as a sentence.
 * @param {string} text
 * @returns {{schema: Schema | null, problem: string}}
 */
function readExample(text) {
  try {
    return { schema: inferSchema([JSON.parse(text, keepFraction)]), problem: "" };
  } catch (error) {
    const isDeep = error instanceof RangeError;
    const problem = isDeep
      ? "This is too deep. Simplify it."
      : "This is not JSON. Check the quotes, commas and braces.";
    return { schema: null, problem };
  }
}

/**
 * Return a fraction for a number that is written as one, such as 20.0: only its type counts.
 * Browsers without the text of a number read a whole one.
 * @param {string} _
 * @param {Json} value
 * @param {{source?: string}} [context]
 */
function keepFraction(_, value, context) {
  return typeof value === "number" && /[.e]/i.test(context?.source ?? "") ? 0.5 : value;
}
