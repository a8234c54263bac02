/** The values that a step may take: those of the inputs, of its item and of earlier steps. */

/**
 * @import {
 *   Description, Each, Earlier, Json, JsonObject, SavedStep, Schema, Step,
 * } from "./types.js"
 */

import { schemaAt } from "./form/agreement.js";
import { get, isObject, joinPointer, splitPointer } from "./form/pointer.js";

/**
 * The knowledge of the steps.
 * @typedef {object} Knowledge
 * @property {(step: SavedStep) => Description | undefined} descriptionOf
 * @property {(step: SavedStep) => string} titleOf
 * @property {(id: string) => Json} outputOf the output of the last run, or null
 */

/** How deep references of an author's schema are followed: it may refer to itself. */
const MAX_DEPTH = 3;
/** The property of an output that is the answer as text. */
const ANSWER = "content";
const ERROR_SCHEMA = { type: "object", title: "Error" };

/**
 * Return the sources of values for a step: first the flow's inputs, then its item, then the steps.
 * @param {Step[]} steps
 * @param {number} index
 * @param {Earlier[]} inputs the flow's inputs, or an empty list
 * @param {Knowledge} knowledge
 * @returns {Earlier[]}
 */
export function sourcesFor(steps, index, inputs, knowledge) {
  const earlier = steps.slice(0, index).map((step) => sourceOfStep(step, knowledge));
  const each = steps[index]?.each;
  const item = each ? sourceOfItem(each, [...inputs, ...earlier]) : [];
  return [...inputs, ...item, ...earlier];
}

/**
 * Return the source of the flow's inputs; an empty list where it declares none.
 * @param {Schema | null} schema
 * @param {JsonObject} values
 * @returns {Earlier[]}
 */
export function sourceOfInputs(schema, values) {
  if (!schema) return [];
  const entries = Object.entries(schema.properties ?? {});
  const defaults = entries.flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value]],
  );
  const result = { ...Object.fromEntries(defaults), ...values };
  return [{ kind: "input", step: "", title: "Inputs", schema, result }];
}

/** @param {SavedStep} step @param {Knowledge} knowledge @returns {Earlier} */
function sourceOfStep(step, { descriptionOf, titleOf, outputOf }) {
  const description = descriptionOf(step);
  const schema = description ? outputSchemaOf(description, step) : {};
  const output = outputOf(step.id);
  // An output of before the step was repeated has another shape.
  const isKnown = !step.each || (isObject(output) && Array.isArray(output.items));
  return {
    step: step.id,
    title: titleOf(step),
    schema: step.each ? repeat(schema) : schema,
    result: isKnown ? output : null,
  };
}

/** @param {Each} each @param {Earlier[]} sources @returns {Earlier[]} */
function sourceOfItem(each, sources) {
  const { source, pointer } = listOf(each, sources);
  if (!source) return [];
  const list = get(source.result, pointer);
  return [
    {
      kind: "item",
      step: "",
      title: "Item",
      schema: schemaAt(source.schema, joinPointer(pointer, 0)) ?? {},
      result: Array.isArray(list) ? (list[0] ?? null) : null,
    },
  ];
}

/** Return where the list of a repeated step is. @param {Each} each @param {Earlier[]} sources */
function listOf(each, sources) {
  const isInput = "input" in each;
  return {
    source: sources.find(({ kind = "step", step }) =>
      isInput ? kind === "input" : kind === "step" && step === each.step,
    ),
    pointer: isInput ? each.input : each.pointer,
  };
}

/**
 * Return the list of a repeated step as it was in the last run, or undefined.
 * @param {Each} each
 * @param {Earlier[]} sources
 */
export function listFor(each, sources) {
  const { source, pointer } = listOf(each, sources);
  const list = get(source?.result ?? undefined, pointer);
  return Array.isArray(list) ? list : undefined;
}

/** Return the schema of a repeated step's output. @param {Schema} schema @returns {Schema} */
function repeat(schema) {
  const failure = { index: { type: "integer", title: "Index" }, error: ERROR_SCHEMA };
  return {
    type: "object",
    properties: {
      items: { type: "array", title: "Items", items: schema },
      failed: {
        type: "array",
        title: "Failed",
        items: { type: "object", properties: /** @type {Record<string, Schema>} */ (failure) },
      },
    },
  };
}

/**
 * Return the schema of a step's output. The answer is first in it, and the author's own schemas are
 * in their places.
 * @param {Description} description
 * @param {SavedStep} step
 * @returns {Schema}
 */
function outputSchemaOf({ action, schemas }, step) {
  const { properties = {} } = schemas.output;
  const { [ANSWER]: answer, ...others } = properties;
  /** @type {Schema} */
  const schema = {
    ...schemas.output,
    properties: answer ? { [ANSWER]: answer, ...others } : properties,
  };
  return Object.entries(action.author_schemas ?? {}).reduce(
    (whole, [place, pointer]) => setAuthorSchema(whole, place, get(step.input, pointer)),
    schema,
  );
}

/**
 * Put an author's schema in its place of the output's.
 * @param {Schema} schema
 * @param {string} place
 * @param {Json | undefined} author
 * @returns {Schema}
 */
function setAuthorSchema(schema, place, author) {
  const [name, ...rest] = splitPointer(place);
  if (name === undefined || rest.length > 0 || !isObject(author)) return schema;
  const old = schema.properties?.[name] ?? {};
  const chosen = { title: old.title, .../** @type {Schema} */ (inline(author, author, 0)) };
  return { ...schema, properties: { ...schema.properties, [name]: chosen } };
}

/**
 * Put what an author's schema refers to in the place of the references.
 * @param {Json} node
 * @param {JsonObject} root
 * @param {number} depth
 * @returns {Json}
 */
function inline(node, root, depth) {
  if (Array.isArray(node)) return node.map((each) => inline(each, root, depth));
  if (!isObject(node)) return node;
  const { $ref: reference, ...others } = node;
  if (typeof reference === "string") {
    const target = depth < MAX_DEPTH ? get(root, reference.replace(/^#/, "")) : {};
    return inline(isObject(target) ? { ...target, ...others } : others, root, depth + 1);
  }
  const entries = Object.entries(node).filter(([name]) => name !== "$defs");
  return Object.fromEntries(entries.map(([name, each]) => [name, inline(each, root, depth)]));
}
