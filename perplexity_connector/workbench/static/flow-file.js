/** The name of the flow on the page, and whether it has changes that are not saved. */

/** @import { Flow } from "./types.js" */
/** @import { FlowState } from "./flow-state.js" */

import { isSame } from "./form/pointer.js";

/** Fires `change` when the name or the mark of changes may be another one. */
export class FlowFile extends EventTarget {
  /** The name under which the flow is saved; empty if it is not. */
  name = "";
  /** The name to propose for a flow that is not saved, such as that of its file. */
  proposal = "";
  /** The flow as it was saved or opened last. @type {Flow} */
  #saved;
  #state;

  /** @param {FlowState} state */
  constructor(state) {
    super();
    this.#state = state;
    this.#saved = state.document;
    state.addEventListener("change", () => this.#fire());
  }

  /** Whether the flow has changes that would be lost with the page. */
  get isDirty() {
    return this.#state.steps.length > 0 && !isSame(this.#state.document, this.#saved);
  }

  /** The name to show. */
  get title() {
    return this.name || this.proposal || "Unnamed flow";
  }

  /** The flow is saved as it is now. @param {string} [name] the name, if it has one here */
  markSaved(name = this.name) {
    this.name = name;
    this.#saved = this.#state.document;
    this.#fire();
  }

  /** The saved flow has another name now, or none. @param {string} name */
  rename(name) {
    this.proposal = this.name;
    this.name = name;
    if (!name) this.#saved = { flow_version: 1, steps: [] };
    this.#fire();
  }

  /** Another flow has been opened. @param {{name?: string, proposal?: string}} names */
  markOpened({ name = "", proposal = "" }) {
    this.proposal = proposal;
    this.markSaved(name);
  }

  /** Return everything that must outlive a reload. */
  keep() {
    const { name, proposal } = this;
    return { name, proposal, saved: this.#saved };
  }

  /** @param {Partial<ReturnType<FlowFile["keep"]>>} kept */
  restore({ name = "", proposal = "", saved }) {
    this.name = name;
    this.proposal = proposal;
    if (saved) this.#saved = saved;
    this.#fire();
  }

  #fire() {
    this.dispatchEvent(new Event("change"));
  }
}
