/**
 * The flow on the page: its steps in order, its inputs, every change to them, undo and redo. Does
 * not touch the page.
 */

/** @import { Flow, SavedStep, Schema, Step } from "./types.js" */

import { needsVersion2, readFlow, renameInput, renameStep } from "./flow-document.js";
import { isSame } from "./form/pointer.js";

/**
 * All that undo brings back.
 * @typedef {{steps: Step[], inputs: Schema | null}} Content
 */

const UNDO_LIMIT = 200;

/** Fires `change` after every change, and `load` before that of another flow. */
export class FlowState extends EventTarget {
  /** The flow as it is now. A change makes new lists and new steps. @type {Content} */
  #content = { steps: [], inputs: null };
  /** Earlier contents, the newest last. @type {Content[]} */
  #past = [];
  /** Contents that were undone, the next one last. @type {Content[]} */
  #future = [];
  /** The key of the last change: a change with the same key becomes a part of it. */
  #lastKey = "";
  /** How many steps there ever were: the newest `uid`. */
  #count = 0;

  get steps() {
    return this.#content.steps;
  }

  /** The schema of the flow's inputs; null where it has none. */
  get inputs() {
    return this.#content.inputs;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** The flow in the form in which it is saved. @returns {Flow} */
  get document() {
    const { inputs } = this;
    const steps = this.steps.map(({ uid, ...step }) => step);
    const flow = inputs ? { flow_version: 2, inputs, steps } : { flow_version: 1, steps };
    return needsVersion2(flow) ? { ...flow, flow_version: 2 } : flow;
  }

  /**
   * Add a step, and return it.
   * @param {Omit<SavedStep, "id">} step
   * @param {number} [index]
   */
  add(step, index = this.steps.length) {
    const added = { uid: this.#nextUid(), id: this.#freeId(step.action), ...step };
    this.#applySteps(this.steps.toSpliced(index, 0, added));
    return added;
  }

  /**
   * Add a copy of a step below it, and return the copy.
   * @param {number} uid
   */
  duplicate(uid) {
    const index = this.indexOf(uid);
    const [step] = this.steps.slice(index, index + 1);
    if (!step) return undefined;
    const { uid: _, id: __, ...copied } = step;
    return this.add(copied, index + 1);
  }

  /**
   * Change the schema of the flow's inputs; null removes it. `names` are the old and the new name
   * of an input that got another one: the steps follow it.
   * @param {Schema | null} inputs
   * @param {string} [key]
   * @param {[old: string, name: string]} [names]
   */
  setInputs(inputs, key = "", names) {
    const steps = names ? this.steps.map((step) => renameInput(step, ...names)) : this.steps;
    this.#apply({ steps, inputs }, key && `inputs ${key}`);
  }

  /** @param {number} uid */
  remove(uid) {
    this.#applySteps(this.steps.filter((step) => step.uid !== uid));
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
    this.#applySteps(this.steps.toSpliced(from, 1).toSpliced(index, 0, step));
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
    this.#applySteps(steps, key && `${uid} ${key}`);
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
      ...renameStep(step, old, id),
      id: step.uid === uid ? id : step.id,
    }));
    this.#applySteps(renamed);
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
    this.#applySteps(steps);
  }

  /**
   * Replace this flow by another one. Throws a `TypeError` when the document is not a flow.
   * @param {unknown} document
   */
  load(document) {
    const { inputs, steps } = readFlow(document);
    this.dispatchEvent(new Event("load"));
    this.#apply({ inputs, steps: steps.map((step) => ({ ...step, uid: this.#nextUid() })) });
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
  #applySteps(steps, key = "") {
    this.#apply({ steps, inputs: this.inputs }, key);
  }

  /** @param {Content} content @param {string} [key] */
  #apply(content, key = "") {
    if (isSame(content, this.#content)) return;
    const isNewChange = !key || key !== this.#lastKey;
    if (isNewChange) this.#past = [...this.#past, this.#content].slice(-UNDO_LIMIT);
    this.#future = [];
    this.#lastKey = key;
    this.#replace(content);
  }

  /** @param {Content[]} from @param {Content[]} to */
  #travel(from, to) {
    const content = from.pop();
    if (!content) return;
    to.push(this.#content);
    this.#lastKey = "";
    this.#replace(content);
  }

  /** @param {Content} content */
  #replace(content) {
    this.#content = content;
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
