/**
 * Chooses a control for a schema by the portable rules, and shapes the values that a form gives.
 */

/** @import { Bindings, Json, JsonObject, Schema, TypeName } from "../types.js" */

import { get, isObject, isSame, isWithin, joinPointer } from "./pointer.js";

/**
 * @typedef {"union" | "choice" | "choices" | "date" | "secret" | "text" | "line" | "lines" | "list"
 *   | "group" | "switch" | "number" | "json"} Kind
 */

/** @type {Map<string, Kind>} */
const KIND_BY_FORMAT = new Map([
  ["date", "date"],
  ["password", "secret"],
]);
/** @type {Record<string, Kind>} */
const KIND_BY_TYPE = { boolean: "switch", integer: "number", number: "number" };

/**
 * Return the types that a schema allows, without null. An empty list: any or unknown.
 * @param {Schema} schema
 * @returns {TypeName[]}
 */
export function typesOf(schema) {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches && !schema.type) {
    const types = branches.filter((branch) => branch.type !== "null").map(typesOf);
    return types.some((each) => each.length === 0) ? [] : [...new Set(types.flat())];
  }
  const names = [schema.type ?? schema.enum?.map((choice) => typeOf(choice)) ?? []].flat();
  return /** @type {TypeName[]} */ ([...new Set(names)].filter((name) => name !== "null"));
}

/** Return the type of a value. @param {Json | undefined} value */
export function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

/** Return the kind of control that fits a schema. @param {Schema} schema @returns {Kind} */
export function kindOf(schema) {
  if (schema.asJson) return "json";
  if (schema.anyOf) return kindOfUnion(schema);
  if (schema.enum) return schema.enum.some(isWhole) ? "json" : "choice";
  const [type = "", ...others] = typesOf(schema);
  if (others.length > 0) return "json";
  if (type === "string") return kindOfText(schema);
  if (type === "array") return kindOfList(schema);
  if (type === "object" && schema.properties) return "group";
  return KIND_BY_TYPE[type] ?? "json";
}

/** @param {Schema} schema @returns {Kind} */
function kindOfUnion({ anyOf = [], ...own }) {
  if (isTextOrTexts(anyOf)) return "union";
  // Beside a type, the branches are conditions.
  return own.type ? kindOf(own) : "json";
}

/** Return whether a switch between the branches keeps the text. @param {Schema[]} branches */
function isTextOrTexts(branches) {
  const kinds = branches.map(kindOf).map((kind) => (kind === "text" ? "line" : kind));
  return isSame(kinds.toSorted(), ["line", "lines"]);
}

/** @param {Json} value */
function isWhole(value) {
  return typeof value === "object" && value !== null;
}

/** @param {Schema} schema @returns {Kind} */
function kindOfText(schema) {
  return KIND_BY_FORMAT.get(schema.format ?? "") ?? (isLong(schema) ? "text" : "line");
}

/** @param {Schema} schema @returns {Kind} */
function kindOfList({ items, prefixItems }) {
  if (!items || prefixItems || items.nullable || items.anyOf) return "json";
  if (items.type === "string") return items.enum ? "choices" : "lines";
  return items.properties && items.type === "object" ? "list" : "json";
}

/**
 * Text without a limit, a pattern or examples is usually several sentences.
 * @param {Schema} schema
 */
function isLong({ format, maxLength, pattern, examples }) {
  return format === undefined && maxLength === undefined && pattern === undefined && !examples;
}

/**
 * Return whether a schema holds a secret, which is never shown again.
 * @param {Schema} schema
 */
export function hasSecret(schema) {
  return [...findAll(schema)].some(({ format }) => format === "password");
}

/** Return a schema and all inside it, which it may be itself. @param {Schema} root */
export function findAll(root) {
  const found = new Set([root]);
  // The set grows while it is read.
  for (const each of found) {
    const { properties = {}, prefixItems = [], anyOf = [], items, additionalProperties } = each;
    const inner = [...Object.values(properties), ...prefixItems, ...anyOf, items];
    if (isObject(additionalProperties)) inner.push(additionalProperties);
    for (const schema of inner) if (schema) found.add(schema);
  }
  return found;
}

/**
 * Split an object's properties: `basic` are shown at once, `advanced` in a fold.
 * @param {Schema} schema
 */
export function splitProperties(schema) {
  const { properties = {}, required = [] } = schema;
  const isBasic = (/** @type {string} */ name) =>
    required.includes(name) ||
    (properties[name]?.default !== undefined && !properties[name]?.deprecated);
  const names = Object.keys(properties);
  return {
    basic: names.filter(isBasic),
    advanced: names.filter((name) => !isBasic(name)),
  };
}

/**
 * Return whether a value is blank: null, only spaces, or an empty text, list or object.
 * @param {Json | undefined} value
 */
function isBlank(value) {
  if (typeof value === "string") return value.trim() === "";
  if (value === null || value === undefined) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/**
 * Return a value without its blanks, from the inside out; undefined for a blank. Items of lists
 * stay, and so does everything in an object of any shape.
 * @param {Schema} schema
 * @param {Json | undefined} value
 * @returns {Json | undefined}
 */
export function dropBlanks(schema, value) {
  const kept = dropInside(schema, value);
  return isBlank(kept) ? undefined : kept;
}

/** @param {Schema} schema @param {Json | undefined} value @returns {Json | undefined} */
function dropInside(schema, value) {
  if (schema.anyOf) {
    return kindOf(schema) === "union" ? dropInside(branchOf(schema, value), value) : value;
  }
  const { items, properties } = schema;
  if (Array.isArray(value) && items) return value.map((item) => dropInside(items, item) ?? item);
  if (!isObject(value) || !properties) return value;
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    const kept = dropBlanks(properties[name] ?? {}, inner);
    return kept === undefined ? [] : [/** @type {const} */ ([name, kept])];
  });
  return { ...neededNulls(schema), ...Object.fromEntries(entries) };
}

/**
 * Return nulls for the fields that may be null but not absent.
 * @param {Schema} schema
 * @returns {JsonObject}
 */
function neededNulls({ properties = {}, required = [] }) {
  const names = required.filter((name) => properties[name]?.nullable);
  return Object.fromEntries(names.map((name) => [name, null]));
}

/**
 * Return whether a binding fills a place or something inside it.
 * @param {Bindings} bindings
 * @param {string} pointer
 */
export function isBound(bindings, pointer) {
  return Object.keys(bindings).some((place) => isWithin(place, pointer));
}

/**
 * Return the branch of a union that a value belongs to: the first one when no type fits.
 * @param {Schema} schema
 * @param {Json | undefined} value
 * @returns {Schema}
 */
export function branchOf(schema, value) {
  const branches = schema.anyOf ?? [];
  return branches.find((branch) => branch.type === typeOf(value)) ?? branches[0] ?? {};
}

/**
 * Return the first input of a new step: the smallest example without its prose, which the author
 * writes.
 * @param {Schema} schema
 * @returns {JsonObject}
 */
export function makeStarter(schema) {
  const example = schema.examples?.[0] ?? {};
  const value = dropBlanks(schema, dropProse(schema, example));
  return isObject(value) ? value : {};
}

/** @param {Schema} schema @param {Json} value @returns {Json} */
function dropProse(schema, value) {
  const chosen = schema.anyOf ? branchOf(schema, value) : schema;
  if (Array.isArray(value)) return value.map((item) => dropProse(chosen.items ?? {}, item));
  const { properties } = chosen;
  if (isObject(value) && properties) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([name, inner]) => [name, dropProse(properties[name] ?? {}, inner)]),
    );
  }
  return typeof value === "string" && kindOf(chosen) === "text" ? "" : value;
}

/** @type {Record<string, Json>} */
const EXAMPLE_BY_TYPE = { string: "text", integer: 1, number: 1, boolean: true, array: [] };

/**
 * Return a small value of a schema: its example, or one with what is required.
 * @param {Schema} schema
 * @param {number} [levels] how deep it may be, since a schema may have itself inside
 * @returns {Json}
 */
export function makeExample(schema, levels = 4) {
  const known = schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (known !== undefined) return known;
  const first = schema.properties ? undefined : schema.anyOf?.[0];
  return first ? makeExample(first, levels) : makeByType(schema, levels);
}

/** @param {Schema} schema @param {number} levels @returns {Json} */
function makeByType(schema, levels) {
  const { properties = {}, required = [], items } = schema;
  if (items && levels > 0) return [makeExample(items, levels - 1)];
  const [type = "object"] = typesOf(schema);
  if (type !== "object") return EXAMPLE_BY_TYPE[type] ?? {};
  const names = levels > 0 ? required : [];
  const make = (/** @type {string} */ name) => makeExample(properties[name] ?? {}, levels - 1);
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}

/**
 * Return a new item for a list of objects. Its choices continue as in a conversation, back and
 * forth: after a user's message follows one of the assistant. A choice with a default has that.
 * @param {Schema} schema the schema of the list
 * @param {Json[]} items the items so far
 * @param {Json | undefined} example a list that shows how one begins
 * @returns {JsonObject}
 */
export function makeNextItem(schema, items, example) {
  /** @type {JsonObject} */
  const item = {};
  for (const [name, property] of Object.entries(schema.items?.properties ?? {})) {
    if (!property.enum) continue;
    const last = get(items.at(-1), joinPointer("", name));
    const first = get(example, joinPointer("/0", name)) ?? property.enum[0];
    const next = last === undefined ? first : chooseNext(property.enum, last);
    const choice = property.default ?? next;
    if (choice !== undefined) item[name] = choice;
  }
  return item;
}

/**
 * Return the choice that follows: the first and the last choice take turns.
 * @param {Json[]} choices
 * @param {Json} last
 */
function chooseNext(choices, last) {
  return (last === choices[0] ? choices.at(-1) : choices[0]) ?? null;
}
