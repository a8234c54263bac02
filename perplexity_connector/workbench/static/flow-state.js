/** The flow on the page: its steps in order, every change of them, and the way back. Nothing here touches the page. */

import { isObject, same } from "./form/pointer.js";

/**
 * @typedef {object} Step a saved step, and `uid`, by which the page knows it while its id changes
 * @property {number} uid @property {string} id @property {string} connector @property {string} action
 * @property {number} version @property {string|null} connection @property {object} input
 * @property {Record<string, (string|{step: string, pointer: string})[]>} bindings
 */

const DEEPEST = 200;

export class FlowState extends EventTarget {
  /** @type {Step[]} */
  steps = [];
  #past = [];
  #future = [];
  #lastKey = "";
  #count = 0;

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** The flow as it is saved. */
  get document() {
    return { flow_version: 1, steps: this.steps.map(({ uid, ...step }) => step) };
  }

  /** Add a step, and give it back. @param {Omit<Step, "uid"|"id">} step @param {number} [index] @returns {Step} */
  add(step, index = this.steps.length) {
    const added = { uid: (this.#count += 1), id: this.#freeId(step.action), ...step };
    this.#apply(this.steps.toSpliced(index, 0, added));
    return added;
  }

  remove(uid) {
    this.#apply(this.steps.filter((step) => step.uid !== uid));
  }

  /** Move a step to an index among the others. @returns {boolean} whether it moved */
  move(uid, index) {
    const from = this.index(uid);
    if (index < 0 || index >= this.steps.length || index === from) return false;
    this.#apply(this.steps.toSpliced(from, 1).toSpliced(index, 0, this.steps[from]));
    return true;
  }

  /** Change parts of a step. Changes with the same key, one after the other, are undone at once. */
  edit(uid, change, key = "") {
    this.#apply(this.steps.map((step) => (step.uid === uid ? { ...step, ...change } : step)), key && `${uid} ${key}`);
  }

  /** Give a step another id; those that take values from it follow. @returns {string} what is wrong with the id, or "" */
  rename(uid, id) {
    if (id === "") return "A step needs an id.";
    if (this.steps.some((step) => step.id === id && step.uid !== uid)) return "Another step has this id.";
    const old = this.steps[this.index(uid)].id;
    if (id !== old) this.#apply(this.steps.map((step) => ({ ...step, id: step.uid === uid ? id : step.id, bindings: renamed(step.bindings, old, id) })));
    return "";
  }

  /** A stored connection has another name: the steps that use it follow. */
  reconnect(name, newName) {
    this.#apply(this.steps.map((step) => (step.connection === name ? { ...step, connection: newName } : step)));
  }

  /** Take another flow in place of this one. Throws a `TypeError` for what is none. */
  load(document) {
    if (document?.flow_version !== 1 || !Array.isArray(document.steps)) throw new TypeError("This is no flow: it needs flow_version 1 and a list of steps.");
    if (!document.steps.every((step) => typeof step?.id === "string" && typeof step.connector === "string" && typeof step.action === "string"))
      throw new TypeError("This is no flow: each step needs an id, a connector and an action.");
    if (!document.steps.every((step) => areBindings(step.bindings ?? {}))) throw new TypeError("This is no flow: the bindings of a step must be lists of texts and references.");
    const complete = (step) => ({ uid: (this.#count += 1), ...step, connection: step.connection ?? null, input: step.input ?? {}, bindings: step.bindings ?? {} });
    this.#apply(document.steps.map(complete));
  }

  undo() {
    this.#travel(this.#past, this.#future);
  }

  redo() {
    this.#travel(this.#future, this.#past);
  }

  index(uid) {
    return this.steps.findIndex((step) => step.uid === uid);
  }

  #apply(steps, key = "") {
    if (same(steps, this.steps)) return;
    if (!key || key !== this.#lastKey) this.#past = [...this.#past, this.steps].slice(-DEEPEST);
    this.#future = [];
    this.#lastKey = key;
    this.#become(steps);
  }

  #travel(from, to) {
    const steps = from.pop();
    if (!steps) return;
    to.push(this.steps);
    this.#lastKey = "";
    this.#become(steps);
  }

  #become(steps) {
    this.steps = steps;
    this.dispatchEvent(new Event("change"));
  }

  /** An id that says what the step does: the last word of its action, with a number where it is taken. */
  #freeId(action) {
    const word = action.split("_").at(-1);
    const taken = new Set(this.steps.map((step) => step.id));
    let id = word;
    for (let number = 2; taken.has(id); number += 1) id = `${word}_${number}`;
    return id;
  }
}

function areBindings(bindings) {
  const isPart = (part) => typeof part === "string" || (typeof part?.step === "string" && typeof part.pointer === "string");
  return isObject(bindings) && Object.values(bindings).every((parts) => Array.isArray(parts) && parts.every(isPart));
}

function renamed(bindings, old, id) {
  const follow = (part) => (typeof part !== "string" && part.step === old ? { ...part, step: id } : part);
  return Object.fromEntries(Object.entries(bindings).map(([place, parts]) => [place, parts.map(follow)]));
}
