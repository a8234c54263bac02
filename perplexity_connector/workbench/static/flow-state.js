/**
 * The flow on the page: its steps in order, every change to them, undo and redo. Does not touch the
 * page.
 */

/** @import { Bindings, Flow, Part, SavedStep, Step } from "./types.js" */

import { isObject, isSame } from "./form/pointer.js";

const UNDO_LIMIT = 200;

/** Fires `change` after every change. */
export class FlowState extends EventTarget {
  /** The steps as they are now. A change makes new lists and new steps. @type {Step[]} */
  steps = [];
  /** Earlier lists of steps, the newest last. @type {Step[][]} */
  #past = [];
  /** Lists of steps that were undone, the next one last. @type {Step[][]} */
  #future = [];
  /** The key of the last change: a change with the same key becomes a part of it. */
  #lastKey = "";
  /** How many steps there ever were: the newest `uid`. */
  #count = 0;

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** The flow in the form in which it is saved. @returns {Flow} */
  get document() {
    return { flow_version: 1, steps: this.steps.map(({ uid, ...step }) => step) };
  }

  /**
   * Add a step, and return it.
   * @param {Omit<SavedStep, "id">} step
   * @param {number} [index]
   */
  add(step, index = this.steps.length) {
    const added = { uid: this.#nextUid(), id: this.#freeId(step.action), ...step };
    this.#apply(this.steps.toSpliced(index, 0, added));
    return added;
  }

  /** @param {number} uid */
  remove(uid) {
    this.#apply(this.steps.filter((step) => step.uid !== uid));
  }

  /**
   * Move a step to an index, and return whether it moved.
   * @param {number} uid
   * @param {number} index
   */
  move(uid, index) {
    const from = this.indexOf(uid);
    if (index < 0 || index >= this.steps.length || index === from) return false;
    const [step] = this.steps.slice(from, from + 1);
    if (!step) return false;
    this.#apply(this.steps.toSpliced(from, 1).toSpliced(index, 0, step));
    return true;
  }

  /**
   * Change parts of a step. Changes in a row that have the same key are undone together.
   * @param {number} uid
   * @param {Partial<SavedStep>} change
   * @param {string} [key]
   */
  edit(uid, change, key = "") {
    const steps = this.steps.map((step) => (step.uid === uid ? { ...step, ...change } : step));
    this.#apply(steps, key && `${uid} ${key}`);
  }

  /**
   * Give a step another id, also in the bindings that use it. Return the error as text, or "".
   * @param {number} uid
   * @param {string} id
   */
  rename(uid, id) {
    if (id === "") return "A step needs an id.";
    const isTaken = this.steps.some((step) => step.id === id && step.uid !== uid);
    if (isTaken) return "Another step has this id.";
    const old = this.steps.find((step) => step.uid === uid)?.id;
    if (old === undefined || old === id) return "";
    const renamed = this.steps.map((step) => ({
      ...step,
      id: step.uid === uid ? id : step.id,
      bindings: renameInBindings(step.bindings, old, id),
    }));
    this.#apply(renamed);
    return "";
  }

  /**
   * Follow a stored connection to its new name, in all steps that use it.
   * @param {string} name
   * @param {string} newName
   */
  renameConnection(name, newName) {
    const steps = this.steps.map((step) =>
      step.connection === name ? { ...step, connection: newName } : step,
    );
    this.#apply(steps);
  }

  /**
   * Replace this flow by another one. Throws a `TypeError` when the document is not a flow.
   * @param {unknown} document
   */
  load(document) {
    this.#apply(readSteps(document).map((step) => ({ ...step, uid: this.#nextUid() })));
  }

  undo() {
    this.#travel(this.#past, this.#future);
  }

  redo() {
    this.#travel(this.#future, this.#past);
  }

  /** @param {number} uid */
  indexOf(uid) {
    return this.steps.findIndex((step) => step.uid === uid);
  }

  #nextUid() {
    this.#count += 1;
    return this.#count;
  }

  /** @param {Step[]} steps @param {string} [key] */
  #apply(steps, key = "") {
    if (isSame(steps, this.steps)) return;
    const isNewChange = !key || key !== this.#lastKey;
    if (isNewChange) this.#past = [...this.#past, this.steps].slice(-UNDO_LIMIT);
    this.#future = [];
    this.#lastKey = key;
    this.#replace(steps);
  }

  /** @param {Step[][]} from @param {Step[][]} to */
  #travel(from, to) {
    const steps = from.pop();
    if (!steps) return;
    to.push(this.steps);
    this.#lastKey = "";
    this.#replace(steps);
  }

  /** @param {Step[]} steps */
  #replace(steps) {
    this.steps = steps;
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Return an id that says what the step does: the last word of its action, with a number where it
   * is taken.
   * @param {string} action
   */
  #freeId(action) {
    const word = action.slice(action.lastIndexOf("_") + 1);
    const taken = new Set(this.steps.map((step) => step.id));
    let id = word;
    for (let number = 2; taken.has(id); number += 1) id = `${word}_${number}`;
    return id;
  }
}

/**
 * Return the steps of a document, complete. Throws a `TypeError`.
 * @param {unknown} document
 * @returns {SavedStep[]}
 */
function readSteps(document) {
  if (!isObject(document) || document.flow_version !== 1 || !Array.isArray(document.steps)) {
    throw new TypeError("This is not a flow: it needs flow_version 1 and a list of steps.");
  }
  return document.steps.map(readStep);
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
  return {
    ...step,
    connection: step.connection ?? null,
    input: step.input ?? {},
    bindings: step.bindings ?? {},
  };
}

/** @param {unknown} bindings */
function areBindings(bindings) {
  const isPart = (/** @type {any} */ part) =>
    typeof part === "string" ||
    (typeof part?.step === "string" && typeof part.pointer === "string");
  if (!isObject(bindings)) return false;
  return Object.values(bindings).every((parts) => Array.isArray(parts) && parts.every(isPart));
}

/** @param {Bindings} bindings @param {string} old @param {string} id @returns {Bindings} */
function renameInBindings(bindings, old, id) {
  const rename = (/** @type {Part} */ part) =>
    typeof part !== "string" && part.step === old ? { ...part, step: id } : part;
  const entries = Object.entries(bindings);
  return Object.fromEntries(entries.map(([place, parts]) => [place, parts.map(rename)]));
}
