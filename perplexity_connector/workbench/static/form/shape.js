/** What a schema asks to be drawn as, by the portable schema rules, and the values that such a form gives. */

import { child, get, isObject, isWithin } from "./pointer.js";

/** @typedef {import("./pointer.js").Json} Json */
/** @typedef {{[name: string]: any}} Schema */
/** @typedef {Record<string, (string|{step: string, pointer: string})[]>} Bindings */

const KINDS = { boolean: "switch", integer: "number", number: "number", array: "json", object: "json" };
const FORMATS = { date: "date", password: "secret" };

/** @param {Schema} schema @returns {string} the kind of control that fits */
export function kindOf(schema) {
  if (schema.anyOf) return "union";
  if (schema.enum) return "choice";
  if (schema.type === "string") return FORMATS[schema.format] ?? (isLong(schema) ? "text" : "line");
  if (schema.type === "array" && schema.items?.type === "string" && !schema.items.enum) return "lines";
  if (schema.type === "array" && schema.items?.properties) return "list";
  if (schema.type === "object" && schema.properties) return "group";
  return KINDS[schema.type] ?? "json";
}

/** Text without a limit, a pattern or examples is written in sentences. */
function isLong(schema) {
  return schema.format === undefined && schema.maxLength === undefined && schema.pattern === undefined && !schema.examples;
}

/** @param {Schema} schema @returns {boolean} whether it holds a secret, which is never shown again */
export function hasSecret(schema) {
  return Object.values(schema.properties ?? {}).some((property) => property.format === "password" || hasSecret(property));
}

/**
 * The names of an object's properties: those to show at once, and the others.
 * @param {Schema} schema @returns {{basic: string[], advanced: string[]}}
 */
export function arranged(schema) {
  const required = schema.required ?? [];
  const isBasic = (name) => required.includes(name) || schema.properties[name].default !== undefined;
  const names = Object.keys(schema.properties);
  return { basic: names.filter(isBasic), advanced: names.filter((name) => !isBasic(name)) };
}

/**
 * The value without its husks: empty texts, lists and objects that stand for nothing. What a binding fills stays.
 * @param {Schema} schema @param {Json|undefined} value @param {Bindings} bindings @param {string} [pointer]
 * @returns {Json|undefined}
 */
export function pruned(schema, value, bindings, pointer = "") {
  if (value === "" || value === null || value === undefined) return undefined;
  if (schema.anyOf) return pruned(branchOf(schema, value), value, bindings, pointer);
  if (Array.isArray(value)) return prunedList(schema, value, bindings, pointer);
  if (isObject(value) && schema.properties) return prunedObject(schema, value, bindings, pointer);
  return value;
}

function prunedList(schema, value, bindings, pointer) {
  const items = [];
  value.forEach((item, index) => {
    const kept = pruned(schema.items ?? {}, item, bindings, child(pointer, index));
    if (kept !== undefined) items.push(kept);
    else if (isObject(item)) items.push({});
    else if (isBound(bindings, child(pointer, index))) items.push("");
  });
  return items.length > 0 ? items : undefined;
}

function prunedObject(schema, value, bindings, pointer) {
  const entries = Object.entries(value)
    .map(([name, inner]) => [name, pruned(schema.properties[name] ?? {}, inner, bindings, child(pointer, name))])
    .filter(([, inner]) => inner !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** @param {Bindings} bindings @param {string} pointer @returns {boolean} whether a binding fills the place, or one inside it */
export function isBound(bindings, pointer) {
  return Object.keys(bindings).some((place) => isWithin(place, pointer));
}

/** @param {Schema} schema @param {Json|undefined} value @returns {Schema} the branch of a union that the value belongs to */
export function branchOf(schema, value) {
  const type = Array.isArray(value) ? "array" : typeof value;
  return schema.anyOf.find((branch) => branch.type === type) ?? schema.anyOf[0];
}

/**
 * What a new step begins with: the smallest example, without its prose, which the author writes.
 * @param {Schema} schema @returns {Json}
 */
export function starter(schema) {
  const example = schema.examples?.[0] ?? {};
  return pruned(schema, withoutProse(schema, example), {}) ?? {};
}

function withoutProse(schema, value) {
  const chosen = schema.anyOf ? branchOf(schema, value) : schema;
  if (Array.isArray(value)) return value.map((item) => withoutProse(chosen.items ?? {}, item));
  if (isObject(value) && chosen.properties)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutProse(chosen.properties[name] ?? {}, inner)]));
  return typeof value === "string" && kindOf(chosen) === "text" ? "" : value;
}

/**
 * A new item of a list of objects: its choices go on as a conversation does, back and forth.
 * @param {Schema} schema the list's @param {Json[]} items those there already @param {Json|undefined} example a list that shows how one begins
 * @returns {Json}
 */
export function nextItem(schema, items, example) {
  const item = {};
  for (const [name, property] of Object.entries(schema.items.properties)) {
    if (!property.enum) continue;
    const last = items.length > 0 ? get(items[items.length - 1], child("", name)) : undefined;
    item[name] = last === undefined ? (get(example, child("/0", name)) ?? property.enum[0]) : following(property.enum, last);
  }
  return item;
}

/** The choice after the last one; from the end it turns back, as assistant does to user. */
function following(choices, last) {
  const at = choices.indexOf(last);
  return choices[at + 1] ?? choices[at - 1] ?? choices[0];
}
