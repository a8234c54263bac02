/** Says whether a value may fill a field, by what their schemas say of their types. */

/** @import { Json, Schema, TypeName } from "../types.js" */

import { isObject, splitPointer } from "./pointer.js";
import { kindOf, typeOf, typesOf } from "./shape.js";

/** @type {Record<string, string>} */
const TYPE_WORDS = {
  array: "a list",
  boolean: "yes or no",
  integer: "a whole number",
  number: "a number",
  object: "an object",
  string: "text",
};
/** The types that a line of text may be made of. */
const SHORT = ["boolean", "integer", "number", "string"];

/**
 * Return the branches of a schema: those of a union, or itself.
 * @param {Schema} schema
 * @returns {Schema[]}
 */
function branchesOf(schema) {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

/**
 * Return the schema of a value; where it says nothing, the type of an earlier value counts.
 * @param {Schema} schema
 * @param {Json | undefined} sample
 * @returns {Schema}
 */
export function withSample(schema, sample) {
  if (sample === undefined || sample === null || typesOf(schema).length > 0) return schema;
  return { ...schema, type: /** @type {TypeName} */ (typeOf(sample)) };
}

/**
 * Return why a value cannot fill a field, as a sentence; "" when it can, as far as it is known.
 * @param {Schema} field
 * @param {Schema} value
 */
export function reasonAgainst(field, value) {
  if (branchesOf(field).some((branch) => canFill(branch, value))) return "";
  if (hasOtherChoices(field, value)) return "None of its values is a choice of this field.";
  const needs = joinWords(field);
  return `This is ${joinWords(value)}. The field takes ${needs}.`;
}

/** @param {Schema} field @param {Schema} value @returns {boolean} */
function canFill(field, value) {
  const given = typesOf(value);
  if (given.length === 0 || typesOf(field).length === 0) return true;
  return given.some((type) => takes(field, type, value));
}

/** @param {Schema} field @param {TypeName} type @param {Schema} value @returns {boolean} */
function takes(field, type, value) {
  const types = typesOf(field);
  if (isFreeText(field)) return kindOf(field) === "text" || SHORT.includes(type);
  const isNumber = type === "integer" || type === "number";
  const isTaken =
    types.includes(type) || (isNumber && types.some((each) => /integer|number/.test(each)));
  if (!isTaken) return false;
  if (hasOtherChoices(field, value)) return false;
  const isList = type === "array" && field.items !== undefined;
  return (
    !isList || branchesOf(value).some(({ items = {} }) => canFillItem(field.items ?? {}, items))
  );
}

/**
 * Other than a text field, an item of a list keeps its type.
 * @param {Schema} field
 * @param {Schema} value
 */
function canFillItem(field, value) {
  const given = typesOf(value);
  const types = typesOf(field);
  if (given.length === 0 || types.length === 0) return true;
  return isFreeText(field) ? given.includes("string") : canFill(field, value);
}

/** @param {Schema} field @param {Schema} value */
function hasOtherChoices(field, value) {
  if (!field.enum || !value.enum) return false;
  return !value.enum.some((choice) => field.enum?.includes(choice));
}

/**
 * Return whether a field takes text of any form, so that other values are written into it.
 * @param {Schema} field
 */
export function isFreeText(field) {
  return ["line", "text"].includes(kindOf(field));
}

/**
 * Return whether a value keeps its type in a field, so that it is not written as text.
 * @param {Schema} field
 * @param {Schema} value
 */
export function keepsType(field, value) {
  const given = typesOf(value);
  const types = branchesOf(field).flatMap(typesOf);
  return given.length === 0 || types.length === 0 || given.some((type) => types.includes(type));
}

/** @param {Schema} schema */
function joinWords(schema) {
  const words = branchesOf(schema).flatMap((branch) => {
    if (branch.enum) return ["one of its choices"];
    if (branch.format === "date") return ["a date"];
    return typesOf(branch).map((type) => writeType(type, branch));
  });
  return [...new Set(words)].join(" or ");
}

/** @param {TypeName} type @param {Schema} schema */
function writeType(type, { items }) {
  const [inner] = items ? typesOf(items) : [];
  if (type !== "array" || !inner) return TYPE_WORDS[type] ?? type;
  return `a list of ${LIST_WORDS[inner] ?? inner}`;
}

/** @type {Record<string, string>} */
const LIST_WORDS = {
  array: "lists",
  boolean: "yes or no",
  integer: "whole numbers",
  number: "numbers",
  object: "objects",
  string: "texts",
};

/**
 * Return the schema at a place inside another one, or undefined where it says nothing of it.
 * @param {Schema} schema
 * @param {string} pointer
 * @returns {Schema | undefined}
 */
export function schemaAt(schema, pointer) {
  /** @type {Schema | undefined} */
  let node = schema;
  for (const token of splitPointer(pointer)) {
    if (!node) return undefined;
    node = childOf(node, token);
  }
  return node;
}

/** @param {Schema} schema @param {string} token */
function childOf(schema, token) {
  const branches = branchesOf(schema);
  const owner = branches.find(({ properties }) => properties && Object.hasOwn(properties, token));
  if (owner) return owner.properties?.[token];
  const list = branches.find(({ items }) => isObject(items));
  return /^(\d+|\*)$/.test(token) ? list?.items : undefined;
}
