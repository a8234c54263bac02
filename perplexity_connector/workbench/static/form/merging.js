/** Merges two JSON Schemas that both apply, as the parts of `allOf` do. */

/** @import { Json, JsonObject } from "../types.js" */

import { isObject, isSame } from "./pointer.js";

/** @type {Record<string, (one: any, other: any) => Json>} */
const MERGE_BY_KEYWORD = {
  properties: mergeProperties,
  required: (one, other) => [...new Set([...one, ...other])],
  enum: (one, other) =>
    one.filter((/** @type {Json} */ each) =>
      other.some((/** @type {Json} */ choice) => isSame(choice, each)),
    ),
  minimum: Math.max,
  minLength: Math.max,
  minItems: Math.max,
  maximum: Math.min,
  maxLength: Math.min,
  maxItems: Math.min,
};

/**
 * Return a schema for which both count. Where both say the same thing, such as a title, the other
 * one's counts.
 * @param {JsonObject} one
 * @param {JsonObject} other
 * @returns {JsonObject}
 */
export function mergeSchemas(one, other) {
  const merged = new Map(Object.entries(one));
  for (const [keyword, value] of Object.entries(other)) {
    const before = merged.get(keyword);
    const merge = Object.hasOwn(MERGE_BY_KEYWORD, keyword) && MERGE_BY_KEYWORD[keyword];
    merged.set(keyword, merge && before !== undefined ? merge(before, value) : value);
  }
  // Each part would refuse the fields of the others.
  const isJoined = isObject(one.properties) && isObject(other.properties);
  if (isJoined && !isSame(one.additionalProperties, other.additionalProperties)) {
    merged.delete("additionalProperties");
  }
  return Object.fromEntries(merged);
}

/**
 * The schemas of properties that two schemas have: one object for each pair, however often a schema
 * that refers to itself comes to it. @type {WeakMap<object, WeakMap<object, JsonObject>>}
 */
const PAIRS = new WeakMap();

/** @param {JsonObject} one @param {JsonObject} other @returns {JsonObject} */
function mergeProperties(one, other) {
  const merged = new Map(Object.entries(one));
  for (const [name, schema] of Object.entries(other)) {
    const before = merged.get(name);
    merged.set(name, isObject(before) && isObject(schema) ? pair(before, schema) : schema);
  }
  return Object.fromEntries(merged);
}

/** @param {JsonObject} one @param {JsonObject} other */
function pair(one, other) {
  const pairs = PAIRS.get(one) ?? new WeakMap();
  PAIRS.set(one, pairs);
  const made = pairs.get(other) ?? { allOf: [one, other] };
  pairs.set(other, made);
  return made;
}
