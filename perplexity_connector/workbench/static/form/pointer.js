/** JSON Pointers (RFC 6901), and JSON values reached by them. No function changes its arguments. */

/** @import { Json, JsonObject } from "../types.js" */

/** Split a pointer into the names on its way. @param {string} pointer */
export function splitPointer(pointer) {
  const tokens = pointer.split("/").slice(1);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Return the pointer of a child. @param {string} pointer @param {string | number} name */
export function joinPointer(pointer, name) {
  return `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** Return the pointer of the parent. The parent of the root is the root. @param {string} pointer */
export function parentOf(pointer) {
  return pointer.slice(0, Math.max(0, pointer.lastIndexOf("/")));
}

/**
 * Return whether a pointer is the other one or inside it.
 * @param {string} pointer
 * @param {string} other
 */
export function isWithin(pointer, other) {
  return pointer === other || pointer.startsWith(`${other}/`);
}

/** @param {unknown} value @returns {value is JsonObject} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Return the value at a pointer, or undefined.
 * @param {Json | undefined} document
 * @param {string} pointer
 * @returns {Json | undefined}
 */
export function get(document, pointer) {
  let node = document;
  for (const token of splitPointer(pointer)) node = getChild(node, token);
  return node;
}

/** @param {Json | undefined} node @param {string} token @returns {Json | undefined} */
function getChild(node, token) {
  if (typeof node !== "object" || node === null || !Object.hasOwn(node, token)) return undefined;
  return Array.isArray(node) ? node[Number(token)] : node[token];
}

/**
 * Return a copy with this value at a pointer. undefined removes the value there. Missing objects
 * and lists on the way are added.
 * @param {Json | undefined} document
 * @param {string} pointer
 * @param {Json | undefined} value
 * @returns {Json | undefined}
 */
export function set(document, pointer, value) {
  return setAt(document, splitPointer(pointer), value);
}

/**
 * @param {Json | undefined} node
 * @param {string[]} path
 * @param {Json | undefined} value
 * @returns {Json | undefined}
 */
function setAt(node, [token, ...rest], value) {
  if (token === undefined) return value;
  if (Array.isArray(node)) return setInList(node, Number(token), rest, value);
  if (node === undefined && /^\d+$/.test(token)) return setInList([], Number(token), rest, value);
  // A Map, because __proto__ is a name like any other.
  const copy = new Map(Object.entries(isObject(node) ? node : {}));
  const inner = setAt(copy.get(token), rest, value);
  if (inner === undefined) copy.delete(token);
  else copy.set(token, inner);
  return Object.fromEntries(copy);
}

/**
 * @param {Json[]} list
 * @param {number} index
 * @param {string[]} rest
 * @param {Json | undefined} value
 */
function setInList(list, index, rest, value) {
  const copy = [...list];
  // Items before it that only bindings fill are blank.
  while (copy.length < index) copy.push(typeof value === "string" && rest.length === 0 ? "" : null);
  const inner = setAt(copy[index], rest, value);
  if (inner === undefined) copy.splice(index, 1);
  else copy[index] = inner;
  return copy;
}

/**
 * Return whether two values are the same JSON, in the same order.
 * @param {unknown} one
 * @param {unknown} other
 */
export function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Return entries by pointer with another one; undefined removes the one there. An entry counts for
 * all of its place, so that those inside it go.
 * @template T
 * @param {Record<string, T>} entries
 * @param {string} pointer
 * @param {T | undefined} entry
 * @returns {Record<string, T>}
 */
export function putEntry(entries, pointer, entry) {
  const others = Object.entries(entries).filter(
    ([place]) => !(entry ? isWithin(place, pointer) : place === pointer),
  );
  return Object.fromEntries(entry ? [...others, [pointer, entry]] : others);
}

/**
 * Return a document and entries by pointer after an item of a list was moved. `to` is its new
 * index; -1 means that the item was removed, together with the entries inside it.
 * @template T
 * @param {Json | undefined} document
 * @param {Record<string, T>} entries
 * @param {string} list
 * @param {number} from
 * @param {number} to
 * @returns {[Json | undefined, Record<string, T>]}
 */
export function moveItem(document, entries, list, from, to) {
  const value = get(document, list);
  const items = Array.isArray(value) ? [...value] : [];
  const moved = items.splice(from, 1);
  if (to >= 0) items.splice(to, 0, ...moved);
  return [set(document, list, items), moveEntries(entries, list, from, to)];
}

/**
 * @template T
 * @param {Record<string, T>} entries
 * @param {string} list
 * @param {number} from
 * @param {number} to
 * @returns {Record<string, T>}
 */
function moveEntries(entries, list, from, to) {
  /** @type {Record<string, T>} */
  const result = {};
  for (const [pointer, entry] of Object.entries(entries)) {
    const isInside = pointer !== list && isWithin(pointer, list);
    const place = isInside ? movePointer(pointer, list, from, to) : pointer;
    if (place !== null) result[place] = entry;
  }
  return result;
}

/** @param {string} pointer @param {string} list @param {number} from @param {number} to */
function movePointer(pointer, list, from, to) {
  const [index, ...rest] = pointer.slice(list.length + 1).split("/");
  const newIndex = moveIndex(Number(index), from, to);
  return newIndex === null ? null : [list, newIndex, ...rest].join("/");
}

/** @param {number} index @param {number} from @param {number} to */
function moveIndex(index, from, to) {
  if (index === from) return to < 0 ? null : to;
  const without = index > from ? index - 1 : index;
  return to >= 0 && without >= to ? without + 1 : without;
}
