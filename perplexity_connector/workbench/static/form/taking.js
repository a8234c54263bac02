/** Takes the value of a reference, and writes references for people. */

/** @import { Json, Reference } from "../types.js" */

import { get, splitPointer } from "./pointer.js";

/**
 * Return where a reference takes its value: the kind of its source, and the pointer into it.
 * @param {Reference} reference
 * @returns {{kind: "input" | "item" | "step", step: string, pointer: string}}
 */
export function placeOf(reference) {
  if ("input" in reference) return { kind: "input", step: "", pointer: reference.input };
  if ("item" in reference) return { kind: "item", step: "", pointer: reference.item };
  return { kind: "step", step: reference.step, pointer: reference.pointer };
}

/**
 * Return a reference to a place. `taking` is how the value is taken there.
 * @param {{kind?: string, step: string}} source
 * @param {string} pointer
 * @param {{pluck?: string, join?: string, default?: Json}} [taking]
 * @returns {Reference}
 */
export function makeReference({ kind, step }, pointer, taking = {}) {
  if (kind === "input") return { input: pointer, ...taking };
  return kind === "item" ? { item: pointer, ...taking } : { step, pointer, ...taking };
}

/**
 * Return the value of a reference in the document that it points into, or undefined.
 * @param {Reference} reference
 * @param {Json | undefined} document
 * @returns {Json | undefined}
 */
export function takeValue(reference, document) {
  const { pluck, join, default: standard } = reference;
  const value = get(document, placeOf(reference).pointer);
  if (value === undefined) return standard;
  if (pluck === undefined && join === undefined) return value;
  if (!Array.isArray(value)) return undefined;
  const taken = value.flatMap((item) => {
    const inner = get(item, pluck ?? "");
    return inner === undefined || inner === null ? [] : [inner];
  });
  return join === undefined ? taken : taken.map(toText).join(join);
}

/** Write a value as a part of a text, as the host does it. @param {Json | undefined} value */
export function toText(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Write a reference for people: search › results[0] › snippet. @param {Reference} reference */
export function writeReference(reference) {
  const { kind, step, pointer } = placeOf(reference);
  const root = { input: "Inputs", item: "Item", step }[kind];
  const names = writePointer(root, pointer);
  if (reference.pluck === undefined) return names;
  const inner = splitPointer(reference.pluck);
  const last = inner.pop();
  const every = last === undefined ? "every item" : `${last} of every item`;
  return [names, ...inner, every].join(" \u203a ");
}

/** @param {string} root @param {string} pointer */
function writePointer(root, pointer) {
  const names = [root];
  for (const token of splitPointer(pointer)) {
    if (isIndex(token) && names.length > 1) names.push(`${names.pop()}[${token}]`);
    else names.push(token);
  }
  return names.join(" \u203a ");
}

/** @param {string} token */
export function isIndex(token) {
  return /^\d+$/.test(token);
}
