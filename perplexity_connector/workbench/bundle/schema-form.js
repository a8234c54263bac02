/* <schema-form> of perplexity-connector (Apache-2.0), made from its sources by `npm run bundle`: docs/schema-form.md. */

// text.js
var REORDERING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb]/gu;
function clean(text) {
  return text.replace(REORDERING, "");
}
function writeJson(value, indent) {
  return String(JSON.stringify(value, null, indent)).replace(
    REORDERING,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`
  );
}
function writeValue(value) {
  return typeof value === "string" ? value : writeJson(value);
}
function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
var USER_INFO = new RegExp(
  String.raw`^((?:[^:/\\?#]*:){0,9}?[\0- ]*(?:https?|ftp|wss?):[/\\]*` + String.raw`|(?:[^/\\?#]*:)?[\0- ]*//)[^/\\?#]*@`,
  "iu"
);

// dom.js
var PROPERTIES = /* @__PURE__ */ new Set([
  "value",
  "checked",
  "textContent",
  "open",
  "disabled",
  "hidden",
  "htmlFor",
  "tabIndex",
  "selected"
]);
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...flatten(children));
  return element;
}
function setAttribute(element, name, value) {
  if (value === void 0 || value === null || value === false) return;
  if (typeof value === "function") {
    element.addEventListener(name.slice(2), (event) => value(event));
  } else if (PROPERTIES.has(name)) {
    Reflect.set(element, name, value);
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}
function flatten(children) {
  return children.flatMap((child) => {
    if (Array.isArray(child)) return flatten(child);
    if (child === void 0 || child === null || child === false || child === "") return [];
    return [child instanceof Node ? child : clean(String(child))];
  });
}
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}
function fill(element, ...children) {
  const nodes = flatten(children).map(
    (child) => typeof child === "string" ? new Text(child) : child
  );
  const kept = new Set(nodes);
  for (const old of [...element.childNodes]) if (!kept.has(old)) old.remove();
  let next = element.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else element.insertBefore(node, next);
  }
}
var SVG = "http://www.w3.org/2000/svg";
var PATHS = {
  add: "M12 5v14M5 12h14",
  arrowDown: "M12 5v14M6 13l6 6 6-6",
  arrowUp: "M12 19V5M6 11l6-6 6 6",
  chevron: "M9 6l6 6-6 6",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  drag: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  key: "M15 4a5 5 0 1 0 0 10 5 5 0 0 0 0-10M11.5 12.5 4 20v0M7 17l3 3",
  history: "M5 12a7 7 0 1 1 2 5M5 12l-2-2M5 12l2-2M12 8v4l3 2",
  link: "M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  open: "M4 19V6h6l2 2h8v3M4 19l3-8h15l-3 8z",
  play: "M7 5l12 7-12 7z",
  redo: "M20 9H9a5 5 0 0 0 0 10h4M20 9l-4-4M20 9l-4 4",
  repeat: "M4 12V9a3 3 0 0 1 3-3h12M16 3l3 3-3 3M20 12v3a3 3 0 0 1-3 3H5M8 21l-3-3 3-3",
  save: "M12 4v11M7 11l5 5 5-5M4 20h16",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12M15.5 15.5 20 20",
  spark: "M12 3l2 7 7 2-7 2-2 7-2-7-7-2 7-2z",
  stop: "M7 7h10v10H7z",
  table: "M4 6h16v12H4zM4 11h16M10 6v12",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  undo: "M4 9h11a5 5 0 0 1 0 10h-4M4 9l4-4M4 9l4 4"
};
function drawIcon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
function drawIconButton(name, label, onclick, more = {}) {
  const attributes = { "aria-label": label, title: label, onclick, ...more };
  return h("button", { type: "button", class: "icon-button", ...attributes }, drawIcon(name));
}
function openDialog(title, children, className = "dialog") {
  const leave = () => {
    if (dialog.dispatchEvent(new Event("leave", { cancelable: true }))) dialog.close();
  };
  const close = drawIconButton("close", "Close", leave);
  const head = h("header", { class: "dialog-head" }, h("h2", {}, title), close);
  const dialog = h("dialog", { class: className, "aria-label": title }, head, children);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || isComposing(event)) return;
    event.preventDefault();
    leave();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
function ask(title, draw, className) {
  return new Promise((resolve) => {
    let given = null;
    const opener = document.activeElement;
    const answer = (value) => {
      given = value;
      dialog.close();
    };
    const dialog = openDialog(title, draw(answer), className);
    dialog.addEventListener("close", () => {
      if (opener instanceof HTMLElement) opener.focus();
      resolve(given);
    });
  });
}

// form/pointer.js
function splitPointer(pointer) {
  const tokens = pointer.split("/").slice(1);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}
function joinPointer(pointer, name) {
  return `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
function parentOf(pointer) {
  return pointer.slice(0, Math.max(0, pointer.lastIndexOf("/")));
}
function isWithin(pointer, other) {
  return pointer === other || pointer.startsWith(`${other}/`);
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function get(document2, pointer) {
  let node = document2;
  for (const token of splitPointer(pointer)) node = getChild(node, token);
  return node;
}
function getChild(node, token) {
  if (typeof node !== "object" || node === null || !Object.hasOwn(node, token)) return void 0;
  return Array.isArray(node) ? node[Number(token)] : node[token];
}
function set(document2, pointer, value) {
  return setAt(document2, splitPointer(pointer), value);
}
function setAt(node, [token, ...rest], value) {
  if (token === void 0) return value;
  if (Array.isArray(node)) return setInList(node, Number(token), rest, value);
  if (node === void 0 && /^\d+$/.test(token)) return setInList([], Number(token), rest, value);
  const copy = new Map(Object.entries(isObject(node) ? node : {}));
  const inner = setAt(copy.get(token), rest, value);
  if (inner === void 0) copy.delete(token);
  else copy.set(token, inner);
  return Object.fromEntries(copy);
}
function setInList(list, index, rest, value) {
  const copy = [...list];
  while (copy.length < index) copy.push(typeof value === "string" && rest.length === 0 ? "" : null);
  const inner = setAt(copy[index], rest, value);
  if (inner === void 0) copy.splice(index, 1);
  else copy[index] = inner;
  return copy;
}
function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
function putEntry(entries, pointer, entry) {
  const others = Object.entries(entries).filter(
    ([place]) => !(entry ? isWithin(place, pointer) : place === pointer)
  );
  return Object.fromEntries(entry ? [...others, [pointer, entry]] : others);
}
function moveItem(document2, entries, list, from, to) {
  const value = get(document2, list);
  const items = Array.isArray(value) ? [...value] : [];
  const moved = items.splice(from, 1);
  if (to >= 0) items.splice(to, 0, ...moved);
  return [set(document2, list, items), moveEntries(entries, list, from, to)];
}
function moveEntries(entries, list, from, to) {
  const result = {};
  for (const [pointer, entry] of Object.entries(entries)) {
    const isInside = pointer !== list && isWithin(pointer, list);
    const place = isInside ? movePointer(pointer, list, from, to) : pointer;
    if (place !== null) result[place] = entry;
  }
  return result;
}
function movePointer(pointer, list, from, to) {
  const [index, ...rest] = pointer.slice(list.length + 1).split("/");
  const newIndex = moveIndex(Number(index), from, to);
  return newIndex === null ? null : [list, newIndex, ...rest].join("/");
}
function moveIndex(index, from, to) {
  if (index === from) return to < 0 ? null : to;
  const without = index > from ? index - 1 : index;
  return to >= 0 && without >= to ? without + 1 : without;
}

// form/shape.js
var KIND_BY_FORMAT = /* @__PURE__ */ new Map([
  ["date", "date"],
  ["password", "secret"]
]);
var KIND_BY_TYPE = { boolean: "switch", integer: "number", number: "number" };
function typesOf(schema) {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches && !schema.type) {
    const types = branches.filter((branch) => branch.type !== "null").map(typesOf);
    return types.some((each) => each.length === 0) ? [] : [...new Set(types.flat())];
  }
  const names = [schema.type ?? schema.enum?.map((choice) => typeOf(choice)) ?? []].flat();
  return (
    /** @type {TypeName[]} */
    [...new Set(names)].filter((name) => name !== "null")
  );
}
function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
function kindOf(schema) {
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
function kindOfUnion({ anyOf = [], ...own }) {
  if (isTextOrTexts(anyOf)) return "union";
  return own.type ? kindOf(own) : "json";
}
function isTextOrTexts(branches) {
  const kinds = branches.map(kindOf).map((kind) => kind === "text" ? "line" : kind);
  return isSame(kinds.toSorted(), ["line", "lines"]);
}
function isWhole(value) {
  return typeof value === "object" && value !== null;
}
function kindOfText(schema) {
  return KIND_BY_FORMAT.get(schema.format ?? "") ?? (isLong(schema) ? "text" : "line");
}
function kindOfList({ items, prefixItems }) {
  if (!items || prefixItems || items.nullable || items.anyOf) return "json";
  if (items.type === "string") return items.enum ? "choices" : "lines";
  return items.properties && items.type === "object" ? "list" : "json";
}
function isLong({ format, maxLength, pattern, examples }) {
  return format === void 0 && maxLength === void 0 && pattern === void 0 && !examples;
}
function hasSecret(schema) {
  return [...findAll(schema)].some(({ format }) => format === "password");
}
function findAll(root) {
  const found = /* @__PURE__ */ new Set([root]);
  for (const each of found) {
    const { properties = {}, prefixItems = [], anyOf = [], items, additionalProperties } = each;
    const inner = [...Object.values(properties), ...prefixItems, ...anyOf, items];
    if (isObject(additionalProperties)) inner.push(additionalProperties);
    for (const schema of inner) if (schema) found.add(schema);
  }
  return found;
}
function splitProperties(schema) {
  const { properties = {}, required = [] } = schema;
  const isBasic = (name) => required.includes(name) || properties[name]?.default !== void 0 && !properties[name]?.deprecated;
  const names = Object.keys(properties);
  return {
    basic: names.filter(isBasic),
    advanced: names.filter((name) => !isBasic(name))
  };
}
function isBlank(value) {
  if (typeof value === "string") return value.trim() === "";
  if (value === null || value === void 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
function dropBlanks(schema, value) {
  const kept = dropInside(schema, value);
  return isBlank(kept) ? void 0 : kept;
}
function dropInside(schema, value) {
  if (schema.anyOf) {
    return kindOf(schema) === "union" ? dropInside(branchOf(schema, value), value) : value;
  }
  const { items, properties } = schema;
  if (Array.isArray(value) && items) return value.map((item) => dropInside(items, item) ?? item);
  if (!isObject(value) || !properties) return value;
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    const kept = dropBlanks(properties[name] ?? {}, inner);
    return kept === void 0 ? [] : [
      /** @type {const} */
      [name, kept]
    ];
  });
  return { ...neededNulls(schema), ...Object.fromEntries(entries) };
}
function neededNulls({ properties = {}, required = [] }) {
  const names = required.filter((name) => properties[name]?.nullable);
  return Object.fromEntries(names.map((name) => [name, null]));
}
function isBound(bindings, pointer) {
  return Object.keys(bindings).some((place) => isWithin(place, pointer));
}
function branchOf(schema, value) {
  const branches = schema.anyOf ?? [];
  return branches.find((branch) => branch.type === typeOf(value)) ?? branches[0] ?? {};
}
var EXAMPLE_BY_TYPE = { string: "text", integer: 1, number: 1, boolean: true, array: [] };
function makeExample(schema, levels = 4) {
  const known = schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (known !== void 0) return known;
  const first = schema.properties ? void 0 : schema.anyOf?.[0];
  return first ? makeExample(first, levels) : makeByType(schema, levels);
}
function makeByType(schema, levels) {
  const { properties = {}, required = [], items } = schema;
  if (items && levels > 0) return [makeExample(items, levels - 1)];
  const [type = "object"] = typesOf(schema);
  if (type !== "object") return EXAMPLE_BY_TYPE[type] ?? {};
  const names = levels > 0 ? required : [];
  const make = (name) => makeExample(properties[name] ?? {}, levels - 1);
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}
function makeNextItem(schema, items, example) {
  const item = {};
  for (const [name, property] of Object.entries(schema.items?.properties ?? {})) {
    if (!property.enum) continue;
    const last = get(items.at(-1), joinPointer("", name));
    const first = get(example, joinPointer("/0", name)) ?? property.enum[0];
    const next = last === void 0 ? first : chooseNext(property.enum, last);
    const choice = property.default ?? next;
    if (choice !== void 0) item[name] = choice;
  }
  return item;
}
function chooseNext(choices, last) {
  return (last === choices[0] ? choices.at(-1) : choices[0]) ?? null;
}

// form/agreement.js
var TYPE_WORDS = {
  array: "a list",
  boolean: "yes or no",
  integer: "a whole number",
  number: "a number",
  object: "an object",
  string: "text"
};
var SHORT = ["boolean", "integer", "number", "string"];
function branchesOf(schema) {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}
function withSample(schema, sample) {
  if (sample === void 0 || sample === null || typesOf(schema).length > 0) return schema;
  return { ...schema, type: (
    /** @type {TypeName} */
    typeOf(sample)
  ) };
}
function reasonAgainst(field, value) {
  if (branchesOf(field).some((branch) => canFill(branch, value))) return "";
  if (hasOtherChoices(field, value)) return "None of its values is a choice of this field.";
  const needs = joinWords(field);
  return `This is ${joinWords(value)}. The field takes ${needs}.`;
}
function canFill(field, value) {
  const given = typesOf(value);
  if (given.length === 0 || typesOf(field).length === 0) return true;
  return given.some((type) => takes(field, type, value));
}
function takes(field, type, value) {
  const types = typesOf(field);
  if (isFreeText(field)) return kindOf(field) === "text" || SHORT.includes(type);
  const isNumber = type === "integer" || type === "number";
  const isTaken = types.includes(type) || isNumber && types.some((each) => /integer|number/.test(each));
  if (!isTaken) return false;
  if (hasOtherChoices(field, value)) return false;
  const isList3 = type === "array" && field.items !== void 0;
  return !isList3 || branchesOf(value).some(({ items = {} }) => canFillItem(field.items ?? {}, items));
}
function canFillItem(field, value) {
  const given = typesOf(value);
  const types = typesOf(field);
  if (given.length === 0 || types.length === 0) return true;
  return isFreeText(field) ? given.includes("string") : canFill(field, value);
}
function hasOtherChoices(field, value) {
  if (!field.enum || !value.enum) return false;
  return !value.enum.some((choice) => field.enum?.includes(choice));
}
function isFreeText(field) {
  return ["line", "text"].includes(kindOf(field));
}
function keepsType(field, value) {
  const given = typesOf(value);
  const types = branchesOf(field).flatMap(typesOf);
  return given.length === 0 || types.length === 0 || given.some((type) => types.includes(type));
}
function joinWords(schema) {
  const words = branchesOf(schema).flatMap((branch) => {
    if (branch.enum) return ["one of its choices"];
    if (branch.format === "date") return ["a date"];
    return typesOf(branch).map((type) => writeType(type, branch));
  });
  return [...new Set(words)].join(" or ");
}
function writeType(type, { items }) {
  const [inner] = items ? typesOf(items) : [];
  if (type !== "array" || !inner) return TYPE_WORDS[type] ?? type;
  return `a list of ${LIST_WORDS[inner] ?? inner}`;
}
var LIST_WORDS = {
  array: "lists",
  boolean: "yes or no",
  integer: "whole numbers",
  number: "numbers",
  object: "objects",
  string: "texts"
};
function schemaAt(schema, pointer) {
  let node = schema;
  for (const token of splitPointer(pointer)) {
    if (!node) return void 0;
    node = childOf(node, token);
  }
  return node;
}
function childOf(schema, token) {
  const branches = branchesOf(schema);
  const owner = branches.find(({ properties }) => properties && Object.hasOwn(properties, token));
  if (owner) return owner.properties?.[token];
  const list = branches.find(({ items }) => isObject(items));
  return /^(\d+|\*)$/.test(token) ? list?.items : void 0;
}

// form/formats.js
var TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[-+]([01]\d|2[0-3]):[0-5]\d)$/i;
var UUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/i;
var KNOWN = {
  date: { fits: isDate, message: "Must be an existing date, written YYYY-MM-DD." },
  time: {
    fits: (text) => TIME.test(text),
    message: "Must be a time with its zone, written HH:MM:SSZ or HH:MM:SS+01:00.",
    example: "09:30:00Z"
  },
  "date-time": {
    fits: (text) => /^.{10}[T ]/i.test(text) && isDate(text.slice(0, 10)) && TIME.test(text.slice(11)),
    message: "Must be a date and a time with its zone, written YYYY-MM-DDTHH:MM:SSZ.",
    example: "2026-11-27T09:30:00Z"
  },
  email: {
    fits: (text) => /^[^\s@]+@[^\s@]+$/.test(text),
    message: "Must be an email address, such as name@example.com.",
    example: "name@example.com"
  },
  uri: {
    fits: (text) => /^[a-z][a-z\d+.-]*:[^\s<>"{}|\\^`]+$/i.test(text),
    message: "Must be a whole address, which begins with https: or the like."
  },
  uuid: {
    fits: (text) => UUID.test(text),
    message: "Must be a UUID: 8-4-4-4-12 hex digits.",
    example: "123e4567-e89b-12d3-a456-426614174000"
  }
};
var FORMATS = new Map(Object.entries(KNOWN));
function hasFormat(text, format) {
  return FORMATS.get(format)?.fits(text) ?? true;
}
function describeFormat(format) {
  return FORMATS.get(format)?.message ?? "";
}
function exampleOfFormat(format) {
  return FORMATS.get(format)?.example;
}
function isDate(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith("0000")) return false;
  const date = /* @__PURE__ */ new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(text);
}

// form/check.js
var IS_TYPE = {
  array: Array.isArray,
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
  null: (value) => value === null,
  number: Number.isFinite,
  object: isObject,
  string: (value) => typeof value === "string"
};
var TYPE_WORDS2 = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  null: "empty",
  number: "a number",
  object: "an object",
  string: "text"
};
function matches(text, pattern) {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}
function domainIn(text) {
  const address = /^(-?)https?:\/\/(?:[^/?#@]*@)?(?:www\.)?([a-z\d-]+(?:\.[a-z\d-]+)+)/i;
  const [, sign = "", domain = ""] = address.exec(text.trim()) ?? [];
  return sign + domain.toLowerCase();
}
var TWO_LETTERS = "^[A-Za-z]{2}$";
var USE_A_CODE = "Use a two-letter code, such as DE.";
var TEXT_RULES = {
  minLength: {
    isKept: (text, least) => [...text].length >= least,
    message: (least, _, { maxLength }) => describeLength(least, maxLength, "least")
  },
  maxLength: {
    isKept: (text, most) => [...text].length <= most,
    message: (most, _, { minLength, pattern }) => pattern === TWO_LETTERS ? USE_A_CODE : describeLength(most, minLength, "most")
  },
  pattern: {
    isKept: matches,
    message: (pattern, text) => {
      if (pattern === TWO_LETTERS) return USE_A_CODE;
      const domain = domainIn(text);
      return domain !== "" && matches(domain, pattern) ? `Write only the domain: ${domain}` : `Must match the pattern ${pattern}.`;
    }
  },
  format: {
    isKept: hasFormat,
    message: describeFormat
  }
};
var NUMBER_RULES = {
  minimum: {
    isKept: (value, limit) => value >= limit,
    message: (limit) => `Must be at least ${limit}.`
  },
  maximum: {
    isKept: (value, limit) => value <= limit,
    message: (limit) => `Must be at most ${limit}.`
  },
  exclusiveMinimum: {
    isKept: (value, limit) => value > limit,
    message: (limit) => `Must be more than ${limit}.`
  },
  exclusiveMaximum: {
    isKept: (value, limit) => value < limit,
    message: (limit) => `Must be less than ${limit}.`
  },
  multipleOf: {
    isKept: (value, step) => Number.isInteger(value / step),
    message: (step) => `Must be a multiple of ${step}.`
  }
};
var LIST_RULES = {
  minItems: {
    isKept: (items, least) => items.length >= least,
    message: (least) => describeLeast(least, "items")
  },
  maxItems: {
    isKept: (items, most) => items.length <= most,
    message: (most) => `Must have at most ${most} items.`
  },
  uniqueItems: {
    isKept: (items, isUnique) => !isUnique || countDistinct(items) === items.length,
    message: () => "Must not contain the same item twice."
  }
};
function describeLength(limit, other, bound) {
  if (limit === other) {
    return `Must have exactly ${limit} ${limit === 1 ? "character" : "characters"}.`;
  }
  if (bound === "least") return describeLeast(limit, "characters");
  return `Must have at most ${limit} characters.`;
}
function describeLeast(least, unit) {
  return least === 1 ? "Must not be empty." : `Must have at least ${least} ${unit}.`;
}
function describeChoices(choices, labels = {}) {
  const words = choices.map(
    (choice) => labels[String(choice)] ?? (typeof choice === "string" ? choice : JSON.stringify(choice))
  );
  return `Must be one of: ${words.join(", ")}.`;
}
function countDistinct(items) {
  return new Set(items.map((item) => JSON.stringify(item))).size;
}
function findErrors(schema, value, bindings = {}, pointer = "") {
  if (Object.hasOwn(bindings, pointer)) return [];
  if (value === null && schema.nullable) return [];
  const errors = findUnionErrors(schema, value, bindings, pointer);
  if (errors.length > 0) return errors;
  const types = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some((type) => IS_TYPE[type](value))) {
    const words = types.map((type) => TYPE_WORDS2[type]).join(" or ");
    return [{ pointer, code: "type", message: `Must be ${words}.` }];
  }
  if (schema.enum && !schema.enum.some((choice) => isSame(choice, value))) {
    return [{ pointer, code: "enum", message: describeChoices(schema.enum) }];
  }
  return [
    ...findBrokenRules(schema, value, pointer),
    ...findErrorsInside(schema, value, bindings, pointer)
  ];
}
function findUnionErrors(schema, value, bindings, pointer) {
  if (!schema.anyOf) return [];
  const check = (branch) => findErrors(branch, value, bindings, pointer);
  if (kindOf(schema) === "union") return check(branchOf(schema, value));
  const branches = schema.anyOf;
  if (branches.some((branch) => check(branch).length === 0)) return [];
  const meant = branches.filter((branch) => typesOf(branch).some((type) => type === typeOf(value)));
  if (meant.length === 1) return meant.flatMap(check);
  return [{ pointer, code: "anyOf", message: "This fits none of the forms that are allowed." }];
}
function findBrokenRules(schema, value, pointer) {
  if (typeof value === "string") return breakRules(TEXT_RULES, schema, value, pointer);
  if (typeof value === "number") return breakRules(NUMBER_RULES, schema, value, pointer);
  return Array.isArray(value) ? breakRules(LIST_RULES, schema, value, pointer) : [];
}
function breakRules(rules, schema, value, pointer) {
  const limits = new Map(Object.entries(schema));
  return Object.entries(rules).flatMap(([keyword, rule]) => {
    const limit = limits.get(keyword);
    if (limit === void 0 || rule.isKept(value, limit)) return [];
    return [{ pointer, code: keyword, message: rule.message(limit, value, schema) }];
  });
}
function findErrorsInside(schema, value, bindings, pointer) {
  if (Array.isArray(value)) {
    return value.flatMap(
      (item, index) => findErrors(itemSchema(schema, index), item, bindings, joinPointer(pointer, index))
    );
  }
  if (!isObject(value)) return [];
  return [
    ...findMissing(schema, value, bindings, pointer),
    ...findPropertyErrors(schema, value, bindings, pointer)
  ];
}
function itemSchema({ prefixItems = [], items = {} }, index) {
  return prefixItems[index] ?? items;
}
function findMissing(schema, object, bindings, pointer) {
  return (schema.required ?? []).flatMap((name) => {
    const place = joinPointer(pointer, name);
    if (Object.hasOwn(object, name) || isBound(bindings, place)) return [];
    return [{ pointer: place, code: "required", message: "This field is required." }];
  });
}
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

// form/error-state.js
var QUIET = /* @__PURE__ */ new Set(["required", "minItems", "minLength"]);
var ErrorState = class {
  /**
   * The errors that the page has set; null: the form checks by itself.
   * @type {FieldError[] | null}
   */
  given = null;
  /** The hints that the page has set. The form finds none by itself. @type {Hint[]} */
  hints = [];
  /** Whether quiet errors are shown everywhere. */
  showAll = false;
  /** The pointers of the fields that the user has left. @type {Set<string>} */
  #touched = /* @__PURE__ */ new Set();
  /** Errors of text that is not a value, by pointer. @type {Map<string, FieldError>} */
  #problems = /* @__PURE__ */ new Map();
  get hasProblems() {
    return this.#problems.size > 0;
  }
  /**
   * Set the error of text that is not a value, such as half-written JSON. "" removes it.
   * @param {string} pointer
   * @param {string} message
   */
  setProblem(pointer, message) {
    if (message) this.#problems.set(pointer, { pointer, code: "json", message });
    else this.#problems.delete(pointer);
  }
  clearProblems() {
    this.#problems.clear();
  }
  /**
   * Return all errors.
   * @param {() => FieldError[]} check the form's own check
   */
  list(check) {
    return [...this.#problems.values(), ...this.given ?? check()];
  }
  /**
   * Remember that the user has left a field. Return whether it is the first time.
   * @param {string} pointer
   */
  touch(pointer) {
    const isFirst = !this.#touched.has(pointer);
    this.#touched.add(pointer);
    return isFirst;
  }
  /** Forget that the user has left a field. @param {string} pointer */
  untouch(pointer) {
    this.#touched.delete(pointer);
  }
  /**
   * Return whether an error is shown at a place.
   * @param {FieldError} error
   * @param {string} place
   */
  isShown({ code }, place) {
    return this.showAll || !QUIET.has(code) || this.#touched.has(place);
  }
};

// form/taking.js
function placeOf(reference) {
  if ("input" in reference) return { kind: "input", step: "", pointer: reference.input };
  if ("item" in reference) return { kind: "item", step: "", pointer: reference.item };
  return { kind: "step", step: reference.step, pointer: reference.pointer };
}
function makeReference({ kind, step }, pointer, taking = {}) {
  if (kind === "input") return { input: pointer, ...taking };
  return kind === "item" ? { item: pointer, ...taking } : { step, pointer, ...taking };
}
function takeValue(reference, document2) {
  const { pluck, join, default: standard } = reference;
  const value = get(document2, placeOf(reference).pointer);
  if (value === void 0) return standard;
  if (pluck === void 0 && join === void 0) return value;
  if (!Array.isArray(value)) return void 0;
  const taken = value.flatMap((item) => {
    const inner = get(item, pluck ?? "");
    return inner === void 0 || inner === null ? [] : [inner];
  });
  return join === void 0 ? taken : taken.map(toText).join(join);
}
function toText(value) {
  if (value === null || value === void 0) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
function writeReference(reference) {
  const { kind, step, pointer } = placeOf(reference);
  const root = { input: "Inputs", item: "Item", step }[kind];
  const names = writePointer(root, pointer);
  if (reference.pluck === void 0) return names;
  const inner = splitPointer(reference.pluck);
  const last = inner.pop();
  const every = last === void 0 ? "every item" : `${last} of every item`;
  return [names, ...inner, every].join(" › ");
}
function writePointer(root, pointer) {
  const names = [root];
  for (const token of splitPointer(pointer)) {
    if (isIndex(token) && names.length > 1) names.push(`${names.pop()}[${token}]`);
    else names.push(token);
  }
  return names.join(" › ");
}
function isIndex(token) {
  return /^\d+$/.test(token);
}

// form/errors.js
function writeError({ pointer, code, message }, { node }, form) {
  const { schema, pattern } = node;
  const choices = schema.enum ?? schema.items?.enum;
  if (code === "enum" && choices) {
    const labels = form.labelsFor(schema.enum ? pattern : `${pattern}/*`);
    return describeChoices(choices, labels);
  }
  const inside = splitPointer(pointer.slice(node.pointer.length));
  if (inside.length === 0) return message;
  const isLine = kindOf(schema) === "lines";
  return isLine ? `Line ${Number(inside[0]) + 1}: ${message}` : `${writePlace(inside, schema, form.get(node.pointer))}: ${message}`;
}
function writePlace(names, schema, value) {
  const words = names.map((name, depth) => {
    const around = names.slice(0, depth).reduce(joinPointer, "");
    if (!Array.isArray(get(value, around))) return name;
    const title = schemaAt(schema, around)?.items?.title ?? "Item";
    return `${title} ${Number(name) + 1}`;
  });
  return words.join(" › ");
}
function showNotes(form, field, errors = [], hints = []) {
  const { wrapper, control, node } = field;
  const id = form.idOf(node.pointer);
  const isWrong = errors.length > 0;
  const described = [
    showNote(
      wrapper,
      `${id}-error`,
      errors.map((error) => writeError(error, field, form))
    ),
    showNote(
      wrapper,
      `${id}-hint`,
      hints.map(({ message }) => message)
    ),
    wrapper.querySelector(`#${CSS.escape(id)}-help`)?.id ?? ""
  ].filter(Boolean);
  if (described.length > 0) control.setAttribute("aria-describedby", described.join(" "));
  else control.removeAttribute("aria-describedby");
  if (!control.matches("fieldset, [role=group]"))
    control.setAttribute("aria-invalid", String(isWrong));
  wrapper.classList.toggle("sf-wrong", isWrong);
}
function showNote(wrapper, id, messages) {
  const place = wrapper.querySelector(`#${CSS.escape(id)}`);
  if (!(place instanceof HTMLElement)) return "";
  place.textContent = [...new Set(messages)].join("\n");
  place.hidden = messages.length === 0;
  return place.hidden ? "" : id;
}
function drawTopNotes(errors = [], hints = []) {
  return [
    errors.map((error) => h("p", {}, writePlaced(error))),
    hints.map((hint) => h("p", { class: "sf-top-hint" }, writePlaced(hint)))
  ];
}
function writePlaced({ pointer, message }) {
  return pointer ? `${pointer}: ${message}` : message;
}
function drawStrayBindings(bindings, controlOf, remove) {
  return Object.entries(bindings).filter(([pointer]) => !controlOf(pointer)?.matches(".sf-tokens, .sf-taken")).map(([pointer, parts]) => drawStrayBinding(pointer, parts, () => remove(pointer)));
}
function drawStrayBinding(pointer, parts, remove) {
  const texts = parts.map((part) => typeof part === "string" ? part : writeReference(part));
  return h(
    "p",
    { class: "sf-stray" },
    h("code", {}, pointer),
    ` takes ${texts.join(" ")} `,
    h("button", { type: "button", class: "button", onclick: remove }, "Remove")
  );
}
function showFoldNote(fold, value, bindings) {
  if (!fold) return;
  const fields = [...fold.querySelectorAll(":scope > .fold-body > [data-pointer]")];
  const set2 = fields.filter((field) => {
    const pointer = field.getAttribute("data-pointer") ?? "";
    return get(value, pointer) !== void 0 || bindings[pointer];
  });
  const wrong = fold.querySelectorAll(".sf-wrong");
  const facts = [];
  if (set2.length > 0) facts.push(`${set2.length} set`);
  if (wrong.length > 0) facts.push(`${wrong.length} to fix`);
  const hints = fold.querySelectorAll(".sf-hint:not([hidden])").length;
  if (hints > 0) facts.push(hints === 1 ? "1 hint" : `${hints} hints`);
  const note = fold.querySelector(".fold-note");
  if (note) note.textContent = facts.join(", ");
  fold.classList.toggle("fold-wrong", wrong.length > 0);
}

// form/field-map.js
function pointerAround(element) {
  return element?.closest("[data-pointer]")?.getAttribute("data-pointer") ?? void 0;
}
function pointerLeft({ target, relatedTarget }) {
  const [left, next] = [target, relatedTarget].map(
    (each) => each instanceof Element ? pointerAround(each) : void 0
  );
  return left === next ? void 0 : left;
}
var FieldMap = class {
  /** @type {Map<string, Field>} */
  #fields = /* @__PURE__ */ new Map();
  /**
   * The unions. Each registers the field of one branch, but is drawn again as a whole.
   * @type {Map<string, FormNode>}
   */
  #unions = /* @__PURE__ */ new Map();
  /** @param {Field} field */
  register(field) {
    this.#fields.set(field.node.pointer, field);
  }
  /** Announce a union before the field of its branch is registered. @param {FormNode} node */
  registerUnion(node) {
    this.#unions.set(node.pointer, node);
  }
  /** @param {string} pointer */
  get(pointer) {
    return this.#fields.get(pointer);
  }
  /** Return the node to draw at a place: the union when there is one. @param {Field} field */
  nodeOf({ node }) {
    return this.#unions.get(node.pointer) ?? node;
  }
  /** Return the pointer of the nearest field around a place, or "". @param {string} pointer */
  nearest(pointer) {
    let place = pointer;
    while (place !== "" && !this.#fields.has(place)) place = parentOf(place);
    return place;
  }
  /** Return all fields with their pointers. */
  entries() {
    return [...this.#fields];
  }
  /** Remove the fields at a place and inside it. @param {string} pointer */
  remove(pointer) {
    for (const place of this.#fields.keys()) {
      if (isWithin(place, pointer)) this.#fields.delete(place);
    }
  }
  clear() {
    this.#fields.clear();
    this.#unions.clear();
  }
};
function openFolds(element, root) {
  let fold = element.closest("details");
  while (fold && root.contains(fold)) {
    fold.open = true;
    fold = fold.parentElement?.closest("details") ?? null;
  }
}

// form/room.js
var GAP = 4;
var HIGHEST = 320;
var NARROWEST = 240;
function placeBeside(list, field) {
  const { left, top, bottom, width } = field.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const { start, end } = shownHeight(clientHeight);
  const above = top - start - 2 * GAP;
  const below = end - bottom - 2 * GAP;
  const wanted = Math.min(HIGHEST, list.scrollHeight + 2);
  const isBelow = below >= Math.min(wanted, above);
  const shownWidth = Math.min(Math.max(width, NARROWEST), clientWidth - 2 * GAP);
  const shownLeft = Math.max(GAP, Math.min(left, clientWidth - GAP - shownWidth));
  Object.assign(list.style, {
    left: `${shownLeft}px`,
    width: `${shownWidth}px`,
    maxHeight: `${Math.min(HIGHEST, isBelow ? below : above)}px`,
    top: isBelow ? `${bottom + GAP}px` : "auto",
    bottom: isBelow ? "auto" : `${clientHeight - top + GAP}px`
  });
}
function shownHeight(height) {
  const seen = window.visualViewport;
  if (!seen) return { start: 0, end: height };
  return { start: seen.offsetTop, end: Math.min(height, seen.offsetTop + seen.height) };
}

// form/frame.js
var CONTROLS = "input, select, textarea, [role=textbox], .sf-taken";
function drawFrame(form, node, control, ...tools) {
  const id = form.idOf(node.pointer);
  const target = findControl(control);
  target.id = id;
  if (node.schema.readOnly) lock(target);
  const isTextBox = target.matches("[role=textbox], [role=group]");
  const title = { class: "sf-label", id: `${id}-label`, for: id };
  const label = h(isTextBox ? "span" : "label", title, node.title, drawMark(node));
  if (isTextBox) target.setAttribute("aria-labelledby", `${id}-label`);
  const isWritable = target.matches(CONTROLS) && !target.matches("[role=group]");
  if (node.required && isWritable) target.setAttribute("aria-required", "true");
  const wrapper = h(
    "div",
    { class: "sf-field", "data-pointer": node.pointer },
    h("div", { class: "sf-head" }, label, tools),
    control,
    drawNotes(node, id)
  );
  form.register(node, wrapper, target);
  return wrapper;
}
function lock(control) {
  const isText = control.matches("textarea, input:not([type=checkbox])");
  control.toggleAttribute(isText ? "readonly" : "disabled", true);
}
function findControl(control) {
  if (control.matches(CONTROLS)) return control;
  return control.querySelector("[data-sf-control]") ?? control;
}
function drawMark({ required, schema: { deprecated, readOnly } }) {
  const attributes = { class: "sf-required", title: "Required", "aria-hidden": "true" };
  return [
    required && h("span", attributes, " *"),
    deprecated && [" ", h("span", { class: "sf-mark" }, "deprecated")],
    readOnly && [" ", h("span", { class: "sf-mark" }, "read only")]
  ];
}
function drawNotes({ schema }, id) {
  return [
    schema.description && h("p", { class: "sf-help", id: `${id}-help` }, schema.description),
    h("p", { class: "sf-error", id: `${id}-error`, hidden: true }),
    h("p", { class: "sf-hint", id: `${id}-hint`, hidden: true })
  ];
}
function addHelp(wrapper, id, sentence) {
  const help = wrapper.querySelector(":scope > .sf-help");
  if (help) help.append(` ${sentence}`);
  else {
    const added = h("p", { class: "sf-help", id: `${id}-help` }, sentence);
    wrapper.querySelector(":scope > .sf-error")?.before(added);
  }
}
function drawFieldset(form, node, children) {
  const id = form.idOf(node.pointer);
  const disabled = node.schema.readOnly;
  const wrapper = h(
    "fieldset",
    { class: "sf-field sf-group", "data-pointer": node.pointer, id, tabindex: "-1", disabled },
    h("legend", { class: "sf-label" }, node.title, drawMark(node)),
    drawNotes(node, id),
    children
  );
  form.register(node, wrapper, wrapper);
  return wrapper;
}
function drawFold(title, children, attributes = {}) {
  const note = h("span", { class: "fold-note" });
  return h(
    "details",
    { class: "fold", ...attributes },
    h("summary", {}, drawIcon("chevron"), h("span", {}, title), note),
    h("div", { class: "fold-body" }, children)
  );
}

// tree.js
var SAMPLE_LENGTH = 60;
var BETWEEN = "\n";
function drawSource(picker, isOpen) {
  const { step, title, schema, result } = picker.source;
  const sample = result ?? void 0;
  const name = isStep(picker.source) ? step : "";
  return drawBranch({ schema, sample, pointer: "", name, title }, isOpen, picker);
}
function isStep({ kind = "step" }) {
  return kind === "step";
}
function drawBranch(node, isOpen, picker) {
  const drawInside = insideOf(node);
  if (!drawInside) return h("li", {}, drawPick(node, picker));
  const items = h("ul", { class: "tree" });
  const draw = () => {
    if (items.childElementCount === 0) fill(items, drawInside(picker));
  };
  const isRoot = isRootOf(node);
  const title = isRoot ? "All of it" : `All of ${node.title}`;
  const whole = h("div", { class: "tree-whole" }, drawPick({ ...node, name: "", title }, picker));
  const summary = [
    drawIcon("chevron"),
    h("span", {}, node.title),
    node.name && h("code", {}, node.name),
    h("span", { class: "tree-kind" }, describeKind(node))
  ];
  const body = isRoot ? [items, whole] : [whole, items];
  const attributes = { class: "tree-fold", ontoggle: draw };
  const fold = h("details", attributes, h("summary", {}, summary), body);
  if (isOpen) {
    draw();
    fold.open = true;
  }
  return h("li", {}, fold);
}
function isRootOf({ pointer, pluck }) {
  return pointer === "" && pluck === void 0;
}
function describeKind(node) {
  const { sample } = node;
  if (Array.isArray(sample)) return sample.length === 1 ? "1 item" : `${sample.length} items`;
  return isList(node) ? "list" : "";
}
function drawPick(node, picker) {
  const { pointer, pluck, name } = node;
  const { source, target, answer } = picker;
  const { reference, schema, sample } = takeFrom(node, picker);
  const reason = reasonAgainst(target.schema, schema);
  const place = pluck === void 0 ? pointer : `${pointer}*${pluck}`;
  const attributes = {
    type: "button",
    class: "tree-pick",
    "data-pick": place,
    "data-from": isStep(source) ? source.step : source.kind,
    "aria-disabled": reason !== "" && "true",
    // With many values, the keyboard must reach those that fit.
    tabindex: reason !== "" && "-1",
    onclick: () => reason === "" && answer(reference, schema)
  };
  return h(
    "button",
    attributes,
    h("span", { class: "tree-title" }, writeTitle(node)),
    name && h("code", {}, name),
    reason ? h("span", { class: "tree-reason" }, reason) : drawSample(sample)
  );
}
function writeTitle({ pluck, title }) {
  if (pluck === void 0) return title;
  return pluck === "" ? "Every item, one a line" : `${title} of every item`;
}
function takeFrom({ schema, sample, pointer, pluck }, { source, target }) {
  const known = withSample(schema, sample);
  if (pluck === void 0) {
    return { reference: makeReference(source, pointer), schema: known, sample };
  }
  const list = { type: "array", items: known };
  const isText = target.isInText || !keepsType(target.schema, list);
  const taking = isText && hasText(target.schema) ? { pluck, join: BETWEEN } : { pluck };
  return {
    reference: makeReference(source, pointer, taking),
    schema: (
      /** @type {Schema} */
      "join" in taking ? { type: "string" } : list
    ),
    sample
  };
}
function hasText(schema) {
  return (schema.anyOf ?? [schema]).some(isFreeText);
}
function drawSample(value) {
  if (value === void 0) return null;
  return h("span", { class: "tree-sample" }, shorten(writeValue(value), SAMPLE_LENGTH));
}
function isList({ schema, sample, pluck }) {
  return pluck === void 0 && (Array.isArray(sample) || typesOf(schema).includes("array"));
}
function insideOf(node) {
  if (isList(node)) return (picker) => drawList(node, picker);
  const names = namesIn(node);
  if (names.length === 0) return null;
  return (picker) => names.map((name, index) => {
    const isFirst = index === 0 || !isStep(picker.source);
    return drawBranch(propertyOf(node, name), isFirst && isRootOf(node), picker);
  });
}
function namesIn({ schema, sample }) {
  const names = Object.keys(objectSchemaOf(schema).properties ?? {});
  const sampled = isObject(sample) ? Object.keys(sample) : [];
  return [.../* @__PURE__ */ new Set([...names, ...sampled])];
}
function objectSchemaOf(schema) {
  return branchOf2(schema, "properties") ?? schema;
}
function branchOf2(schema, keyword) {
  return [schema, ...schema.anyOf ?? schema.oneOf ?? []].find((option) => option[keyword]);
}
function propertyOf(node, name) {
  const schema = objectSchemaOf(node.schema).properties?.[name] ?? {};
  const inside = node.pluck === void 0 ? "pointer" : "pluck";
  return {
    schema,
    sample: isObject(node.sample) ? node.sample[name] : void 0,
    pointer: node.pointer,
    pluck: node.pluck,
    [inside]: joinPointer(node[inside] ?? "", name),
    name,
    title: schema.title ?? name
  };
}
function drawList(node, picker) {
  const place = h("li");
  const draw = (index) => {
    fill(place, ...drawBranch(itemOf(node, index), true, picker).childNodes);
  };
  draw(0);
  const which = h("li", {}, drawIndexField(node.title, "0", draw));
  return [drawEvery(node, picker), which, place].filter((each) => each !== null);
}
function itemOf({ schema, sample, pointer }, index) {
  return {
    schema: branchOf2(schema, "items")?.items ?? {},
    sample: Array.isArray(sample) ? sample[index] : void 0,
    pointer: joinPointer(pointer, index),
    name: `[${index}]`,
    title: `Item ${index + 1}`
  };
}
function drawEvery(node, picker) {
  if (picker.target.isWhole) return null;
  const { schema, sample } = itemOf(node, 0);
  const item = { schema, sample, pointer: node.pointer, pluck: "", name: "", title: "All" };
  const names = namesIn(item);
  if (names.length === 0) {
    return hasText(picker.target.schema) ? h("li", {}, drawPick(item, picker)) : null;
  }
  const title = [drawIcon("chevron"), h("span", {}, "One field of every item")];
  const branches = names.map((name) => drawBranch(propertyOf(item, name), false, picker));
  const attributes = { class: "tree-fold", "data-every": node.pointer, open: true };
  const rows = h("ul", { class: "tree" }, branches);
  return h("li", {}, h("details", attributes, h("summary", {}, title), rows));
}
function drawIndexField(list, value, renumber) {
  const input = h("input", {
    type: "number",
    min: "0",
    step: "1",
    class: "sf-input",
    value,
    oninput: (event) => {
      const index = Math.trunc(Number(event.currentTarget.value) || 0);
      renumber(Math.max(0, index));
    }
  });
  const label = h("span", {}, `Which of ${list} (0 is the first)`);
  return h("label", { class: "tree-index" }, label, input);
}

// mapping.js
var DIALOG = "dialog sf-dialog";
var BETWEEN2 = [
  ["\n", "A new line"],
  ["\n\n", "An empty line"],
  [", ", "A comma"],
  [" ", "A space"],
  ["", "Nothing"]
];
function pickReference(sources, target) {
  const draw = (answer) => {
    const help = "Pick a value for the field. A grey value does not fit. After a run, each is shown as it was in that run.";
    const take = (reference, schema) => answer({ reference, schema });
    const roots = sources.map((source, index) => {
      const isOpen = !isStep(source) || index === sources.length - 1;
      return drawSource({ source, target, answer: take }, isOpen);
    });
    return [h("p", { class: "muted" }, help), h("ul", { class: "tree" }, roots)];
  };
  return ask(`Use a value in ${target.title}`, draw, DIALOG);
}
function editReference(sources, reference) {
  const draw = (answer) => {
    let changed = reference;
    const preview = h("p", { class: "tree-sample", "aria-live": "polite" });
    const show = (next) => {
      changed = next;
      const sample = drawSample(findValue(sources, changed));
      fill(preview, h("code", {}, writeReference(changed)), " ", sample);
    };
    show(reference);
    return [
      preview,
      drawIndexes(reference, (pointer) => show(atPointer(changed, pointer))),
      reference.join !== void 0 && drawBetween(reference.join, (join) => show({ ...changed, join })),
      drawDefault(reference, (standard) => show(withDefault(changed, standard))),
      drawEditButtons(answer, () => changed)
    ];
  };
  return ask("Change this value", draw, DIALOG);
}
function atPointer(reference, pointer) {
  const { pluck, join, default: standard } = reference;
  const taking = Object.entries({ pluck, join, default: standard });
  const given = taking.filter(([, value]) => value !== void 0);
  return makeReference(placeOf(reference), pointer, Object.fromEntries(given));
}
function withDefault(reference, standard) {
  const { default: _, ...others } = reference;
  return standard === void 0 ? others : { ...others, default: standard };
}
function drawIndexes(reference, change) {
  const names = splitPointer(placeOf(reference).pointer);
  return names.map((name, position) => {
    if (!isIndex(name)) return null;
    return drawIndexField(names[position - 1] ?? "", name, (index) => {
      names[position] = String(index);
      change(names.reduce(joinPointer, ""));
    });
  });
}
function drawBetween(join, change) {
  const isKnown = BETWEEN2.some(([text]) => text === join);
  const other = isKnown ? [] : [[join, JSON.stringify(join)]];
  const options = [...BETWEEN2, ...other].map(
    ([text, label]) => h("option", { value: text, selected: text === join }, label)
  );
  const select = h("select", { class: "sf-input" }, options);
  select.addEventListener("change", () => change(select.value));
  return h("label", { class: "tree-index" }, h("span", {}, "Between the items"), select);
}
function drawDefault({ default: standard }, change) {
  const text = h("input", {
    type: "text",
    class: "sf-input",
    dir: "auto",
    autocomplete: "off",
    "aria-label": "The value to use",
    value: standard === void 0 ? "" : writeDefault(standard),
    hidden: standard === void 0,
    oninput: () => {
      update();
    }
  });
  const box = h("input", {
    type: "checkbox",
    checked: standard !== void 0,
    onchange: () => {
      text.hidden = !box.checked;
      update();
    }
  });
  const update = () => change(box.checked ? readDefault(text.value) : void 0);
  const label = "Use another value where this one is missing";
  return h("div", { class: "tree-default" }, h("label", { class: "sf-choice" }, box, label), text);
}
function writeDefault(standard) {
  const isText = typeof standard === "string" && readDefault(standard) === standard;
  return isText ? standard : JSON.stringify(standard);
}
function readDefault(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
function drawEditButtons(answer, changed) {
  const remove = { class: "button button-danger", onclick: () => answer("remove") };
  const keep = { class: "button button-primary", onclick: () => answer(changed()) };
  return h(
    "div",
    { class: "dialog-buttons" },
    h("button", { type: "button", ...remove }, "Remove"),
    h("button", { type: "button", ...keep }, "Keep")
  );
}
function findValue(sources, reference) {
  const { kind, step } = placeOf(reference);
  const source = sources.find((each) => (each.kind ?? "step") === kind && each.step === step);
  return takeValue(reference, source?.result ?? void 0);
}

// form/tokens.js
function drawMappable(form, node, drawPlain) {
  const parts = form.binding(node.pointer);
  const control = parts ? drawEditor(form, node, parts) : drawPlain();
  const insert = parts ? insertToken : replaceByTokens;
  const label = `Use a value in ${node.title}`;
  const attributes = { class: "sf-map", title: label, "aria-label": label };
  const onclick = () => insert(form, node, control);
  const button = form.references.length > 0 && h("button", { type: "button", ...attributes, onclick }, drawIcon("link"), "Use a value");
  return drawFrame(form, node, control, button);
}
async function replaceByTokens(form, node, control) {
  const { text, caret } = readPlain(control);
  const picked = await pick(form, node, text !== "");
  if (!picked) return;
  const parts = [text.slice(0, caret), picked.reference, text.slice(caret)];
  const filled = parts.filter((part) => part !== "");
  form.put(node.pointer, node.blank, filled.length > 1 ? filled : writeAlone(node, picked));
  redraw(form, node);
}
function pick(form, node, isInText) {
  const schema = isInText ? node.schema : node.whole ?? node.schema;
  return pickReference(form.references, { title: node.title, schema, isInText });
}
function writeAlone({ schema, whole = schema }, picked) {
  return keepsType(whole, picked.schema) ? [picked.reference] : [picked.reference, ""];
}
function readPlain(control) {
  const isField = control.matches("input, textarea");
  const input = isField ? control : control.querySelector("[data-sf-control]");
  if (!(input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement)) {
    return { text: "", caret: 0 };
  }
  return { text: input.value, caret: input.selectionStart ?? input.value.length };
}
async function insertToken(form, node, editor) {
  const range = caretIn(editor);
  const picked = await pick(form, node, editor.textContent !== "");
  if (!picked) return;
  range.deleteContents();
  range.insertNode(drawEditorToken(form, node, editor, picked.reference));
  editor.dataset.isText = String(!keepsType(node.whole ?? node.schema, picked.schema));
  readEditor(form, node, editor);
  form.focusField(node.pointer);
}
function caretIn(editor) {
  const selection = document.getSelection();
  if (selection && selection.rangeCount > 0 && editor.contains(selection.anchorNode)) {
    return selection.getRangeAt(0).cloneRange();
  }
  const end = document.createRange();
  end.selectNodeContents(editor);
  end.collapse(false);
  return end;
}
function drawEditor(form, node, parts) {
  const editor = h("div", {
    class: "sf-input sf-tokens",
    role: "textbox",
    "aria-multiline": "true",
    contenteditable: "plaintext-only",
    spellcheck: "false",
    dir: "auto",
    tabindex: "0",
    oninput: () => {
      readEditor(form, node, editor);
    }
  });
  const drawPart = (part) => typeof part === "string" ? part : drawEditorToken(form, node, editor, part);
  editor.append(...parts.map(drawPart));
  editor.dataset.isText = String(parts.includes(""));
  return editor;
}
function drawEditorToken(form, node, editor, reference) {
  const remove = () => {
    token.remove();
    readEditor(form, node, editor);
    form.focusField(node.pointer);
  };
  const change = (changed) => {
    token.replaceWith(drawEditorToken(form, node, editor, changed));
    readEditor(form, node, editor);
  };
  const edit = () => editToken(reference, form.references, { remove, change });
  const token = drawToken(reference, { remove, edit });
  return token;
}
async function editToken(reference, sources, { remove, change }) {
  const answer = await editReference(sources, reference);
  if (answer === "remove") remove();
  else if (answer) change(answer);
}
function drawToken(reference, { remove, edit }) {
  const name = writeReference(reference);
  const attributes = { class: "sf-token-name", title: "Change this value", onclick: edit };
  return h(
    "span",
    {
      class: "sf-token",
      contenteditable: "false",
      "data-reference": JSON.stringify(reference)
    },
    h("button", { type: "button", ...attributes }, drawIcon("link"), name),
    drawIconButton("close", `Remove ${name}`, remove, { class: "sf-token-remove" })
  );
}
function readEditor(form, node, editor) {
  const parts = readParts(editor);
  if (parts.some((part) => typeof part !== "string")) {
    const isText = parts.length === 1 && editor.dataset.isText === "true";
    form.put(node.pointer, node.blank, isText ? [...parts, ""] : parts);
    return;
  }
  form.put(node.pointer, parts.join("") || node.blank, void 0);
  redraw(form, node);
}
function redraw(form, node) {
  const { list } = node;
  const isLines = list !== void 0 && !isBound(form.bindings, list);
  form.draw(isLines ? list : node.pointer);
  form.focusField(node.pointer);
}
function readParts(editor) {
  const parts = [];
  for (const child of editor.childNodes) {
    const part = readPart(child);
    const last2 = parts.at(-1);
    if (typeof part === "string" && typeof last2 === "string") parts.splice(-1, 1, last2 + part);
    else parts.push(part);
  }
  const last = parts.at(-1);
  if (typeof last === "string" && last.endsWith("\n")) parts.splice(-1, 1, last.slice(0, -1));
  return parts.filter((part) => part !== "");
}
function readPart(child) {
  if (child.nodeName === "BR") return "\n";
  const { reference } = child instanceof HTMLElement ? child.dataset : {};
  return reference === void 0 ? child.textContent ?? "" : JSON.parse(reference);
}

// form/scalars.js
var NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
function hintOf({ schema }) {
  const example = schema.examples?.[0];
  if (example !== void 0) return `e.g. ${example}`;
  const { default: standard } = schema;
  if (standard === void 0 || typeof standard === "object") return void 0;
  return `Default: ${standard}`;
}
function textSetter(form, node) {
  return (event) => form.set(node.pointer, event.currentTarget.value || node.blank);
}
function textOf(form, node) {
  const value = form.get(node.pointer);
  if (value === void 0) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
function drawText(form, node) {
  const value = textOf(form, node);
  const oninput = textSetter(form, node);
  const isLong2 = kindOf(node.schema) === "text";
  return drawMappable(
    form,
    node,
    () => isLong2 ? drawTextArea({ rows: 2, value, oninput, placeholder: hintOf(node) }) : drawLine(node, { value, oninput })
  );
}
function drawLine(node, attributes) {
  return h("input", {
    type: "text",
    class: "sf-input",
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
    placeholder: hintOf(node),
    ...attributes
  });
}
function drawTextArea(attributes) {
  const area = h("textarea", { class: "sf-input sf-growing", dir: "auto", ...attributes });
  if (!CSS.supports("field-sizing", "content")) {
    area.addEventListener("input", () => {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight + 2}px`;
    });
  }
  return area;
}
function drawNumber(form, node) {
  const { minimum, maximum, type } = node.schema;
  const input = drawLine(node, {
    class: "sf-input sf-number",
    role: "spinbutton",
    dir: "ltr",
    inputmode: type === "integer" ? "numeric" : "decimal",
    "aria-valuemin": minimum,
    "aria-valuemax": maximum,
    value: textOf(form, node),
    oninput: () => update(),
    onkeydown: (event) => {
      if (stepByKey(event, node.schema)) update();
    }
  });
  const update = () => {
    const value = readNumber(input.value);
    form.set(node.pointer, value);
    showNumber(input, value);
  };
  showNumber(input, form.get(node.pointer));
  return drawFrame(form, node, input);
}
function showNumber(input, value) {
  if (typeof value === "number") input.setAttribute("aria-valuenow", String(value));
  else input.removeAttribute("aria-valuenow");
}
function readNumber(text) {
  const trimmed = text.trim();
  if (trimmed === "") return void 0;
  const number = Number(trimmed);
  return NUMBER.test(trimmed) && Number.isFinite(number) ? number : trimmed;
}
function stepByKey(event, { minimum = -Infinity, maximum = Infinity, type }) {
  const direction = directionOf(event.key);
  if (direction === 0 || event.altKey) return false;
  event.preventDefault();
  const isFine = type !== "integer" && maximum - minimum <= 10;
  const start = Number(event.currentTarget.value) || 0;
  const next = start - direction * (isFine ? 0.1 : 1);
  const bounded = Math.min(maximum, Math.max(minimum, next));
  event.currentTarget.value = String(Number(bounded.toFixed(6)));
  return true;
}
function directionOf(key) {
  if (key === "ArrowUp") return -1;
  return key === "ArrowDown" ? 1 : 0;
}
function drawChoice(form, node) {
  const labels = form.labelsFor(node.pattern);
  const value = form.get(node.pointer);
  const choices = [...node.schema.enum ?? []];
  if (value !== void 0 && !choices.includes(value)) choices.push(value);
  const options = choices.map(
    (each) => h("option", { value: each, selected: each === value }, labels[String(each)] ?? String(each))
  );
  if (!node.required || value === void 0) {
    const title = node.required ? "Choose…" : "Not set";
    options.unshift(h("option", { value: "", selected: value === void 0 }, title));
  }
  const select = h("select", { class: "sf-input" }, options);
  select.addEventListener("change", () => {
    form.set(
      node.pointer,
      choices.find((each) => String(each) === select.value)
    );
  });
  return drawFrame(form, node, select);
}
function drawSwitch(form, node) {
  const standard = node.schema.default;
  if (standard === void 0 && !node.required) return drawThreeWays(form, node);
  const input = h("input", {
    type: "checkbox",
    role: "switch",
    class: "sf-switch",
    checked: form.get(node.pointer) ?? standard ?? false,
    onchange: ({ currentTarget: { checked } }) => form.set(node.pointer, checked === standard ? void 0 : checked)
  });
  const wrapper = drawFrame(form, node, input);
  wrapper.classList.add("sf-field-switch");
  return wrapper;
}
function drawThreeWays(form, node) {
  const words = { "": "Not set", true: "Yes", false: "No" };
  const value = String(form.get(node.pointer) ?? "");
  const options = Object.entries(words).map(
    ([key, word]) => h("option", { value: key, selected: key === value }, word)
  );
  const select = h("select", { class: "sf-input" }, options);
  select.addEventListener("change", () => {
    form.set(node.pointer, select.value === "" ? void 0 : select.value === "true");
  });
  return drawFrame(form, node, select);
}
function drawDate(form, node) {
  const input = h("input", {
    type: "date",
    class: "sf-input sf-date",
    max: "9999-12-31",
    value: textOf(form, node),
    oninput: textSetter(form, node)
  });
  return drawFrame(form, node, input);
}
function drawSecret(form, node) {
  const input = h("input", {
    type: "password",
    class: "sf-input",
    autocomplete: "new-password",
    spellcheck: "false",
    oninput: textSetter(form, node)
  });
  return drawFrame(form, node, input);
}

// form/combobox.js
var WAIT_MS = 150;
var NONE = "No suggestions. Write the value.";
var NONE_FITS = "No suggestion. The text is used as it is.";
function drawCombobox(form, node, suggest) {
  const pick3 = (value) => form.set(node.pointer, value || void 0);
  const listId = `${form.idOf(node.pointer)}-options`;
  const list = h("ul", {
    class: "sf-options",
    role: "listbox",
    id: listId,
    "aria-label": `Suggestions for ${node.title}`,
    // In the browser's top layer, where nothing around it cuts it off.
    popover: "manual",
    // The focus stays in the text, also when the list scrolls.
    tabindex: "-1",
    onmousedown: (event) => event.preventDefault()
  });
  const input = h("input", {
    type: "text",
    class: "sf-input",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
    placeholder: hintOf(node),
    value: form.get(node.pointer) ?? "",
    "data-sf-control": true
  });
  const combobox = new Combobox(input, list, suggest, pick3);
  combobox.listen();
  const arrow = h(
    "button",
    {
      type: "button",
      class: "sf-combobox-arrow",
      tabindex: "-1",
      "aria-label": `All suggestions for ${node.title}`,
      onmousedown: (event) => event.preventDefault(),
      onclick: () => combobox.toggle()
    },
    drawIcon("chevron")
  );
  return h("div", { class: "sf-combobox" }, input, arrow, list);
}
var Combobox = class {
  /** The suggestions that are shown. @type {Suggestion[]} */
  #found = [];
  /** The index of the marked suggestion; -1: none. */
  #marked = -1;
  /** The timer of the next search, which waits until the user pauses. */
  #timer = 0;
  /** The number of the newest search: answers to older ones are dropped. */
  #search = 0;
  /** Ends what follows the text field while the list is open. */
  #following = new AbortController();
  #input;
  #list;
  #suggest;
  #pick;
  /**
   * @param {HTMLInputElement} input
   * @param {HTMLUListElement} list
   * @param {Suggest} suggest
   * @param {(value: string) => void} pick
   */
  constructor(input, list, suggest, pick3) {
    this.#input = input;
    this.#list = list;
    this.#suggest = suggest;
    this.#pick = pick3;
  }
  listen() {
    const input = this.#input;
    input.addEventListener("input", () => {
      this.#pick(input.value);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#open(input.value), WAIT_MS);
    });
    input.addEventListener("click", () => this.#open(""));
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#onKey(event));
  }
  /** Show all suggestions, or hide the list. */
  toggle() {
    const wasOpen = this.#isOpen;
    this.#input.focus();
    if (wasOpen) this.#close();
    else this.#open("");
  }
  get #isOpen() {
    return this.#list.matches(":popover-open");
  }
  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (isComposing(event)) return;
    const isOpen = this.#isOpen;
    const marked = this.#found[this.#marked];
    const direction = directionOf(event.key);
    if (direction !== 0 && !event.ctrlKey) {
      if (event.altKey && event.key === "ArrowUp") return;
      event.preventDefault();
      if (isOpen) this.#mark(this.#marked + direction);
      else this.#open("");
    } else if (event.key === "Enter" && isOpen && marked) {
      event.preventDefault();
      this.#take(marked);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.#close();
    }
  }
  /** Show the suggestions for a text; all of them for "". @param {string} text */
  async #open(text) {
    this.#search += 1;
    const search = this.#search;
    const found = await this.#suggest(text).catch(() => []);
    const isOutdated = search !== this.#search || document.activeElement !== this.#input;
    if (isOutdated) return;
    this.#found = found;
    const options = found.map((option, index) => this.#drawOption(option, index));
    const isWhole2 = text === "";
    fill(this.#list, options.length > 0 ? options : drawNone(isWhole2 ? NONE : NONE_FITS));
    this.#show(true);
    if (isWhole2) this.#mark(found.findIndex(({ value }) => value === this.#input.value));
  }
  /** @param {Suggestion} option @param {number} index */
  #drawOption(option, index) {
    const { value, label, description } = option;
    return h(
      "li",
      {
        role: "option",
        id: `${this.#list.id}-${index}`,
        class: "sf-option",
        "aria-selected": "false",
        "aria-current": value === this.#input.value && "true",
        onmousedown: () => this.#take(option)
      },
      h("span", { class: "sf-option-value" }, value),
      label !== value && h("span", { class: "sf-option-label" }, label),
      description && h("span", { class: "sf-option-about" }, description)
    );
  }
  /**
   * Mark a suggestion. After the last one follows the first; -1 marks none.
   * @param {number} index
   */
  #mark(index) {
    const count = this.#found.length;
    this.#marked = count === 0 || index === -1 ? -1 : (index + count) % count;
    const options = [...this.#list.children];
    options.forEach((item, at) => {
      item.setAttribute("aria-selected", String(at === this.#marked));
    });
    const marked = options[this.#marked];
    if (marked) {
      this.#input.setAttribute("aria-activedescendant", marked.id);
      marked.scrollIntoView({ block: "nearest" });
    } else {
      this.#input.removeAttribute("aria-activedescendant");
    }
  }
  /** @param {Suggestion} option */
  #take({ value }) {
    this.#input.value = value;
    this.#pick(value);
    this.#close();
  }
  #close() {
    clearTimeout(this.#timer);
    this.#search += 1;
    this.#show(false);
  }
  /** Show or hide the list, with nothing marked. @param {boolean} isOpen */
  #show(isOpen) {
    this.#following.abort();
    if (isOpen !== this.#isOpen) this.#list.togglePopover(isOpen);
    if (isOpen) this.#follow();
    this.#input.setAttribute("aria-expanded", String(isOpen));
    this.#mark(-1);
  }
  /** Keep the list beside the text field, and close it when the field leaves the screen. */
  #follow() {
    this.#following = new AbortController();
    const { signal } = this.#following;
    const place = ({ target }) => {
      if (target !== this.#list) placeBeside(this.#list, this.#input);
    };
    placeBeside(this.#list, this.#input);
    this.#list.scrollTop = 0;
    document.addEventListener("scroll", place, { capture: true, passive: true, signal });
    window.addEventListener("resize", place, { signal });
    window.visualViewport?.addEventListener("resize", place, { signal });
    const watch = new IntersectionObserver((seen) => {
      if (!seen.at(-1)?.isIntersecting) this.#close();
    });
    watch.observe(this.#input);
    signal.addEventListener("abort", () => watch.disconnect());
  }
};
function drawNone(sentence) {
  return h("li", { role: "option", class: "sf-option-none", "aria-disabled": "true" }, sentence);
}

// form/infer.js
var FORMATS2 = {
  date: (text) => hasFormat(text, "date"),
  "date-time": (text) => /^.{10}T/i.test(text) && hasFormat(text, "date-time"),
  email: (text) => /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/.test(text),
  uri: (text) => /^https?:\/\/\S+$/.test(text) && URL.canParse(text),
  uuid: (text) => hasFormat(text, "uuid")
};
function inferSchema(examples) {
  return {
    ...inferType(examples),
    ...inferFormat(examples.filter((example) => typeof example === "string")),
    ...inferProperties(examples.filter(isObject)),
    ...inferItems(examples.filter((example) => Array.isArray(example)))
  };
}
function inferType(examples) {
  const found = new Set(examples.map(typeOf));
  if (found.has("number")) found.delete("integer");
  const isNullable = found.delete("null");
  const [type, ...others] = (
    /** @type {TypeName[]} */
    [...found]
  );
  if (type === void 0) return {};
  if (isNullable) return { type: [type, ...others, "null"] };
  return { type: others.length > 0 ? [type, ...others] : type };
}
function inferFormat(texts) {
  if (texts.length === 0) return {};
  const [format] = Object.entries(FORMATS2).find(([, fits]) => texts.every(fits)) ?? [];
  return format === void 0 ? {} : { format };
}
function inferProperties(objects) {
  if (objects.length === 0) return {};
  const names = [...new Set(objects.flatMap(Object.keys))];
  const has = (name) => (object) => Object.hasOwn(object, name);
  const properties = names.map((name) => {
    const examples = objects.filter(has(name)).map((object) => object[name] ?? null);
    return [name, inferSchema(examples)];
  });
  const required = names.filter((name) => objects.every(has(name)));
  return {
    properties: Object.fromEntries(properties),
    ...required.length > 0 && { required }
  };
}
function inferItems(lists) {
  const items = lists.flat();
  return items.length > 0 ? { items: inferSchema(items) } : {};
}

// form/from-example.js
var HELP = "Paste a value as you want it, as JSON. The schema has its fields, all of them required. The items of a list become one schema: a field that only some items have is optional.";
var REPLACED = "The new schema takes the place of the one in the field.";
function isForSchema({ title, schema }) {
  return schema.type === "object" && /\bJSON Schema\b/i.test(`${title} ${schema.description}`);
}
function drawExampleButton(form, node) {
  const onclick = () => fillFromExample(form, node);
  const attributes = { class: "sf-map", "aria-haspopup": "dialog", onclick };
  return h("button", { type: "button", ...attributes }, "From an example…");
}
async function fillFromExample(form, { pointer }) {
  const schema = await askForExample(form.get(pointer) !== void 0);
  if (!schema) return;
  form.setProblem(pointer, "");
  form.set(pointer, schema);
  form.draw(pointer);
  form.focusField(pointer);
}
function askForExample(isFilled) {
  const draw = (answer) => {
    const area = drawTextArea({
      class: "sf-input sf-growing sf-json sf-example",
      rows: 8,
      dir: "ltr",
      spellcheck: "false",
      autocomplete: "off",
      autofocus: true,
      "aria-label": "Example, as JSON",
      placeholder: '{"title": "The Moon", "kilometres": 384400}'
    });
    const note = h("p", { class: "sf-error", role: "alert", hidden: true });
    const make = () => {
      const { schema, problem } = readExample(area.value);
      note.textContent = problem;
      note.hidden = problem === "";
      area.setAttribute("aria-invalid", String(problem !== ""));
      if (schema) answer(
        /** @type {JsonObject} */
        schema
      );
      else area.focus();
    };
    const attributes = { class: "button button-primary", onclick: make };
    const button = h("button", { type: "button", ...attributes }, "Make the schema");
    return [
      h("p", { class: "muted" }, HELP),
      isFilled && h("p", { class: "muted" }, REPLACED),
      h("div", { class: "sf-field" }, area, note),
      h("div", { class: "dialog-buttons" }, button)
    ];
  };
  return ask("A schema from an example", draw, DIALOG);
}
function readExample(text) {
  try {
    return { schema: inferSchema([JSON.parse(text, keepFraction)]), problem: "" };
  } catch (error) {
    const isDeep = error instanceof RangeError;
    const problem = isDeep ? "This is too deep. Simplify it." : "This is not JSON. Check the quotes, commas and braces.";
    return { schema: null, problem };
  }
}
function keepFraction(_, value, context) {
  return typeof value === "number" && /[.e]/i.test(context?.source ?? "") ? 0.5 : value;
}

// form/structures.js
var PLACEHOLDERS = { array: "[ ]", object: "{ }" };
function drawLines(form, node) {
  const value = form.get(node.pointer);
  const area = drawTextArea({
    rows: 2,
    value: Array.isArray(value) ? value.join("\n") : "",
    placeholder: hintOf(node) ?? writeDefault2(node) ?? "One a line",
    spellcheck: "false",
    oninput: (event) => {
      const lines = event.currentTarget.value.split("\n").map((line) => line.trim());
      const filled = lines.filter((line) => line !== "");
      form.set(node.pointer, filled);
    }
  });
  return drawFrame(form, node, area);
}
function writeDefault2({ schema: { default: standard } }) {
  return Array.isArray(standard) ? `Default: ${standard.join(", ")}` : void 0;
}
function drawChoices(form, node) {
  const labels = form.labelsFor(`${node.pattern}/*`);
  const value = form.get(node.pointer);
  const given = Array.isArray(value) ? value : [];
  const choices = [.../* @__PURE__ */ new Set([...node.schema.items?.enum ?? [], ...given])];
  const boxes = choices.map(
    (each) => h("input", { type: "checkbox", checked: given.includes(each), onchange: () => update() })
  );
  const update = () => {
    form.set(
      node.pointer,
      choices.filter((_, index) => boxes[index]?.checked)
    );
  };
  const rows = choices.map(
    (each, index) => h("label", { class: "sf-choice" }, boxes[index], labels[String(each)] ?? String(each))
  );
  return drawFieldset(form, node, [h("div", { class: "sf-choices" }, rows)]);
}
function drawJson(form, node) {
  const setValue = (value, problem) => {
    form.setProblem(node.pointer, problem);
    if (!problem) form.set(node.pointer, value);
  };
  const area = drawJsonArea(form.get(node.pointer), setValue, typesOf(node.schema));
  const wrapper = drawFrame(form, node, area);
  if (node.schema.anyOf) addHelp(wrapper, form.idOf(node.pointer), describeUnion(node.schema));
  return wrapper;
}
function describeUnion(schema) {
  const titles = [...new Set(schema.anyOf?.map(({ title }) => title))];
  const start = titles.length > 1 ? `${titles.join(" or ")}: write` : "Write";
  const example = makeExample(schema);
  const isRight = findErrors(schema, example).length === 0;
  return isRight ? `${start} JSON, for example ${JSON.stringify(example)}` : `${start} JSON.`;
}
function drawJsonArea(value, onEdit, types = ["object"]) {
  return drawTextArea({
    rows: 3,
    class: "sf-input sf-growing sf-json",
    dir: "ltr",
    value: writeJsonText(value, types),
    spellcheck: "false",
    autocomplete: "off",
    placeholder: PLACEHOLDERS[types[0] ?? "object"] ?? "",
    oninput: (event) => {
      const { parsed, problem } = parseJson(event.currentTarget.value, types);
      onEdit(parsed, problem);
    }
  });
}
function drawRawFold(title, value, onEdit) {
  const note = h("p", { class: "sf-error", hidden: true });
  const area = drawJsonArea(value, (parsed, problem) => {
    note.textContent = problem;
    note.hidden = problem === "";
    area.setAttribute("aria-invalid", String(problem !== ""));
    if (!problem) onEdit(isObject(parsed) ? parsed : {});
  });
  area.setAttribute("aria-label", `${title} as JSON`);
  return { area, fold: drawFold("JSON", [area, note], { class: "fold sf-raw" }) };
}
function writeJsonText(value, types) {
  if (value === void 0) return "";
  const isPlain = typeof value === "string" && parseJson(value, types).parsed === value;
  return isPlain ? value : JSON.stringify(value, null, 2);
}
function parseJson(text, types) {
  if (text.trim() === "") return { parsed: void 0, problem: "" };
  try {
    const parsed = JSON.parse(text);
    const isObjectNeeded = types.length === 1 && types[0] === "object";
    if (!isObjectNeeded || isObject(parsed)) return { parsed, problem: "" };
    return { parsed: void 0, problem: "Must be a JSON object: { … }." };
  } catch {
    if (types.includes("string")) return { parsed: text, problem: "" };
    const problem = "This is not JSON yet. Check the quotes, commas and braces.";
    return { parsed: void 0, problem };
  }
}
function drawList2(form, node, drawField2) {
  const read = () => {
    const value = form.get(node.pointer);
    return Array.isArray(value) ? value : [];
  };
  const { length } = read();
  const { maxItems = Infinity } = node.schema;
  const add = () => {
    const items = read();
    const item = makeNextItem(node.schema, items, form.exampleOf(node.pointer));
    form.set(node.pointer, [...items, item]);
    form.draw(node.pointer);
    form.focusInside(joinPointer(node.pointer, items.length));
  };
  const cards = Array.from(
    { length },
    (_, index) => drawItem(node, drawItemFields(form, node, drawField2, index), {
      index,
      count: length,
      move: (to) => form.move(node.pointer, index, to)
    })
  );
  const button = drawAddButton(node, add, length >= maxItems);
  return drawFieldset(form, node, [h("div", { class: "sf-list" }, cards), button]);
}
function drawAddButton({ schema: { items } }, onclick, disabled) {
  const label = `Add ${(items?.title ?? "item").toLowerCase()}`;
  const attributes = { class: "button sf-add", onclick, disabled };
  return h("button", { type: "button", ...attributes }, drawIcon("add"), label);
}
function drawItem(node, fields, { index, count, move: moveTo }) {
  const name = `${node.schema.items?.title ?? "item"} ${index + 1}`;
  const move = (to) => {
    if (to >= 0 && to < count) moveTo(to);
  };
  const up = { disabled: index === 0, "data-move": "up" };
  const down = { disabled: index === count - 1, "data-move": "down" };
  const tools = [
    drawIconButton("arrowUp", `Move ${name} up`, () => move(index - 1), up),
    drawIconButton("arrowDown", `Move ${name} down`, () => move(index + 1), down),
    drawIconButton("trash", `Remove ${name}`, () => moveTo(-1))
  ];
  return h(
    "div",
    {
      class: "sf-item",
      role: "group",
      "aria-label": name,
      "data-item": joinPointer(node.pointer, index),
      onkeydown: (event) => moveByKey(event, index, move)
    },
    h("div", { class: "sf-item-fields" }, fields),
    h("div", { class: "sf-item-tools" }, tools)
  );
}
function drawItemFields(form, node, drawField2, index) {
  const { properties = {}, required = [] } = node.schema.items ?? {};
  const pointer = joinPointer(node.pointer, index);
  return Object.entries(properties).map(
    ([key, schema]) => drawField2(form, {
      schema,
      pointer: joinPointer(pointer, key),
      pattern: `${node.pattern}/*/${key}`,
      title: schema.title ?? key,
      required: required.includes(key)
    })
  );
}
function moveByKey(event, index, move) {
  const direction = directionOf(event.key);
  if (direction === 0 || !event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  move(index + direction);
}

// form/take.js
function drawTaken(form, node, parts) {
  const remove = () => put(form, node, void 0);
  const drawPart = (part) => {
    if (typeof part === "string") return part;
    const change = (changed) => put(
      form,
      node,
      parts.map((each) => each === part ? changed : each)
    );
    const edit = () => editToken(part, form.references, { remove, change });
    return drawToken(part, { remove, edit });
  };
  const attributes = { class: "sf-input sf-taken", role: "group", tabindex: "-1" };
  return drawFrame(form, node, h("div", attributes, parts.map(drawPart)));
}
function drawTakeButton(form, node, onclick = () => takeWhole(form, node)) {
  const label = `Use a value in ${node.title}`;
  const attributes = { class: "sf-map sf-map-small", title: label, "aria-label": label };
  return h("button", { type: "button", ...attributes, onclick }, drawIcon("link"));
}
async function takeWhole(form, node) {
  const target = { title: node.title, schema: node.whole ?? node.schema };
  const picked = await pickReference(form.references, target);
  if (picked) put(form, node, [picked.reference]);
}
function put(form, { pointer, blank }, parts) {
  form.put(pointer, blank, parts);
  form.draw(pointer);
  form.focusField(pointer);
}

// form/text-rows.js
function drawTexts(form, node, drawField2) {
  const parts = form.binding(node.pointer);
  if (parts) return drawTaken(form, node, parts);
  if (isBound(form.bindings, node.pointer)) return drawRows(form, node, drawField2);
  const wrapper = drawLines(form, node);
  if (form.references.length > 0) {
    const button = drawTakeButton(form, node, () => takeAtCaret(form, node, wrapper));
    wrapper.querySelector(":scope > .sf-head")?.append(button);
  }
  return wrapper;
}
function drawRows(form, node, drawField2) {
  const { maxItems = Infinity } = node.schema;
  const count = readTexts(form, node).length;
  const add = () => {
    const texts = readTexts(form, node);
    form.set(node.pointer, [...texts, ""]);
    form.draw(node.pointer);
    form.focusInside(joinPointer(node.pointer, texts.length));
  };
  const rows = Array.from({ length: count }, (_, index) => {
    const move = (to) => {
      form.set(node.pointer, readTexts(form, node));
      form.move(node.pointer, index, to);
    };
    return drawItem(node, [drawField2(form, rowOf(node, index))], { index, count, move });
  });
  const button = drawAddButton(node, add, count >= maxItems);
  return drawFieldset(form, node, [h("div", { class: "sf-list" }, rows), button]);
}
function rowOf({ schema: { items = {} }, pointer, pattern }, index) {
  return {
    schema: items,
    pointer: joinPointer(pointer, index),
    pattern: `${pattern}/*`,
    title: `${items.title ?? "Text"} ${index + 1}`,
    required: false,
    blank: "",
    list: pointer
  };
}
function readTexts(form, { pointer }) {
  const value = form.get(pointer);
  const texts = Array.isArray(value) ? value : [];
  const depth = splitPointer(pointer).length;
  const bound = Object.keys(form.bindings).filter((place) => place !== pointer && isWithin(place, pointer)).map((place) => Number(splitPointer(place)[depth]));
  const length = Math.max(texts.length, ...bound.map((index) => index + 1));
  return Array.from({ length }, (_, index) => texts[index] ?? "");
}
async function takeAtCaret(form, node, wrapper) {
  const area = wrapper.querySelector("textarea");
  const lines = readLines(area?.value ?? "", area?.selectionStart ?? 0);
  const picked = await pick2(form, node, lines);
  if (!picked) return;
  const isWhole2 = lines.isEmpty && isList2(picked.schema);
  if (isWhole2) form.put(node.pointer, void 0, [picked.reference]);
  else putInLine(form, node, lines, picked);
  form.draw(node.pointer);
  form.focusField(isWhole2 ? node.pointer : joinPointer(node.pointer, lines.index));
}
function isList2(schema) {
  const types = typesOf(schema);
  return types.length === 0 || types.includes("array");
}
function readLines(text, caret) {
  const above = text.slice(0, caret).split("\n");
  const before = above.pop() ?? "";
  const [after = ""] = text.slice(caret).split("\n");
  const isBlankLine = (before + after).trim() === "";
  return {
    isEmpty: text.trim() === "",
    index: above.filter((line) => line.trim() !== "").length,
    before: isBlankLine ? "" : before.trimStart(),
    after: isBlankLine ? "" : after.trimEnd()
  };
}
function pick2(form, { schema, whole = schema, title }, { isEmpty, before, after }) {
  const { items = {} } = schema;
  const target = isEmpty ? { anyOf: [...whole.anyOf ?? [whole], items] } : items;
  const isInText = before + after !== "";
  return pickReference(form.references, { title, schema: target, isInText });
}
function putInLine(form, node, { index, before, after }, picked) {
  const row = rowOf(node, index);
  const parts = [before, picked.reference, after].filter((part) => part !== "");
  if (parts.length === 1) form.set(node.pointer, readTexts(form, node).toSpliced(index, 0, ""));
  form.put(row.pointer, row.blank, parts.length > 1 ? parts : writeAlone(row, picked));
}

// form/fields.js
var DRAW_BY_KIND = {
  choice: drawChoice,
  choices: drawChoices,
  date: drawDate,
  group: drawGroup,
  json: drawJson,
  line: drawSuggestingLine,
  lines: (form, node) => drawTexts(form, node, drawField),
  list: (form, node) => drawList2(form, node, drawField),
  number: drawNumber,
  secret: drawSecret,
  switch: drawSwitch,
  text: drawText,
  union: drawUnion
};
var OWN = /* @__PURE__ */ new Set(["line", "lines", "secret", "text", "union"]);
function drawField(form, node) {
  const kind = kindOf(node.schema);
  const parts = OWN.has(kind) ? void 0 : form.binding(node.pointer);
  if (parts) return drawTaken(form, node, parts);
  const wrapper = DRAW_BY_KIND[kind](form, node);
  if (kind === "json" && isForSchema(node)) addButton(wrapper, drawExampleButton(form, node));
  if (!OWN.has(kind) && form.references.length > 0) addButton(wrapper, drawTakeButton(form, node));
  return wrapper;
}
function addButton(wrapper, button) {
  const legend = wrapper.querySelector(":scope > legend");
  if (legend) legend.after(h("div", { class: "sf-group-tools" }, button));
  else wrapper.querySelector(":scope > .sf-head")?.append(button);
}
function drawRootFields(form, schema) {
  const { basic, advanced } = splitProperties(schema);
  const root = { pointer: "", pattern: "" };
  const draw = (name) => drawField(form, propertyOf2(schema, root, name));
  const shown = basic.map(draw);
  const others = advanced.map(draw);
  if (shown.length === 0 || form.plain) return [shown, others];
  return [shown, others.length > 0 && drawFold("More options", others, { class: "fold sf-more" })];
}
function propertyOf2({ properties = {}, required = [] }, { pointer, pattern }, name) {
  const schema = properties[name] ?? {};
  return {
    schema,
    pointer: joinPointer(pointer, name),
    pattern: joinPointer(pattern, name),
    title: schema.title ?? name,
    required: required.includes(name)
  };
}
function drawGroup(form, node) {
  const names = Object.keys(node.schema.properties ?? {});
  const fields = names.map((name) => drawField(form, propertyOf2(node.schema, node, name)));
  return drawFieldset(form, node, [h("div", { class: "sf-grid" }, fields)]);
}
function drawSuggestingLine(form, node) {
  const suggest = form.optionsFor(node.pointer);
  if (!suggest) return drawText(form, node);
  return drawMappable(form, node, () => drawCombobox(form, node, suggest));
}
function drawUnion(form, node) {
  const isTaken = isBound(form.bindings, node.pointer);
  const hasItems = isTaken && !form.binding(node.pointer);
  const branch = branchOf(node.schema, hasItems ? [] : form.get(node.pointer));
  form.claim(node);
  const inner = drawField(form, { ...node, schema: branch, whole: node.schema });
  const name = `${form.idOf(node.pointer)}-branch`;
  const choose = (other) => {
    form.set(node.pointer, convertTo(other, form.get(node.pointer)));
    form.draw(node.pointer);
    const chosen = form.querySelector(`input[name="${name}"]:checked`);
    if (chosen instanceof HTMLElement) chosen.focus();
    form.untouch(node.pointer);
  };
  const radios = (node.schema.anyOf ?? []).map((other, index) => {
    const input = h("input", {
      type: "radio",
      name,
      value: index,
      checked: other === branch,
      disabled: isTaken,
      onchange: () => choose(other)
    });
    return h("label", { class: "sf-segment" }, input, h("span", {}, other.title));
  });
  const label = `${node.title}: which kind`;
  const attributes = { class: "sf-segments", role: "radiogroup", "aria-label": label };
  const head = inner.querySelector(":scope > .sf-head, :scope > legend");
  head?.after(h("div", attributes, radios));
  return inner;
}
function convertTo(branch, value) {
  if (branch.type !== "array") return Array.isArray(value) ? value.join("\n") : "";
  return typeof value === "string" ? value.split("\n").filter((line) => line !== "") : [];
}

// form/merging.js
var MERGE_BY_KEYWORD = {
  properties: mergeProperties,
  required: (one, other) => [.../* @__PURE__ */ new Set([...one, ...other])],
  enum: (one, other) => one.filter(
    (each) => other.some((choice) => isSame(choice, each))
  ),
  minimum: Math.max,
  minLength: Math.max,
  minItems: Math.max,
  maximum: Math.min,
  maxLength: Math.min,
  maxItems: Math.min
};
function mergeSchemas(one, other) {
  const merged = new Map(Object.entries(one));
  for (const [keyword, value] of Object.entries(other)) {
    const before = merged.get(keyword);
    const merge = Object.hasOwn(MERGE_BY_KEYWORD, keyword) && MERGE_BY_KEYWORD[keyword];
    merged.set(keyword, merge && before !== void 0 ? merge(before, value) : value);
  }
  const isJoined = isObject(one.properties) && isObject(other.properties);
  if (isJoined && !isSame(one.additionalProperties, other.additionalProperties)) {
    merged.delete("additionalProperties");
  }
  return Object.fromEntries(merged);
}
var PAIRS = /* @__PURE__ */ new WeakMap();
function mergeProperties(one, other) {
  const merged = new Map(Object.entries(one));
  for (const [name, schema] of Object.entries(other)) {
    const before = merged.get(name);
    merged.set(name, isObject(before) && isObject(schema) ? pair(before, schema) : schema);
  }
  return Object.fromEntries(merged);
}
function pair(one, other) {
  const pairs = PAIRS.get(one) ?? /* @__PURE__ */ new WeakMap();
  PAIRS.set(one, pairs);
  const made = pairs.get(other) ?? { allOf: [one, other] };
  pairs.set(other, made);
  return made;
}

// form/portable.js
var KEPT = /* @__PURE__ */ new Set([
  ...["title", "description", "default", "examples", "enum", "format", "pattern", "choiceTitles"],
  ...["minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf", "nullable"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "readOnly", "writeOnly"],
  ...["deprecated"]
]);
var TYPE_BY_KEYWORD = [
  ["properties", "object"],
  ["additionalProperties", "object"],
  ["items", "array"],
  ["prefixItems", "array"],
  ["pattern", "string"],
  ["format", "string"],
  ["minLength", "string"],
  ["maxLength", "string"],
  ["minimum", "number"],
  ["maximum", "number"]
];
var WELL_FORMED = /* @__PURE__ */ new Map(
  /** @type {[string, (value: unknown) => boolean][]} */
  [
    ["required", Array.isArray],
    ["enum", Array.isArray],
    ["examples", Array.isArray],
    ["properties", isObject],
    ["format", (value) => typeof value === "string"]
  ]
);
var TYPES = /* @__PURE__ */ new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);
var BRANCH_TITLES = {
  string: "Text",
  array: "List",
  object: "Object",
  integer: "Whole number",
  number: "Number",
  boolean: "Yes/no"
};
function readSchema(schema) {
  const read = new Reader(schema).read(schema);
  drawLoopsAsJson(read);
  return read;
}
var Reader = class {
  /** The schemas that were read before, or are being read. @type {Map<unknown, Schema>} */
  #known = /* @__PURE__ */ new Map();
  #root;
  /** @param {unknown} root where references point into */
  constructor(root) {
    this.#root = /** @type {Json} */
    root;
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
    const schema = {};
    this.#known.set(raw, schema);
    Object.assign(schema, this.#convert(this.#flatten(raw)));
    if (isProperty && raw.title === void 0) delete schema.title;
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
      Object.entries(raw).filter(([name, value]) => WELL_FORMED.get(name)?.(value) ?? true)
    );
    const parts = Array.isArray(allOf) ? allOf.map((part) => this.#flatten(part, around)) : [];
    if (typeof $ref === "string" && !around.includes($ref)) {
      parts.unshift(this.#flatten(this.#find($ref), [...around, $ref]));
    }
    return this.#flattenUnion([...parts, own].reduce(mergeSchemas, {}), around);
  }
  /** Return what a reference points to. Only places in the schema are known. @param {string} ref */
  #find(ref) {
    if (!/^#(\/|$)/.test(ref)) return void 0;
    try {
      return get(this.#root, decodeURIComponent(ref.slice(1)));
    } catch {
      return void 0;
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
    return own.properties ? base : { ...base, anyOf: branches };
  }
  /** @param {Raw} raw @returns {Schema} */
  #convert(raw) {
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
      ...Array.isArray(tuple) && { prefixItems: tuple.map((each) => this.read(each)) },
      ...isObject(rest) && { items: this.read(rest) }
    };
  }
  /** @param {Raw} raw @returns {Schema} */
  #convertProperties({ properties, required, additionalProperties, patternProperties }) {
    const isOpen = patternProperties !== void 0;
    const others = isObject(additionalProperties) ? this.read(additionalProperties) : additionalProperties;
    const read = isObject(properties) ? Object.entries(properties).map(
      ([name, each]) => (
        /** @type {const} */
        [name, this.read(each, true)]
      )
    ) : [];
    const known = new Map(read);
    const names = Array.isArray(required) ? required.map(String) : [];
    const needed = names.filter((name) => !known.get(name)?.readOnly);
    return {
      ...others !== void 0 && !isOpen && { additionalProperties: (
        /** @type {any} */
        others
      ) },
      ...isObject(properties) && { properties: Object.fromEntries(read) },
      ...needed.length > 0 && { required: needed }
    };
  }
};
function isNull(raw) {
  const choices = choicesOf(raw);
  return raw.type === "null" || choices?.length === 1 && choices[0] === null;
}
function choicesOf(raw) {
  if (raw.const !== void 0) return [raw.const];
  return Array.isArray(raw.enum) ? raw.enum : void 0;
}
function joinChoices(branches) {
  const titled = branches.filter(({ title }) => typeof title === "string");
  const titles = titled.flatMap((branch) => {
    const choices = choicesOf(branch) ?? [];
    return choices.length === 1 ? [[String(choices[0]), branch.title]] : [];
  });
  return {
    enum: branches.flatMap((branch) => choicesOf(branch) ?? []),
    ...titles.length > 0 && { choiceTitles: Object.fromEntries(titles) }
  };
}
function typesIn(raw, choices) {
  const given = [raw.type ?? []].flat().map(String).filter((type) => TYPES.has(type));
  const names = given.length > 0 || !choices ? given : [...new Set(choices.map(typeOf))];
  if (names.length === 0 && !raw.anyOf) {
    const guess = TYPE_BY_KEYWORD.find(([keyword]) => raw[keyword] !== void 0)?.[1];
    if (guess) names.push(guess);
  }
  return (
    /** @type {(TypeName | "null")[]} */
    names
  );
}
function readLimits({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  return {
    ...typeof exclusiveMinimum === "boolean" && {
      exclusiveMinimum: exclusiveMinimum ? Number(minimum) : void 0
    },
    ...typeof exclusiveMaximum === "boolean" && {
      exclusiveMaximum: exclusiveMaximum ? Number(maximum) : void 0
    }
  };
}
function readExamples({ example, examples, format, enum: choices, default: standard }) {
  if (examples !== void 0) return {};
  if (example !== void 0) return { examples: [example] };
  const usual = exampleOfFormat(String(format));
  return usual && !choices && standard === void 0 ? { examples: [usual] } : {};
}
function drawLoopsAsJson(root) {
  const done = /* @__PURE__ */ new Set();
  const visit = (schema, around) => {
    done.add(schema);
    const here = /* @__PURE__ */ new Set([...around, schema]);
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (here.has(property)) {
        Object.assign(schema.properties ?? {}, { [name]: { ...property, asJson: true } });
      } else if (!done.has(property)) visit(property, here);
    }
  };
  for (const schema of findAll(root)) if (!done.has(schema)) visit(schema, /* @__PURE__ */ new Set());
}

// form/press.js
var Press = class {
  /** Whether one is down now. */
  isDown = false;
  /** Removes the listeners. */
  #listeners = new AbortController();
  #onRelease;
  /** @param {() => void} onRelease called after a press, when its click has arrived */
  constructor(onRelease) {
    this.#onRelease = onRelease;
  }
  watch() {
    this.#listeners = new AbortController();
    const how = { capture: true, signal: this.#listeners.signal };
    const press = () => {
      this.isDown = true;
    };
    document.addEventListener("pointerdown", press, how);
    document.addEventListener("pointerup", () => this.#release(), how);
    document.addEventListener("pointercancel", () => this.#release(), how);
  }
  stop() {
    this.#listeners.abort();
  }
  #release() {
    this.isDown = false;
    setTimeout(this.#onRelease, 0);
  }
};

// form/styles.js
var CSS2 = true ? ':where(:root,:host,schema-form,.sf-dialog){--_sf-text: var(--sf-text, light-dark(#14232a, #e6eef1));--_sf-muted: var(--sf-muted, light-dark(#4c5f69, #a3b4bc));--_sf-surface: var(--sf-surface, light-dark(#ffffff, #162026));--_sf-soft: var(--sf-soft, light-dark(#edf2f4, #1f2c33));--_sf-border: var(--sf-border, light-dark(#d5dfe3, #2b3b43));--_sf-field-border: var(--sf-field-border, light-dark(#7a8d96, #6b808a));--_sf-accent: var(--sf-accent, light-dark(#1a6d7e, #62c4d6));--_sf-accent-text: var(--sf-accent-text, light-dark(#ffffff, #05232b));--_sf-accent-soft: var(--sf-accent-soft, light-dark(#e0f0f3, #173740));--_sf-danger: var(--sf-danger, light-dark(#a92323, #ff9d94));--_sf-danger-soft: var(--sf-danger-soft, light-dark(#fdecea, #3b1d1d));--_sf-warn: var(--sf-warn, light-dark(#7a4a00, #f2c56b));--_sf-warn-soft: var(--sf-warn-soft, light-dark(#fdf3df, #362a12));--_sf-focus: var(--sf-focus, light-dark(#0b7fd0, #7cc4ff));--_sf-mono: var(--sf-mono, ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace)}schema-form{display:block;color:var(--_sf-text);line-height:1.5;overflow-wrap:anywhere}:where(schema-form,.sf-dialog) :where(*,*::before,*::after){box-sizing:border-box}:is(schema-form,dialog:where(.sf-dialog)) :is(p,ul,fieldset,legend){margin:0;padding:0}:is(schema-form,dialog:where(.sf-dialog)) ul{list-style:none}:is(schema-form,dialog:where(.sf-dialog)) fieldset{min-width:0;border:0}:is(schema-form,dialog:where(.sf-dialog)) :is(button,input,select,textarea){margin:0;font:inherit;color:inherit;letter-spacing:inherit}:is(schema-form,dialog:where(.sf-dialog)) button{cursor:pointer}:is(schema-form,dialog:where(.sf-dialog)) button:disabled{cursor:not-allowed}:is(schema-form,dialog:where(.sf-dialog)) code{font-family:var(--_sf-mono);font-size:0.85em}:is(schema-form,dialog:where(.sf-dialog)) [hidden]{display:none!important}:is(schema-form,dialog:where(.sf-dialog)) :focus-visible{outline:3px solid var(--_sf-focus);outline-offset:2px}schema-form fieldset:focus{outline:none}:is(schema-form,dialog:where(.sf-dialog)) .icon{flex:none;width:1.125rem;height:1.125rem;fill:none;stroke:currentcolor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}:is(schema-form,dialog:where(.sf-dialog)) .button{display:inline-flex;align-items:center;justify-content:center;gap:8px;min-height:36px;padding:0 12px;border:1px solid var(--_sf-border);border-radius:8px;background:var(--_sf-surface);font-weight:550;white-space:nowrap}:is(schema-form,dialog:where(.sf-dialog)) .icon-button{display:inline-grid;flex:none;place-items:center;width:32px;height:32px;padding:0;border:0;border-radius:8px;background:none;color:var(--_sf-muted)}:is(schema-form,dialog:where(.sf-dialog)) :is(.button,.icon-button):hover:not(:disabled){background:var(--_sf-soft)}:is(schema-form,dialog:where(.sf-dialog)) :is(.button,.icon-button):disabled{opacity:0.45}.sf-dialog .button-primary,.sf-dialog .button-primary:hover:not(:disabled){border-color:var(--_sf-accent);background:var(--_sf-accent);color:var(--_sf-accent-text)}.sf-dialog .button-danger{border-color:currentcolor;color:var(--_sf-danger)}schema-form .fold>summary{display:flex;align-items:center;gap:4px;width:fit-content;min-height:32px;padding:0 8px 0 0;border-radius:6px;color:var(--_sf-muted);font-size:0.875rem;font-weight:550;cursor:pointer;list-style:none}schema-form .fold>summary:hover{color:var(--_sf-text)}schema-form .fold>summary::-webkit-details-marker{display:none}:is(schema-form .fold,.sf-dialog .tree-fold)>summary .icon{width:16px;height:16px;transition:transform 120ms}:is(schema-form .fold,.sf-dialog .tree-fold)[open]>summary .icon{transform:rotate(90deg)}schema-form .fold-note{padding-left:4px;color:var(--_sf-muted);font-weight:400}schema-form .fold-wrong>summary .fold-note{color:var(--_sf-danger);font-weight:600}schema-form .fold-body{padding-top:8px}.sf-dialog{width:min(560px,calc(100vw - 24px));max-height:calc(100vh - 32px);padding:0;border:1px solid var(--_sf-border);border-radius:14px;background:var(--_sf-surface);color:var(--_sf-text);line-height:1.5;overflow-wrap:anywhere;box-shadow:0 24px 60px rgb(0 0 0 / 30%)}.sf-dialog::backdrop{background:rgb(8 16 20 / 55%)}.sf-dialog .dialog-head{position:sticky;top:0;z-index:2;display:flex;align-items:center;justify-content:space-between;gap:12px;padding:12px 16px;border-bottom:1px solid var(--_sf-border);background:var(--_sf-surface)}.sf-dialog .dialog-head h2{margin:0;color:var(--_sf-text);font-size:1.0625rem;font-weight:650;letter-spacing:0;text-transform:none}.sf-dialog>:not(.dialog-head){margin:16px}.sf-dialog .dialog-buttons{display:flex;flex-wrap:wrap;justify-content:flex-end;gap:8px}.sf-dialog .muted{color:var(--_sf-muted)}.sf-field{display:grid;align-content:start;gap:4px;min-width:0;margin-bottom:16px}.sf-head{display:flex;align-items:center;justify-content:space-between;gap:8px;min-height:26px}.sf-label{font-weight:600;font-size:0.875rem}.sf-required{color:var(--_sf-danger)}.sf-mark{margin-left:8px;padding:1px 8px;border-radius:99px;background:var(--_sf-soft);color:var(--_sf-muted);font-size:0.75rem;font-weight:600}.sf-input:is([readonly],:disabled){background:var(--_sf-soft)}.sf-help{color:var(--_sf-muted);font-size:0.8125rem;line-height:1.4}.sf-error{white-space:pre-line;color:var(--_sf-danger);font-size:0.8125rem;font-weight:600;line-height:1.4}.sf-error::before{content:"\\25b2  " / "";font-size:0.7em;vertical-align:1px}.sf-hint{color:var(--_sf-warn);font-size:0.8125rem;line-height:1.4}.sf-top{display:grid;gap:8px}.sf-top:empty{display:none}.sf-top>*{padding:8px 12px;margin-bottom:8px;border-radius:6px;background:var(--_sf-danger-soft);font-size:0.875rem}.sf-top .sf-top-hint{background:var(--_sf-warn-soft)}.sf-top .sf-stray{background:var(--_sf-accent-soft)}.sf-input{width:100%;min-height:38px;padding:7px 10px;border:1px solid var(--_sf-field-border);border-radius:8px;background:var(--_sf-surface);color:var(--_sf-text)}.sf-input::placeholder{color:var(--_sf-muted);opacity:0.85}.sf-input:hover{border-color:var(--_sf-accent)}.sf-input[aria-invalid=true]{border-color:var(--_sf-danger);box-shadow:inset 0 0 0 1px var(--_sf-danger)}.sf-growing{min-height:64px;max-height:26rem;line-height:1.5;resize:vertical;field-sizing:content}.sf-json{font-family:var(--_sf-mono);font-size:0.8125rem}.sf-example{min-height:12rem}.sf-number,.sf-date{max-width:14rem}.sf-map{display:inline-flex;align-items:center;gap:4px;min-height:26px;padding:0 8px;border:1px solid transparent;border-radius:99px;background:var(--_sf-accent-soft);color:var(--_sf-accent);font-size:0.75rem;font-weight:600;white-space:nowrap}.sf-map:hover{border-color:currentcolor}.sf-map .icon{width:14px;height:14px}.sf-tokens{white-space:pre-wrap;line-height:2;min-height:64px;cursor:text}.sf-token{display:inline-flex;align-items:center;max-width:100%;margin:0 2px;border-radius:7px;background:var(--_sf-accent-soft);color:var(--_sf-accent);line-height:1.3;vertical-align:middle;white-space:normal}.sf-token-name{display:inline-flex;align-items:center;gap:4px;min-height:26px;padding:0 2px 0 8px;border:0;background:none;font-size:0.8125rem;font-weight:600;text-align:left}.sf-token-name .icon{width:13px;height:13px}.sf-token .sf-token-remove{display:inline-grid;flex:none;place-items:center;width:24px;height:24px;padding:0;border:0;border-radius:6px;background:none;color:inherit}.sf-token-remove .icon{width:12px;height:12px}.sf-switch{appearance:none;position:relative;width:44px;height:26px;margin:0;border:1px solid var(--_sf-field-border);border-radius:99px;background:var(--_sf-soft);cursor:pointer;transition:background 120ms}.sf-switch::after{content:"";position:absolute;left:3px;top:3px;width:18px;height:18px;border-radius:50%;background:var(--_sf-field-border);transition:transform 120ms}.sf-switch:checked{background:var(--_sf-accent);border-color:var(--_sf-accent)}.sf-switch:checked::after{transform:translateX(18px);background:var(--_sf-accent-text)}.sf-field-switch{grid-template-columns:1fr auto;align-items:center}.sf-field-switch>:not(.sf-head,input){grid-column:1 / -1}.sf-segments{display:inline-flex;width:fit-content;max-width:100%;padding:3px;border-radius:9px;background:var(--_sf-soft)}.sf-segment{position:relative;cursor:pointer}.sf-segment input{position:absolute;inset:0;margin:0;opacity:0;cursor:pointer}.sf-segment span{display:block;padding:4px 12px;border-radius:7px;font-size:0.8125rem;font-weight:550;color:var(--_sf-muted)}.sf-segment input:checked+span{background:var(--_sf-surface);color:var(--_sf-text);box-shadow:0 1px 3px rgb(0 0 0 / 15%)}.sf-segment input:focus-visible+span{outline:3px solid var(--_sf-focus);outline-offset:1px}.sf-segment input:disabled+span{opacity:0.6}.sf-choices{display:flex;flex-wrap:wrap;gap:8px 16px}.sf-choice{display:inline-flex;align-items:center;gap:8px;cursor:pointer}.sf-choice input{width:24px;height:24px;margin:0;accent-color:var(--_sf-accent)}.sf-group{gap:8px}.sf-group .sf-group{padding:12px;border:1px solid var(--_sf-border);border-radius:8px}.sf-group .sf-group>legend{padding:0 4px}.sf-grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,180px),1fr));gap:0 16px}.sf-grid>.sf-group{grid-column:1 / -1}.sf-list{display:grid;gap:8px}.sf-item{position:relative;display:grid;grid-template-columns:minmax(0,1fr) auto;gap:8px;padding:12px;border:1px solid var(--_sf-border);border-radius:8px;background:color-mix(in srgb,var(--_sf-soft) 55%,transparent)}.sf-item-fields>.sf-field:last-child{margin-bottom:0}.sf-item-fields>.sf-field{margin-bottom:8px}.sf-item+.sf-item .sf-help{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.sf-item-fields select.sf-input{max-width:14rem}.sf-item-tools{display:grid;align-content:start}schema-form .sf-add{width:fit-content;color:var(--_sf-accent)}.sf-more>.fold-body{padding-top:12px;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,220px),1fr));gap:0 16px}.sf-more>.fold-body>.sf-group{grid-column:1 / -1}.sf-raw{margin-top:4px}.sf-combobox{position:relative}.sf-combobox>.sf-input{padding-right:40px}.sf-combobox-arrow{position:absolute;inset:1px 1px 1px auto;display:grid;place-items:center;width:36px;padding:0;border:0;border-radius:0 7px 7px 0;background:none;color:var(--_sf-muted)}.sf-combobox-arrow:hover{background:var(--_sf-soft);color:var(--_sf-text)}.sf-combobox-arrow .icon{transform:rotate(90deg)}.sf-combobox>[aria-expanded=true]+.sf-combobox-arrow .icon{transform:rotate(-90deg)}.sf-options{position:fixed;inset:auto;margin:0;padding:4px;overflow:hidden auto;overscroll-behavior:contain;border:1px solid var(--_sf-field-border);border-radius:10px;background:var(--_sf-surface);color:var(--_sf-text);box-shadow:0 12px 32px rgb(0 0 0 / 22%)}.sf-option{display:grid;grid-template-columns:1.25rem auto 1fr;gap:0 8px;align-items:baseline;padding:7px 8px;border-radius:7px;cursor:pointer}.sf-option+.sf-option{box-shadow:0 -1px var(--_sf-border)}.sf-option::before{content:""}.sf-option[aria-current]::before{content:"\\2713" / "";color:var(--_sf-accent);font-weight:700}.sf-option:hover{background:var(--_sf-soft)}.sf-option[aria-selected=true]{background:var(--_sf-accent-soft);outline:2px solid var(--_sf-accent);outline-offset:-2px}.sf-option-value{overflow-wrap:anywhere;font-weight:600}.sf-option-label,.sf-option-about,.sf-option-none{color:var(--_sf-muted);font-size:0.8125rem}.sf-option-about{grid-column:2 / -1}.sf-option-none{padding:8px}.tree{display:grid;gap:2px;margin:0;padding:0;list-style:none}.tree .tree{margin-left:9px;padding-left:12px;border-left:1px solid var(--_sf-border)}.tree-fold>summary{display:flex;align-items:center;gap:8px;min-height:34px;padding:0 8px;border-radius:8px;font-weight:600;cursor:pointer;list-style:none}.tree-fold>summary::-webkit-details-marker{display:none}.tree-fold>summary:hover,.tree-pick:hover{background:var(--_sf-soft)}.tree-fold code,.tree-pick code{color:var(--_sf-muted);font-weight:400}.tree-kind{margin-left:auto;color:var(--_sf-muted);font-size:0.75rem;font-weight:400}.tree-whole{margin-left:9px;padding-left:12px;border-left:1px solid var(--_sf-border)}.tree-pick{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 8px;width:100%;min-height:34px;padding:5px 8px;border:0;border-radius:8px;background:none;text-align:left}.tree-title{font-weight:550}.tree-pick .tree-sample{flex-basis:100%}.tree-sample{color:var(--_sf-muted);font-size:0.8125rem}.tree-index{display:flex;align-items:center;gap:8px;padding:2px 8px;font-size:0.8125rem;color:var(--_sf-muted)}.tree-index .sf-input{width:5rem;min-height:30px;padding:2px 8px}.tree-index :is(select.sf-input,.sf-input:not([type=number])){width:auto}.tree-default{display:grid;gap:4px;padding:2px 8px;font-size:0.8125rem}.tree-pick[aria-disabled=true]{cursor:not-allowed}.tree-pick[aria-disabled=true] .tree-title,.tree-reason{color:var(--_sf-muted)}.tree-pick[aria-disabled=true] .tree-title{font-weight:400}.tree-reason{flex-basis:100%;font-size:0.8125rem;font-style:italic}.sf-map-small{background:none;padding:0 5px;min-width:26px;justify-content:center}.sf-taken{display:flex;flex-wrap:wrap;align-items:center;min-height:38px}.sf-group-tools{justify-self:end;height:0;transform:translateY(-30px)}@media(prefers-reduced-motion:reduce){:is(schema-form,dialog:where(.sf-dialog)) *{transition:none}}\n' : "";
var sheet;
function addStyles(element) {
  if (CSS2 === "") return;
  sheet ??= makeSheet();
  const root = element.getRootNode();
  for (const place of /* @__PURE__ */ new Set([document, root])) {
    const isPlace = place instanceof Document || place instanceof ShadowRoot;
    if (!isPlace || place.adoptedStyleSheets.includes(sheet)) continue;
    place.adoptedStyleSheets.push(sheet);
  }
}
function makeSheet() {
  const made = new CSSStyleSheet();
  made.replaceSync(CSS2);
  return made;
}

// schema-form.js
var formCount = 0;
var SchemaForm = class extends HTMLElement {
  /** The schema as the page has set it. @type {Schema | null} */
  #given = null;
  /** The schema as it is drawn and checked. @type {Schema | null} */
  #schema = null;
  /** Words for choices, by pattern. @type {Record<string, Record<string, string>>} */
  #labels = {};
  /** Sources of suggestions, by pointer. @type {Record<string, Suggest>} */
  #options = {};
  /** @type {Earlier[]} */
  #references = [];
  /** The value with its blanks. @type {Json | undefined} */
  #value = {};
  /** The value that the page has set, until the user changes it. @type {unknown} */
  #received = void 0;
  /** @type {Bindings} */
  #bindings = {};
  #errors = new ErrorState();
  /** Whether the form must be drawn again before it is used. */
  #isStale = true;
  #fields = new FieldMap();
  #number = formCount += 1;
  /**
   * The area with the whole value as JSON; null where the schema has a secret.
   * @type {HTMLTextAreaElement | null}
   */
  #rawArea = null;
  #plain = false;
  #press = new Press(() => this.#showErrors());
  #top = h("div", { class: "sf-top", role: "alert" });
  constructor() {
    super();
    this.addEventListener("change", (event) => {
      if (event.target !== this) event.stopImmediatePropagation();
    });
    this.addEventListener("focusout", (event) => this.#touch(event));
  }
  connectedCallback() {
    addStyles(this);
    this.#press.watch();
    this.#flush();
  }
  disconnectedCallback() {
    this.#press.stop();
  }
  /** The schema. Setting it draws a new form. */
  set schema(schema) {
    this.#given = schema;
    this.#schema = schema && readSchema(schema);
    this.#redraw();
  }
  get schema() {
    return this.#given;
  }
  /** Words for choices, by the pointer of the field with `*` for each index. */
  set labels(labels) {
    this.#labels = labels ?? {};
    this.#redraw();
  }
  /** Sources of suggestions, by pointer: `async (search) => [{value, label, description}]`. */
  set options(options) {
    this.#options = options ?? {};
    this.#redraw();
  }
  /** Where values may be taken from: `[{kind, step, title, schema, result}]`. */
  set references(references) {
    const isRedrawn = this.#references.length > 0 !== references.length > 0;
    this.#references = references;
    if (isRedrawn) this.#redraw();
  }
  get references() {
    return this.#references;
  }
  /**
   * The value without blanks. Setting it to the same value changes nothing.
   * @returns {JsonObject}
   */
  get value() {
    if (!this.#schema) return {};
    const value = dropBlanks(this.#schema, this.#value);
    return isObject(value) ? value : {};
  }
  set value(value) {
    if (isSame(value, this.value) || isSame(value, this.#received)) return;
    this.#received = value;
    this.#value = value ?? {};
    this.#redraw();
  }
  /** The fields that take values of other places: `{"/query": ["text", {step, pointer}]}`. */
  set bindings(bindings) {
    if (isSame(bindings ?? {}, this.#bindings)) return;
    this.#bindings = bindings ?? {};
    this.#redraw();
  }
  get bindings() {
    return this.#bindings;
  }
  /**
   * The errors. The page may set those of a better check; null: the form checks by itself.
   * @returns {FieldError[]}
   */
  get errors() {
    return this.#errors.list(() => this.#check());
  }
  set errors(errors) {
    this.#errors.given = errors;
    this.#showErrors();
  }
  /** Whether the value has no error, and no half-written JSON: it may be sent. */
  get valid() {
    this.#flush();
    return this.errors.length === 0 && this.unfinished === null;
  }
  /** Hints, shown below their fields. */
  set hints(hints) {
    this.#errors.hints = hints;
    this.#showErrors();
  }
  /** Whether errors of fields that are not filled in yet are shown: after a try to go on. */
  set showAll(showAll) {
    this.#errors.showAll = showAll;
    this.#showErrors();
  }
  /** Whether all fields are shown at once, and no JSON: for a form that is short. */
  set plain(plain) {
    this.#plain = plain;
    this.#redraw();
  }
  get plain() {
    return this.#plain;
  }
  /**
   * Move the focus to the control at a pointer, or to the nearest one around it. Return whether
   * there is one.
   * @param {string} pointer
   */
  focusField(pointer) {
    this.#flush();
    const field = this.#fields.get(this.#fields.nearest(pointer));
    if (!field) return false;
    openFolds(field.wrapper, this);
    field.control.focus();
    return true;
  }
  /**
   * The control with half-written JSON, which is not in the value yet.
   * @returns {HTMLElement | null}
   */
  get unfinished() {
    return this.querySelector(".sf-json[aria-invalid=true]");
  }
  // The methods from here on are for the controls.
  /** @param {string} pointer */
  get(pointer) {
    return get(this.#value, pointer);
  }
  /** Set a value; undefined removes it. @param {string} pointer @param {Json} [value] */
  set(pointer, value) {
    this.put(pointer, value, this.#bindings[pointer]);
  }
  /** Set both. @param {string} pointer @param {Json} [value] @param {Part[]} [parts] */
  put(pointer, value, parts) {
    this.#value = set(this.#value, pointer, value);
    this.#bindings = putEntry(this.#bindings, pointer, parts);
    this.#changed();
  }
  /**
   * Move an item of a list with its bindings, or remove it when `to` is -1.
   * @param {string} list
   * @param {number} from
   * @param {number} to
   */
  move(list, from, to) {
    [this.#value, this.#bindings] = moveItem(this.#value, this.#bindings, list, from, to);
    this.draw(list);
    this.#changed();
    if (to >= 0) this.focusInside(joinPointer(list, to));
    else this.focusField(list);
  }
  /** @param {string} pointer */
  binding(pointer) {
    return this.#bindings[pointer];
  }
  /** @param {string} pattern */
  labelsFor(pattern) {
    return this.#labels[pattern] ?? schemaAt(this.#schema ?? {}, pattern)?.choiceTitles ?? {};
  }
  /** @param {string} pointer */
  optionsFor(pointer) {
    return this.#options[pointer];
  }
  /** @param {string} pointer */
  exampleOf(pointer) {
    const values = this.#schema?.examples?.map((example) => get(example, pointer)) ?? [];
    return values.find((value) => value !== void 0);
  }
  /** Return the id of the control at a pointer. @param {string} pointer */
  idOf(pointer) {
    return `sf${this.#number}${pointer.replaceAll(/[^A-Za-z0-9]/g, "-")}`;
  }
  /**
   * Report text that is not a value, such as half-written JSON; "" withdraws the report.
   * @param {string} pointer
   * @param {string} message
   */
  setProblem(pointer, message) {
    this.#errors.setProblem(pointer, message);
    this.#changed();
  }
  /** @param {FormNode} node @param {HTMLElement} wrapper @param {HTMLElement} control */
  register(node, wrapper, control) {
    this.#fields.register({ node, wrapper, control });
  }
  /**
   * Announce a union before one of its branches is registered in its place.
   * @param {FormNode} node
   */
  claim(node) {
    this.#fields.registerUnion(node);
  }
  /** Let a field count as new: the user has not filled it in. @param {string} pointer */
  untouch(pointer) {
    this.#errors.untouch(pointer);
    this.#showErrors();
  }
  /** Draw one field again. @param {string} pointer */
  draw(pointer) {
    const field = this.#fields.get(pointer);
    if (!field) return;
    this.#fields.remove(pointer);
    field.wrapper.replaceWith(drawField(this, this.#fields.nodeOf(field)));
    this.#showErrors();
  }
  /** Move the focus to the first control of an item. @param {string} pointer */
  focusInside(pointer) {
    const item = this.querySelector(`[data-item="${CSS.escape(pointer)}"]`);
    const control = item?.querySelector("textarea, input, select, [role=textbox]");
    if (control instanceof HTMLElement) control.focus();
  }
  #redraw() {
    this.#isStale = true;
    queueMicrotask(() => this.#flush());
  }
  /** Draw the whole form if it is stale. The focus and the open folds stay. */
  #flush() {
    if (!this.#isStale || !this.#schema || !this.isConnected) return;
    this.#isStale = false;
    const focused = this.contains(document.activeElement) ? pointerAround(document.activeElement) : void 0;
    const wasOpen = [...this.querySelectorAll("details")].map(({ open }) => open);
    this.#fields.clear();
    this.#errors.clearProblems();
    this.#rawArea = null;
    const hasFields = this.#schema.properties !== void 0;
    const isRawShown = (!this.#plain || !hasFields) && !hasSecret(this.#schema);
    const raw = isRawShown ? this.#drawRaw(this.#schema) : null;
    fill(this, this.#top, drawRootFields(this, this.#schema), raw);
    this.querySelectorAll("details").forEach((details, index) => {
      details.open = wasOpen[index] ?? !hasFields;
    });
    this.#showErrors();
    if (focused) this.focusField(focused);
  }
  /** Draw the value as JSON, and put edits of it into the fields. @param {Schema} schema */
  #drawRaw(schema) {
    const names = Object.keys(schema.properties ?? {});
    const { area, fold } = drawRawFold(schema.title ?? "Input", this.value, (value) => {
      this.#value = value;
      for (const name of names) this.draw(joinPointer("", name));
      this.#changed();
    });
    this.#rawArea = area;
    return fold;
  }
  /** Show the new value everywhere, and fire the events. */
  #changed() {
    this.#received = void 0;
    if (this.#rawArea && document.activeElement !== this.#rawArea) {
      this.#rawArea.value = JSON.stringify(this.value, null, 2);
    }
    this.#showErrors();
    const valid = !this.#errors.hasProblems && this.#check().length === 0;
    const detail = { value: this.value, bindings: this.#bindings, valid };
    this.dispatchEvent(new CustomEvent("edit", { detail, bubbles: true }));
    if (valid) this.dispatchEvent(new CustomEvent("change", { detail, bubbles: true }));
  }
  #check() {
    return findErrors(this.#schema ?? {}, this.value, this.#bindings);
  }
  /** @param {FocusEvent} event */
  #touch(event) {
    const pointer = pointerLeft(event);
    if (pointer === void 0 || !this.#errors.touch(pointer)) return;
    if (!this.#press.isDown) this.#showErrors();
  }
  #showErrors() {
    if (this.#isStale || !this.#schema) return;
    const places = Map.groupBy(this.errors, ({ pointer }) => this.#fields.nearest(pointer));
    const hints = Map.groupBy(this.#errors.hints, ({ pointer }) => this.#fields.nearest(pointer));
    const stray = drawStrayBindings(
      this.#bindings,
      (pointer) => this.#fields.get(pointer)?.control,
      (pointer) => this.put(pointer, this.get(pointer), void 0)
    );
    fill(this.#top, drawTopNotes(places.get(""), hints.get("")), stray);
    for (const [place, field] of this.#fields.entries()) {
      const errors = places.get(place)?.filter((each) => this.#errors.isShown(each, place));
      showNotes(this, field, errors, hints.get(place));
    }
    showFoldNote(this.querySelector(".sf-more"), this.value, this.#bindings);
  }
};
customElements.define("schema-form", SchemaForm);
export {
  SchemaForm
};
