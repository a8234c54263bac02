/** Reads any JSON Schema, also those of other people, as one of the portable rules. */

/** @import { Json, JsonObject, Schema, TypeName } from "../types.js" */

import { exampleOfFormat } from "./formats.js";
import { mergeSchemas } from "./merging.js";
import { get, isObject } from "./pointer.js";
import { findAll, typeOf } from "./shape.js";

/** A schema before it is read: with any keywords. @typedef {JsonObject} Raw */

/** The keywords that are taken as they are. */
const KEPT = new Set([
  ...["title", "description", "default", "examples", "enum", "format", "pattern", "choiceTitles"],
  ...["minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf", "nullable"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "readOnly", "writeOnly"],
  ...["deprecated"],
]);
/** The type that a keyword is about, for a schema without one. @type {[string, TypeName][]} */
const TYPE_BY_KEYWORD = [
  ["properties", "object"],
  ["additionalProperties", "object"],
  ["items", "array"],
  ["prefixItems", "array"],
  ["pattern", "string"],
  ["format", "string"],
  ["minLength", "string"],
  ["maxLength", "string"],
  ["minimum", "number"],
  ["maximum", "number"],
];
/** The values of keywords. One with another value is left out. */
const WELL_FORMED = new Map(
  /** @type {[string, (value: unknown) => boolean][]} */ ([
    ["required", Array.isArray],
    ["enum", Array.isArray],
    ["examples", Array.isArray],
    ["properties", isObject],
    ["format", (value) => typeof value === "string"],
  ]),
);
const TYPES = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);
/** @type {Record<string, string>} */
const BRANCH_TITLES = {
  string: "Text",
  array: "List",
  object: "Object",
  integer: "Whole number",
  number: "Number",
  boolean: "Yes/no",
};

/**
 * Return the schema as the form draws and checks it. A schema that refers to itself becomes a loop
 * of objects. Keywords that neither the rules nor this module know are left out.
 * @param {unknown} schema
 */
export function readSchema(schema) {
  const read = new Reader(schema).read(schema);
  drawLoopsAsJson(read);
  return read;
}

class Reader {
  /** The schemas that were read before, or are being read. @type {Map<unknown, Schema>} */
  #known = new Map();
  #root;

  /** @param {unknown} root where references point into */
  constructor(root) {
    this.#root = /** @type {Json} */ (root);
  }

  /**
   * @param {unknown} raw
   * @param {boolean} [isProperty] whether its own title counts, and no title of what it refers to
   * @returns {Schema}
   */
  read(raw, isProperty = false) {
    if (!isObject(raw)) return {};
    const known = this.#known.get(raw);
    if (known) return known;
    /** @type {Schema} */
    const schema = {};
    this.#known.set(raw, schema);
    Object.assign(schema, this.#convert(this.#flatten(raw)));
    if (isProperty && raw.title === undefined) delete schema.title;
    return schema;
  }

  /**
   * Return a schema with all that it refers to, in one object.
   * @param {Json | undefined} raw
   * @param {string[]} [around] the references that led here
   * @returns {Raw}
   */
  #flatten(raw, around = []) {
    if (!isObject(raw)) return {};
    const {
      $ref,
      allOf = [],
      ...own
    } = Object.fromEntries(
      Object.entries(raw).filter(([name, value]) => WELL_FORMED.get(name)?.(value) ?? true),
    );
    const parts = Array.isArray(allOf) ? allOf.map((part) => this.#flatten(part, around)) : [];
    if (typeof $ref === "string" && !around.includes($ref)) {
      parts.unshift(this.#flatten(this.#find($ref), [...around, $ref]));
    }
    return this.#flattenUnion([...parts, own].reduce(mergeSchemas, {}), around);
  }

  /** Return what a reference points to. Only places in the schema are known. @param {string} ref */
  #find(ref) {
    if (!/^#(\/|$)/.test(ref)) return undefined;
    try {
      return get(this.#root, decodeURIComponent(ref.slice(1)));
    } catch {
      return undefined;
    }
  }

  /**
   * Simplify a union: null becomes `nullable`, constants become choices, and a single branch counts
   * as the schema itself.
   * @param {Raw} raw
   * @param {string[]} around
   * @returns {Raw}
   */
  #flattenUnion(raw, around) {
    const { anyOf, oneOf, ...own } = raw;
    const given = anyOf ?? oneOf;
    if (!Array.isArray(given)) return own;
    const all = given.map((branch) => this.#flatten(branch, around));
    const branches = all.filter((branch) => !isNull(branch));
    const base = branches.length < all.length ? { ...own, nullable: true } : own;
    const [only] = branches;
    if (only && branches.length === 1) return mergeSchemas(only, base);
    if (branches.length > 0 && branches.every((branch) => choicesOf(branch))) {
      return { ...base, ...joinChoices(branches) };
    }
    // Beside properties, the branches are conditions, which the form does not know.
    return own.properties ? base : { ...base, anyOf: branches };
  }

  /** @param {Raw} raw @returns {Schema} */
  #convert(raw) {
    /** @type {Schema} */
    const schema = Object.fromEntries(Object.entries(raw).filter(([name]) => KEPT.has(name)));
    const choices = choicesOf(raw);
    const types = typesIn(raw, choices);
    if (types.includes("null") || choices?.includes(null)) schema.nullable = true;
    const others = types.filter((type) => type !== "null");
    if (others.length > 0) schema.type = others.length === 1 ? others[0] : others;
    if (choices) schema.enum = choices.filter((choice) => choice !== null);
    Object.assign(schema, readLimits(raw), readExamples(raw));
    if (Array.isArray(raw.anyOf)) schema.anyOf = raw.anyOf.map((each) => this.#readBranch(each));
    return Object.assign(schema, this.#convertItems(raw), this.#convertProperties(raw));
  }

  /** @param {Json} raw */
  #readBranch(raw) {
    const branch = this.read(raw);
    branch.title ??= BRANCH_TITLES[String(branch.type)] ?? String(branch.type ?? "Other");
    return branch;
  }

  /** @param {Raw} raw @returns {Schema} */
  #convertItems({ items, prefixItems, additionalItems }) {
    const tuple = Array.isArray(items) ? items : prefixItems;
    const rest = Array.isArray(items) ? additionalItems : items;
    return {
      ...(Array.isArray(tuple) && { prefixItems: tuple.map((each) => this.read(each)) }),
      ...(isObject(rest) && { items: this.read(rest) }),
    };
  }

  /** @param {Raw} raw @returns {Schema} */
  #convertProperties({ properties, required, additionalProperties, patternProperties }) {
    // Fields that match a pattern are allowed, so that others cannot be refused.
    const isOpen = patternProperties !== undefined;
    const others = isObject(additionalProperties)
      ? this.read(additionalProperties)
      : additionalProperties;
    const read = isObject(properties)
      ? Object.entries(properties).map(
          ([name, each]) => /** @type {const} */ ([name, this.read(each, true)]),
        )
      : [];
    const known = new Map(read);
    const names = Array.isArray(required) ? required.map(String) : [];
    // A field that only the other side writes cannot be filled in.
    const needed = names.filter((name) => !known.get(name)?.readOnly);
    return {
      ...(others !== undefined && !isOpen && { additionalProperties: /** @type {any} */ (others) }),
      ...(isObject(properties) && { properties: Object.fromEntries(read) }),
      ...(needed.length > 0 && { required: needed }),
    };
  }
}

/** @param {Raw} raw */
function isNull(raw) {
  const choices = choicesOf(raw);
  return raw.type === "null" || (choices?.length === 1 && choices[0] === null);
}

/** @param {Raw} raw @returns {Json[] | undefined} */
function choicesOf(raw) {
  if (raw.const !== undefined) return [raw.const];
  return Array.isArray(raw.enum) ? raw.enum : undefined;
}

/** Join the choices of the branches, with their titles. @param {Raw[]} branches */
function joinChoices(branches) {
  const titled = branches.filter(({ title }) => typeof title === "string");
  const titles = titled.flatMap((branch) => {
    const choices = choicesOf(branch) ?? [];
    return choices.length === 1 ? [[String(choices[0]), branch.title]] : [];
  });
  return {
    enum: branches.flatMap((branch) => choicesOf(branch) ?? []),
    ...(titles.length > 0 && { choiceTitles: Object.fromEntries(titles) }),
  };
}

/**
 * Return the types that a schema allows, or that its keywords are about.
 * @param {Raw} raw
 * @param {Json[] | undefined} choices
 * @returns {(TypeName | "null")[]}
 */
function typesIn(raw, choices) {
  // Other types, such as OpenAPI's `file`, are any value.
  const given = [raw.type ?? []]
    .flat()
    .map(String)
    .filter((type) => TYPES.has(type));
  const names = given.length > 0 || !choices ? given : [...new Set(choices.map(typeOf))];
  if (names.length === 0 && !raw.anyOf) {
    const guess = TYPE_BY_KEYWORD.find(([keyword]) => raw[keyword] !== undefined)?.[1];
    if (guess) names.push(guess);
  }
  return /** @type {(TypeName | "null")[]} */ (names);
}

/** Read the exclusive limits of draft 4: true or false. @param {Raw} raw @returns {Schema} */
function readLimits({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  return {
    ...(typeof exclusiveMinimum === "boolean" && {
      exclusiveMinimum: exclusiveMinimum ? Number(minimum) : undefined,
    }),
    ...(typeof exclusiveMaximum === "boolean" && {
      exclusiveMaximum: exclusiveMaximum ? Number(maximum) : undefined,
    }),
  };
}

/** @param {Raw} raw @returns {Schema} */
function readExamples({ example, examples, format, enum: choices, default: standard }) {
  if (examples !== undefined) return {};
  if (example !== undefined) return { examples: [example] };
  const usual = exampleOfFormat(String(format));
  return usual && !choices && standard === undefined ? { examples: [usual] } : {};
}

/**
 * Mark the properties whose schema is around them, since they would be drawn without an end. Lists
 * end: they have as many items as the value.
 * @param {Schema} root
 */
function drawLoopsAsJson(root) {
  /** @type {Set<Schema>} */
  const done = new Set();
  /** @param {Schema} schema @param {Set<Schema>} around */
  const visit = (schema, around) => {
    done.add(schema);
    const here = new Set([...around, schema]);
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (here.has(property)) {
        Object.assign(schema.properties ?? {}, { [name]: { ...property, asJson: true } });
      } else if (!done.has(property)) visit(property, here);
    }
  };
  for (const schema of findAll(root)) if (!done.has(schema)) visit(schema, new Set());
}
