/** Checks a value by a schema of the portable rules. Other keywords than theirs are ignored. */

/** @import { Bindings, FieldError, Json, JsonObject, Schema, TypeName } from "../types.js" */

import { describeFormat, hasFormat } from "./formats.js";
import { isObject, isSame, joinPointer } from "./pointer.js";
import { branchOf, isBound, kindOf, typeOf, typesOf } from "./shape.js";

/** @type {Record<TypeName | "null", (value: unknown) => boolean>} */
const IS_TYPE = {
  array: Array.isArray,
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
  null: (value) => value === null,
  number: Number.isFinite,
  object: isObject,
  string: (value) => typeof value === "string",
};

/** @type {Record<TypeName | "null", string>} */
const TYPE_WORDS = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  null: "empty",
  number: "a number",
  object: "an object",
  string: "text",
};

/**
 * @template Value
 * @template Limit
 * @typedef {object} Rule
 * @property {(value: Value, limit: Limit) => boolean} isKept
 * @property {(limit: Limit, value: Value, schema: Schema) => string} message the sentence for a
 *   value that breaks the rule
 */

/**
 * Return whether a text has a pattern. One that a browser cannot read is left to a better check.
 * @param {string} text
 * @param {string} pattern
 */
function matches(text, pattern) {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

/** Return the domain in the address of a web page; "" for any other text. @param {string} text */
function domainIn(text) {
  const address = /^(-?)https?:\/\/(?:[^/?#@]*@)?(?:www\.)?([a-z\d-]+(?:\.[a-z\d-]+)+)/i;
  const [, sign = "", domain = ""] = address.exec(text.trim()) ?? [];
  return sign + domain.toLowerCase();
}

/** The pattern of codes such as those of countries. */
const TWO_LETTERS = "^[A-Za-z]{2}$";
const USE_A_CODE = "Use a two-letter code, such as DE.";

/** @type {Record<string, Rule<string, any>>} */
const TEXT_RULES = {
  minLength: {
    isKept: (text, least) => [...text].length >= least,
    message: (least, _, { maxLength }) => describeLength(least, maxLength, "least"),
  },
  maxLength: {
    isKept: (text, most) => [...text].length <= most,
    message: (most, _, { minLength, pattern }) =>
      pattern === TWO_LETTERS ? USE_A_CODE : describeLength(most, minLength, "most"),
  },
  pattern: {
    isKept: matches,
    message: (pattern, text) => {
      if (pattern === TWO_LETTERS) return USE_A_CODE;
      const domain = domainIn(text);
      return domain !== "" && matches(domain, pattern)
        ? `Write only the domain: ${domain}`
        : `Must match the pattern ${pattern}.`;
    },
  },
  format: {
    isKept: hasFormat,
    message: describeFormat,
  },
};

/** @type {Record<string, Rule<number, number>>} */
const NUMBER_RULES = {
  minimum: {
    isKept: (value, limit) => value >= limit,
    message: (limit) => `Must be at least ${limit}.`,
  },
  maximum: {
    isKept: (value, limit) => value <= limit,
    message: (limit) => `Must be at most ${limit}.`,
  },
  exclusiveMinimum: {
    isKept: (value, limit) => value > limit,
    message: (limit) => `Must be more than ${limit}.`,
  },
  exclusiveMaximum: {
    isKept: (value, limit) => value < limit,
    message: (limit) => `Must be less than ${limit}.`,
  },
  multipleOf: {
    isKept: (value, step) => Number.isInteger(value / step),
    message: (step) => `Must be a multiple of ${step}.`,
  },
};

/** @type {Record<string, Rule<Json[], any>>} */
const LIST_RULES = {
  minItems: {
    isKept: (items, least) => items.length >= least,
    message: (least) => describeLeast(least, "items"),
  },
  maxItems: {
    isKept: (items, most) => items.length <= most,
    message: (most) => `Must have at most ${most} items.`,
  },
  uniqueItems: {
    isKept: (items, isUnique) => !isUnique || countDistinct(items) === items.length,
    message: () => "Must not contain the same item twice.",
  },
};

/**
 * @param {number} limit
 * @param {number | undefined} other the limit at the other end
 * @param {"least" | "most"} bound
 */
function describeLength(limit, other, bound) {
  if (limit === other) {
    return `Must have exactly ${limit} ${limit === 1 ? "character" : "characters"}.`;
  }
  if (bound === "least") return describeLeast(limit, "characters");
  return `Must have at most ${limit} characters.`;
}

/** @param {number} least @param {string} unit */
function describeLeast(least, unit) {
  return least === 1 ? "Must not be empty." : `Must have at least ${least} ${unit}.`;
}

/**
 * Say which choices there are, by their labels where they have some.
 * @param {Json[]} choices
 * @param {Record<string, string>} [labels]
 */
export function describeChoices(choices, labels = {}) {
  const words = choices.map(
    (choice) =>
      labels[String(choice)] ?? (typeof choice === "string" ? choice : JSON.stringify(choice)),
  );
  return `Must be one of: ${words.join(", ")}.`;
}

/** @param {Json[]} items */
function countDistinct(items) {
  return new Set(items.map((item) => JSON.stringify(item))).size;
}

/**
 * Return all errors of a value. A place that a binding fills counts as filled.
 * @param {Schema} schema
 * @param {Json} value
 * @param {Bindings} [bindings]
 * @param {string} [pointer]
 * @returns {FieldError[]}
 */
export function findErrors(schema, value, bindings = {}, pointer = "") {
  if (Object.hasOwn(bindings, pointer)) return [];
  if (value === null && schema.nullable) return [];
  const errors = findUnionErrors(schema, value, bindings, pointer);
  if (errors.length > 0) return errors;
  const types = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some((type) => IS_TYPE[type](value))) {
    const words = types.map((type) => TYPE_WORDS[type]).join(" or ");
    return [{ pointer, code: "type", message: `Must be ${words}.` }];
  }
  if (schema.enum && !schema.enum.some((choice) => isSame(choice, value))) {
    return [{ pointer, code: "enum", message: describeChoices(schema.enum) }];
  }
  return [
    ...findBrokenRules(schema, value, pointer),
    ...findErrorsInside(schema, value, bindings, pointer),
  ];
}

/**
 * A value that fits a branch has no error. Else the errors are those of the branch that is meant.
 * @param {Schema} schema
 * @param {Json} value
 * @param {Bindings} bindings
 * @param {string} pointer
 * @returns {FieldError[]}
 */
function findUnionErrors(schema, value, bindings, pointer) {
  if (!schema.anyOf) return [];
  const check = (/** @type {Schema} */ branch) => findErrors(branch, value, bindings, pointer);
  if (kindOf(schema) === "union") return check(branchOf(schema, value));
  const branches = schema.anyOf;
  if (branches.some((branch) => check(branch).length === 0)) return [];
  const meant = branches.filter((branch) => typesOf(branch).some((type) => type === typeOf(value)));
  if (meant.length === 1) return meant.flatMap(check);
  return [{ pointer, code: "anyOf", message: "This fits none of the forms that are allowed." }];
}

/** @param {Schema} schema @param {Json} value @param {string} pointer */
function findBrokenRules(schema, value, pointer) {
  if (typeof value === "string") return breakRules(TEXT_RULES, schema, value, pointer);
  if (typeof value === "number") return breakRules(NUMBER_RULES, schema, value, pointer);
  return Array.isArray(value) ? breakRules(LIST_RULES, schema, value, pointer) : [];
}

/**
 * @template Value
 * @param {Record<string, Rule<Value, any>>} rules
 * @param {Schema} schema
 * @param {Value} value
 * @param {string} pointer
 */
function breakRules(rules, schema, value, pointer) {
  const limits = new Map(Object.entries(schema));
  return Object.entries(rules).flatMap(([keyword, rule]) => {
    const limit = limits.get(keyword);
    if (limit === undefined || rule.isKept(value, limit)) return [];
    return [{ pointer, code: keyword, message: rule.message(limit, value, schema) }];
  });
}

/**
 * @param {Schema} schema
 * @param {Json} value
 * @param {Bindings} bindings
 * @param {string} pointer
 * @returns {FieldError[]}
 */
function findErrorsInside(schema, value, bindings, pointer) {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      findErrors(itemSchema(schema, index), item, bindings, joinPointer(pointer, index)),
    );
  }
  if (!isObject(value)) return [];
  return [
    ...findMissing(schema, value, bindings, pointer),
    ...findPropertyErrors(schema, value, bindings, pointer),
  ];
}

/** @param {Schema} schema @param {number} index @returns {Schema} */
function itemSchema({ prefixItems = [], items = {} }, index) {
  return prefixItems[index] ?? items;
}

/**
 * @param {Schema} schema
 * @param {JsonObject} object
 * @param {Bindings} bindings
 * @param {string} pointer
 */
function findMissing(schema, object, bindings, pointer) {
  return (schema.required ?? []).flatMap((name) => {
    const place = joinPointer(pointer, name);
    if (Object.hasOwn(object, name) || isBound(bindings, place)) return [];
    return [{ pointer: place, code: "required", message: "This field is required." }];
  });
}

/**
 * @param {Schema} schema
 * @param {JsonObject} object
 * @param {Bindings} bindings
 * @param {string} pointer
 */
function findPropertyErrors(schema, object, bindings, pointer) {
  const properties = new Map(Object.entries(schema.properties ?? {}));
  return Object.entries(object).flatMap(([name, inner]) => {
    const place = joinPointer(pointer, name);
    const property = properties.get(name);
    const { additionalProperties: others } = schema;
    if (property) return findErrors(property, inner, bindings, place);
    if (isObject(others)) return findErrors(others, inner, bindings, place);
    if (others !== false) return [];
    return [{ pointer: place, code: "unknown_field", message: "Unknown field. Remove it." }];
  });
}
