/** Reads a saved flow, and follows names in it. */

/** @import { Bindings, Each, Flow, Part, Reference, SavedStep, Schema, Step } from "./types.js" */

import { isObject, isSame, joinPointer, splitPointer } from "./form/pointer.js";

/** The keys of a reference that version 1 does not have. */
const NEW_KEYS = ["input", "item", "pluck", "join", "default"];

/**
 * Return the inputs and the steps of a document, complete. Throws a `TypeError`.
 * @param {unknown} document
 * @returns {{inputs: Schema | null, steps: SavedStep[]}}
 */
export function readFlow(document) {
  if (!isObject(document) || !isVersion(document.flow_version) || !Array.isArray(document.steps)) {
    throw new TypeError("This is not a flow: it needs flow_version 1 or 2 and a list of steps.");
  }
  const inputs = document.inputs ?? null;
  if (inputs !== null && !isObject(inputs)) {
    throw new TypeError("This is not a flow: its inputs must be a JSON Schema.");
  }
  return { inputs: /** @type {Schema | null} */ (inputs), steps: document.steps.map(readStep) };
}

/** @param {unknown} version */
function isVersion(version) {
  return version === 1 || version === 2;
}

/** @param {any} step @returns {SavedStep} */
function readStep(step) {
  if (![step?.id, step?.connector, step?.action].every((name) => typeof name === "string")) {
    throw new TypeError("This is not a flow: each step needs an id, a connector and an action.");
  }
  if (!areBindings(step.bindings ?? {})) {
    throw new TypeError(
      "This is not a flow: the bindings of a step must be lists of texts and references.",
    );
  }
  const { connection = null, input = {}, bindings = {} } = step;
  return withoutNulls({ ...step, connection, input: input ?? {}, bindings: bindings ?? {} });
}

/**
 * Return a step without the nulls that mean "not repeated".
 * @param {any} step
 * @returns {SavedStep}
 */
function withoutNulls(step) {
  const { each, on_failure: onFailure, ...others } = step;
  if (each && !isReference(each)) {
    throw new TypeError("This is not a flow: `each` of a step must say where its list is.");
  }
  return {
    ...others,
    ...(each && { each }),
    ...(onFailure && { on_failure: onFailure }),
  };
}

/** @param {unknown} bindings */
function areBindings(bindings) {
  if (!isObject(bindings)) return false;
  const isPart = (/** @type {unknown} */ part) => typeof part === "string" || isReference(part);
  return Object.values(bindings).every((parts) => Array.isArray(parts) && parts.every(isPart));
}

/** @param {any} part */
function isReference(part) {
  if (!isObject(part)) return false;
  const isStep = typeof part.step === "string" && typeof part.pointer === "string";
  return isStep || typeof part.input === "string" || typeof part.item === "string";
}

/** Return whether a flow uses anything of version 2. @param {Flow} flow */
export function needsVersion2({ inputs, steps }) {
  return Boolean(inputs) || steps.some(isNewStep);
}

/** @param {SavedStep} step */
function isNewStep({ each, on_failure: onFailure, bindings }) {
  const parts = Object.values(bindings).flat();
  const isNew = (/** @type {Part} */ part) =>
    typeof part !== "string" && NEW_KEYS.some((key) => Object.hasOwn(part, key));
  return Boolean(each) || Boolean(onFailure) || parts.some(isNew);
}

/**
 * Return a step in which every reference is changed.
 * @param {Step} step
 * @param {(reference: Reference) => Reference} change
 * @returns {Step}
 */
function changeReferences(step, change) {
  const changePart = (/** @type {Part} */ part) => (typeof part === "string" ? part : change(part));
  const entries = Object.entries(step.bindings);
  /** @type {Bindings} */
  const bindings = Object.fromEntries(
    entries.map(([place, parts]) => [place, parts.map(changePart)]),
  );
  const { each } = step;
  const changed = { ...step, bindings };
  return each ? { ...changed, each: /** @type {Each} */ (change(each)) } : changed;
}

/**
 * Follow a step to its new id.
 * @param {Step} step
 * @param {string} old
 * @param {string} id
 */
export function renameStep(step, old, id) {
  return changeReferences(step, (reference) =>
    "step" in reference && reference.step === old ? { ...reference, step: id } : reference,
  );
}

/**
 * Follow an input to its new name.
 * @param {Step} step
 * @param {string} old
 * @param {string} name
 */
export function renameInput(step, old, name) {
  const changed = changeReferences(step, (reference) => {
    if (!("input" in reference)) return reference;
    const [first, ...rest] = splitPointer(reference.input);
    if (first !== old) return reference;
    return { ...reference, input: [name, ...rest].reduce(joinPointer, "") };
  });
  return isSame(changed, step) ? step : changed;
}
