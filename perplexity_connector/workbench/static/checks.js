/** Checks the flow while the user writes, and keeps the errors and the hints of each step. */

/** @import { FieldError, FlowCheck, FlowError, Hint } from "./types.js" */
/** @import { FlowState } from "./flow-state.js" */

import * as api from "./api.js";
import { messageOf } from "./dom.js";

const CHECK_AFTER_MS = 150;

/** The check of a flow in which nothing is found. @type {FlowCheck} */
const NOTHING = { errors: [], hints: [] };

/** Fires `change` when a check has ended. */
export class Checks extends EventTarget {
  /**
   * The errors of the last check or run, by step id.
   * @type {Map<string | undefined, FieldError[]>}
   */
  #errors = new Map();
  /** The hints of the last check, by step id. @type {Map<string, Hint[]>} */
  #hints = new Map();
  /** The number of the newest check: answers to older ones are dropped. */
  #count = 0;
  /** The timer of the next check, which waits until the user pauses. */
  #timer = 0;
  #state;
  #complain;

  /** @param {FlowState} state @param {(text: string) => void} complain */
  constructor(state, complain) {
    super();
    this.#state = state;
    this.#complain = complain;
  }

  /** @param {string} id */
  errorsOf(id) {
    return this.#errors.get(id) ?? [];
  }

  /** @param {string} id */
  hintsOf(id) {
    return this.#hints.get(id) ?? [];
  }

  /**
   * Show the fields of a step that a run has refused.
   * @param {string} id
   * @param {FieldError[]} fields
   */
  refuse(id, fields) {
    if (fields.length > 0) this.#errors.set(id, fields);
  }

  /** Check the flow when the user pauses. */
  schedule() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.check(), CHECK_AFTER_MS);
  }

  /** Let the server check the flow, and return the errors. */
  async check() {
    clearTimeout(this.#timer);
    this.#count += 1;
    const number = this.#count;
    const { errors, hints } = await this.#validate();
    if (number !== this.#count) return errors;
    this.#errors = Map.groupBy(errors, (error) => this.ownerOf(error));
    this.#hints = Map.groupBy(hints, ({ step }) => step);
    this.dispatchEvent(new Event("change"));
    return errors;
  }

  /**
   * Return the id of the step that an error belongs to: the first step for one of the whole flow.
   * @param {FlowError} error
   */
  ownerOf({ step, pointer }) {
    const index = /^\/steps\/(\d+)/.exec(pointer)?.[1] ?? 0;
    return step ?? this.#state.steps[Number(index)]?.id;
  }

  /** @returns {Promise<FlowCheck>} */
  async #validate() {
    if (this.#state.steps.length === 0) return NOTHING;
    try {
      return await api.validate(this.#state.document);
    } catch (problem) {
      this.#complain(messageOf(problem));
      return NOTHING;
    }
  }
}
