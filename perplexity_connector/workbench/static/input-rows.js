/** The inputs of a flow as rows of a table, and as a JSON Schema. */

/** @import { FieldError, Json, JsonObject, Schema } from "./types.js" */

import { isObject, isSame, joinPointer } from "./form/pointer.js";

/**
 * One input as a row. `default` is text, one item a line for a list.
 * @typedef {{name?: string, type?: string, title?: string, required?: boolean, default?: string,
 *   description?: string, choices?: string[]}} Row
 */

/** The types of inputs by their names. @type {Record<string, Schema>} */
const TYPES = {
  text: { type: "string" },
  number: { type: "number" },
  whole: { type: "integer" },
  switch: { type: "boolean" },
  date: { type: "string", format: "date" },
  choice: { type: "string", enum: [] },
  list: { type: "array", items: { type: "string" } },
};
const LABELS = {
  text: "Text",
  number: "Number",
  whole: "Whole number",
  switch: "Yes or no",
  date: "Date",
  choice: "Choice",
  list: "List of texts",
};
const NAME = "^[A-Za-z_][A-Za-z0-9_-]*$";

/** The schema of the rows, which a form draws. @type {Schema} */
export const ROWS_SCHEMA = {
  type: "object",
  title: "Inputs",
  properties: {
    inputs: {
      type: "array",
      title: "Inputs of the flow",
      description: "What a run of the flow is given. Steps can use it in their fields.",
      items: {
        type: "object",
        title: "Input",
        properties: {
          name: {
            type: "string",
            title: "Name",
            pattern: NAME,
            maxLength: 64,
            examples: ["company"],
          },
          type: { type: "string", title: "Type", enum: Object.keys(TYPES), default: "text" },
          title: { type: "string", title: "Title", maxLength: 200, examples: ["Company"] },
          required: { type: "boolean", title: "Required", default: false },
          default: {
            type: "string",
            title: "Default",
            description: "Used where a run gives no value. For a list, one item a line.",
          },
          description: { type: "string", title: "Help" },
          choices: {
            type: "array",
            title: "Choices",
            description: "One a line.",
            items: { type: "string" },
          },
        },
        required: ["name", "type"],
      },
    },
  },
};
export const ROW_LABELS = { "/inputs/*/type": LABELS };

const ROOT_KEYS = new Set([
  ...["$schema", "type", "properties", "required", "additionalProperties"],
]);
const ROW_KEYS = new Set(["type", "format", "enum", "items", "title", "description", "default"]);

/**
 * Return the rows of a schema; null when they cannot show all of it.
 * @param {Schema} schema
 * @returns {Row[] | null}
 */
export function rowsOf(schema) {
  const { properties = {}, required = [] } = schema;
  if (Object.keys(schema).some((key) => !ROOT_KEYS.has(key))) return null;
  if (isObject(schema.additionalProperties)) return null;
  if (required.some((name) => !Object.hasOwn(properties, name))) return null;
  const rows = Object.entries(properties).map(([name, property]) =>
    rowOf(name, property, required.includes(name)),
  );
  return rows.some((row) => row === null) ? null : /** @type {Row[]} */ (rows);
}

/**
 * @param {string} name
 * @param {Schema} property
 * @param {boolean} isRequired
 * @returns {Row | null}
 */
function rowOf(name, property, isRequired) {
  const type = Object.keys(TYPES).find((each) => isOfType(property, TYPES[each] ?? {}));
  if (!type || Object.keys(property).some((key) => !ROW_KEYS.has(key))) return null;
  const { title, description, default: standard } = property;
  /** @type {Row} */
  const row = { name, type };
  if (title !== undefined) row.title = title;
  if (description !== undefined) row.description = description;
  if (property.enum) row.choices = property.enum.map(String);
  if (standard !== undefined) row.default = writeDefault(standard);
  if (isRequired) row.required = true;
  return isSame(schemaOfRow(row).default, standard) ? row : null;
}

/** @param {Schema} property @param {Schema} type */
function isOfType(property, type) {
  const { type: name, format, items, enum: choices } = property;
  const isChoice = choices?.every((choice) => typeof choice === "string") ?? false;
  return isSame(
    [name, format, items, isChoice],
    [type.type, type.format, type.items, Boolean(type.enum)],
  );
}

/** @param {Json} value */
function writeDefault(value) {
  return Array.isArray(value) ? value.join("\n") : String(value);
}

/** Return the schema of the rows, or null where there are none. @param {Row[]} rows */
export function schemaOf(rows) {
  const named = rows.filter(({ name }) => name);
  if (named.length === 0) return null;
  const properties = named.map((row) => [row.name, schemaOfRow(row)]);
  const required = named.flatMap((row) => (row.required && row.name ? [row.name] : []));
  /** @type {Schema} */
  const schema = {
    type: "object",
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
  return required.length > 0 ? { ...schema, required } : schema;
}

/** @param {Row} row @returns {Schema} */
function schemaOfRow(row) {
  /** @type {Schema} */
  const schema = { ...TYPES[row.type ?? ""] };
  if (schema.enum) schema.enum = row.choices ?? [];
  if (row.title) schema.title = row.title;
  if (row.description) schema.description = row.description;
  const standard = readDefault(row);
  if (standard !== undefined) schema.default = standard;
  return schema;
}

/** @param {Row} row @returns {Json | undefined} */
function readDefault({ type = "", default: text }) {
  if (text === undefined) return undefined;
  if (type === "list") return text.split("\n").filter((line) => line.trim() !== "");
  if (type === "switch") return /^(true|yes)$/i.test(text.trim());
  if (type === "number" || type === "whole") return Number(text);
  return text;
}

/**
 * Return the errors of the rows that their schema does not find.
 * @param {Row[]} rows
 * @returns {FieldError[]}
 */
export function findRowErrors(rows) {
  return rows.flatMap((row, index) => {
    const at = (/** @type {string} */ name) => joinPointer(joinPointer("/inputs", index), name);
    const error = (/** @type {string} */ name, /** @type {string} */ message) => [
      { pointer: at(name), code: "input", message },
    ];
    const isTaken = rows.some((other, place) => place < index && other.name === row.name);
    return [
      ...(row.name && isTaken ? error("name", "Another input has this name.") : []),
      ...(row.type === "choice" && !row.choices?.length
        ? error("choices", "Give the choices.")
        : []),
      ...(isDefaultWrong(row) ? error("default", "This is not a value of the input's type.") : []),
    ];
  });
}

/** @param {Row} row */
function isDefaultWrong({ type, default: text, choices = [] }) {
  if (text === undefined) return false;
  if (type === "number") return !Number.isFinite(Number(text));
  if (type === "whole") return !Number.isInteger(Number(text));
  if (type === "switch") return !/^(true|false|yes|no)$/i.test(text.trim());
  if (type === "choice") return !choices.includes(text);
  return type === "date" && !/^\d{4}-\d\d-\d\d$/.test(text);
}

/**
 * Return the old and the new name of the only input that was renamed; undefined for any other
 * change.
 * @param {Row[]} old
 * @param {Row[]} rows
 * @returns {[string, string] | undefined}
 */
export function renamedIn(old, rows) {
  if (old.length !== rows.length) return undefined;
  const changed = rows.flatMap(({ name }, index) => {
    const before = old[index]?.name;
    return before === name ? [] : [{ before, name }];
  });
  const [first] = changed;
  const isNew = !old.some(({ name }) => name === first?.name);
  if (changed.length !== 1 || !first?.before || !first.name || !isNew) return undefined;
  return [first.before, first.name];
}

/** Return the rows in a form's value. @param {JsonObject} value @returns {Row[]} */
export function rowsIn({ inputs }) {
  return Array.isArray(inputs) ? /** @type {Row[]} */ (inputs.filter(isObject)) : [];
}
