/** Whether a value keeps a schema of the portable rules: the keywords of rule 2, and nothing else. */

import { child, isObject, same } from "./pointer.js";
import { branchOf, isBound } from "./shape.js";

/** @typedef {{pointer: string, code: string, message: string}} FieldError */

const IS_TYPE = {
  array: Array.isArray,
  boolean: (value) => typeof value === "boolean",
  integer: (value) => typeof value === "number" && Number.isInteger(value),
  number: (value) => typeof value === "number" && Number.isFinite(value),
  object: isObject,
  string: (value) => typeof value === "string",
};
const TYPE_WORDS = { array: "a list", boolean: "yes or no", integer: "a whole number", number: "a number", object: "an object", string: "text" };

/** [keyword, the type it speaks of, whether a value keeps it, the words for one that does not] */
const RULES = [
  ["minLength", "string", (value, least) => [...value].length >= least, (least) => (least === 1 ? "Must not be empty." : `Must have ${least} characters or more.`)],
  ["maxLength", "string", (value, most) => [...value].length <= most, (most) => `Must have ${most} characters or fewer.`],
  ["pattern", "string", (value, pattern) => new RegExp(pattern, "u").test(value), () => "Must have the form that is described below."],
  ["format", "string", (value, format) => format !== "date" || isDate(value), () => "Must be a date: YYYY-MM-DD."],
  ["minimum", "number", (value, least) => value >= least, (least) => `Must be ${least} or more.`],
  ["maximum", "number", (value, most) => value <= most, (most) => `Must be ${most} or less.`],
  ["exclusiveMinimum", "number", (value, least) => value > least, (least) => `Must be more than ${least}.`],
  ["exclusiveMaximum", "number", (value, most) => value < most, (most) => `Must be less than ${most}.`],
  ["multipleOf", "number", (value, step) => Number.isInteger(value / step), (step) => `Must be a multiple of ${step}.`],
  ["minItems", "array", (value, least) => value.length >= least, (least) => `Must have ${least} or more.`],
  ["maxItems", "array", (value, most) => value.length <= most, (most) => `Must have ${most} or fewer.`],
  ["uniqueItems", "array", (value, unique) => !unique || new Set(value.map((item) => JSON.stringify(item))).size === value.length, () => "Must not hold anything twice."],
];

function isDate(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith("0000")) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(text);
}

/**
 * Everything wrong with a value. A place that a binding fills counts as filled.
 * @param {import("./shape.js").Schema} schema @param {import("./pointer.js").Json} value
 * @param {import("./shape.js").Bindings} [bindings] @param {string} [pointer] @returns {FieldError[]}
 */
export function errorsOf(schema, value, bindings = {}, pointer = "") {
  if (Object.hasOwn(bindings, pointer)) return [];
  if (schema.anyOf) return errorsOf(branchOf(schema, value), value, bindings, pointer);
  if (schema.type && !IS_TYPE[schema.type](value)) return [{ pointer, code: "type", message: `Must be ${TYPE_WORDS[schema.type]}.` }];
  if (schema.enum && !schema.enum.some((choice) => same(choice, value))) return [{ pointer, code: "enum", message: "Must be one of the choices." }];
  return [...ruleErrors(schema, value, pointer), ...insideErrors(schema, value, bindings, pointer)];
}

function ruleErrors(schema, value, pointer) {
  return RULES.filter(([keyword, type, keeps]) => schema[keyword] !== undefined && IS_TYPE[type](value) && !keeps(value, schema[keyword]))
    .map(([code, , , words]) => ({ pointer, code, message: words(schema[code]) }));
}

function insideErrors(schema, value, bindings, pointer) {
  if (Array.isArray(value)) return value.flatMap((item, index) => errorsOf(schema.items ?? {}, item, bindings, child(pointer, index)));
  return isObject(value) ? [...missing(schema, value, bindings, pointer), ...propertyErrors(schema, value, bindings, pointer)] : [];
}

function missing(schema, value, bindings, pointer) {
  return (schema.required ?? [])
    .map((name) => [name, child(pointer, name)])
    .filter(([name, place]) => !Object.hasOwn(value, name) && !isBound(bindings, place))
    .map(([, place]) => ({ pointer: place, code: "required", message: "This field is required. Fill it in." }));
}

function propertyErrors(schema, value, bindings, pointer) {
  return Object.entries(value).flatMap(([name, inner]) => {
    const place = child(pointer, name);
    if (Object.hasOwn(schema.properties ?? {}, name)) return errorsOf(schema.properties[name], inner, bindings, place);
    return schema.additionalProperties === false ? [{ pointer: place, code: "unknown_field", message: "There is no such field." }] : [];
  });
}
