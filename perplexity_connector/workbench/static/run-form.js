/** The form above Run: the values of the flow's inputs for the next run. */

/** @import { JsonObject, Schema } from "./types.js" */

import { h } from "./dom.js";
import { isSame } from "./form/pointer.js";
import "./schema-form.js";

export class RunForm {
  element = h("schema-form", { class: "run-form" });
  #onChange;

  /** @param {() => void} onChange called when a value changes */
  constructor(onChange) {
    this.#onChange = onChange;
    this.element.plain = true;
    this.element.addEventListener("edit", () => this.#onChange());
  }

  get values() {
    return this.element.value;
  }

  set values(/** @type {JsonObject} */ values) {
    this.element.value = values;
  }

  /** Show the form of a schema. Values stay where their inputs do. @param {Schema} schema */
  show(schema) {
    const form = this.element;
    if (isSame(schema, form.schema)) return;
    const names = Object.keys(schema.properties ?? {});
    const kept = Object.entries(form.value).filter(([name]) => names.includes(name));
    form.schema = schema;
    if (schema.additionalProperties === false) form.value = Object.fromEntries(kept);
  }

  /** Forget all values: another flow has others. */
  clear() {
    this.element.showAll = false;
    this.element.value = {};
  }

  /** Return whether the values are complete. If not, show the missing ones, and go there. */
  check() {
    const form = this.element;
    const [first] = form.errors;
    form.showAll = true;
    if (first) form.focusField(first.pointer);
    return first === undefined;
  }
}
