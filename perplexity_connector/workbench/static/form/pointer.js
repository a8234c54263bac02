/** JSON Pointers (RFC 6901), and plain JSON reached by them. Nothing here changes what it is given. */

/** @typedef {null|boolean|number|string|Json[]|{[name: string]: Json}} Json */

/** @param {string} pointer @returns {string[]} */
export function tokens(pointer) {
  return pointer.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** @param {string} pointer @param {string|number} name @returns {string} the pointer of a child */
export function child(pointer, name) {
  return `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** @param {string} pointer @returns {string} the pointer of the parent; of the root, the root */
export function parent(pointer) {
  return pointer.slice(0, Math.max(0, pointer.lastIndexOf("/")));
}

/** @param {string} pointer @param {string} other @returns {boolean} whether the first is the other, or inside it */
export function isWithin(pointer, other) {
  return pointer === other || pointer.startsWith(`${other}/`);
}

/** @param {unknown} value @returns {boolean} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {Json|undefined} document @param {string} pointer @returns {Json|undefined} */
export function get(document, pointer) {
  return tokens(pointer).reduce((node, token) => {
    if (!isObject(node) && !Array.isArray(node)) return undefined;
    return Object.hasOwn(node, token) ? node[token] : undefined;
  }, document);
}

/**
 * A copy with the value at that place; undefined takes the place away. What is missing on the way is made.
 * @param {Json|undefined} document @param {string} pointer @param {Json|undefined} value @returns {Json}
 */
export function set(document, pointer, value) {
  return placed(document, tokens(pointer), value);
}

function placed(node, [token, ...rest], value) {
  if (token === undefined) return value;
  if (Array.isArray(node) || (node === undefined && /^\d+$/.test(token))) return inList(node ?? [], Number(token), rest, value);
  // As entries, since __proto__ is a name as any other.
  const copy = new Map(Object.entries(isObject(node) ? node : {}));
  const inner = placed(copy.get(token), rest, value);
  if (inner === undefined) copy.delete(token);
  else copy.set(token, inner);
  return Object.fromEntries(copy);
}

function inList(list, index, rest, value) {
  const copy = [...list];
  const inner = placed(copy[index], rest, value);
  if (inner === undefined) copy.splice(index, 1);
  else copy[index] = inner;
  return copy;
}

/** @param {Json|undefined} one @param {Json|undefined} other @returns {boolean} whether they are the same JSON, in the same order */
export function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Entries by pointer after an item of a list moved to another place, or went: `to` is its new index, or -1.
 * @template T
 * @param {Record<string, T>} entries @param {string} list @param {number} from @param {number} to @returns {Record<string, T>}
 */
export function moved(entries, list, from, to) {
  const result = {};
  for (const [pointer, entry] of Object.entries(entries)) {
    const place = isWithin(pointer, list) && pointer !== list ? shifted(pointer, list, from, to) : pointer;
    if (place !== null) result[place] = entry;
  }
  return result;
}

function shifted(pointer, list, from, to) {
  const [index, ...rest] = pointer.slice(list.length + 1).split("/");
  const at = newIndex(Number(index), from, to);
  return at === null ? null : [list, at, ...rest].join("/");
}

function newIndex(index, from, to) {
  if (index === from) return to < 0 ? null : to;
  const without = index > from ? index - 1 : index;
  return to >= 0 && without >= to ? without + 1 : without;
}
