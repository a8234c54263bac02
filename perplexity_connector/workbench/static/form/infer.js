/** Infers a JSON Schema from examples of its values. */

/** @import { Json, JsonObject, Schema, TypeName } from "../types.js" */

import { hasFormat } from "./formats.js";
import { isObject } from "./pointer.js";
import { typeOf } from "./shape.js";

/**
 * The formats that a text may be an example of. Some are narrower than their check, which any text
 * with a colon or an @ may pass.
 * @type {Record<string, (text: string) => boolean>}
 */
const FORMATS = {
  date: (text) => hasFormat(text, "date"),
  "date-time": (text) => /^.{10}T/i.test(text) && hasFormat(text, "date-time"),
  email: (text) => /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/.test(text),
  uri: (text) => /^https?:\/\/\S+$/.test(text) && URL.canParse(text),
  uuid: (text) => hasFormat(text, "uuid"),
};

/**
 * Return a schema that all examples of a value follow. A name is required where every object has
 * it. The items of all lists are examples of one item.
 * @param {Json[]} examples
 * @returns {Schema}
 */
export function inferSchema(examples) {
  return {
    ...inferType(examples),
    ...inferFormat(examples.filter((example) => typeof example === "string")),
    ...inferProperties(examples.filter(isObject)),
    ...inferItems(examples.filter((example) => Array.isArray(example))),
  };
}

/** Null alone says nothing of a value. @param {Json[]} examples @returns {Schema} */
function inferType(examples) {
  const found = new Set(examples.map(typeOf));
  if (found.has("number")) found.delete("integer");
  const isNullable = found.delete("null");
  const [type, ...others] = /** @type {TypeName[]} */ ([...found]);
  if (type === undefined) return {};
  if (isNullable) return { type: [type, ...others, "null"] };
  return { type: others.length > 0 ? [type, ...others] : type };
}

/** @param {string[]} texts @returns {Schema} */
function inferFormat(texts) {
  if (texts.length === 0) return {};
  const [format] = Object.entries(FORMATS).find(([, fits]) => texts.every(fits)) ?? [];
  return format === undefined ? {} : { format };
}

/** @param {JsonObject[]} objects @returns {Schema} */
function inferProperties(objects) {
  if (objects.length === 0) return {};
  const names = [...new Set(objects.flatMap(Object.keys))];
  const has = (/** @type {string} */ name) => (/** @type {JsonObject} */ object) =>
    Object.hasOwn(object, name);
  const properties = names.map((name) => {
    const examples = objects.filter(has(name)).map((object) => object[name] ?? null);
    return [name, inferSchema(examples)];
  });
  const required = names.filter((name) => objects.every(has(name)));
  return {
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
  };
}

/** @param {Json[][]} lists @returns {Schema} */
function inferItems(lists) {
  const items = lists.flat();
  return items.length > 0 ? { items: inferSchema(items) } : {};
}
