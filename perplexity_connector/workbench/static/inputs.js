/** The inputs of the flow: the form above Run, and the editor that declares them. */

/** @import { JsonObject } from "./types.js" */
/** @import { FlowState } from "./flow-state.js" */

import { h, drawIcon } from "./dom.js";
import { InputEditor } from "./input-editor.js";
import { RunForm } from "./run-form.js";

export class InputsPanel {
  /** Whether the editor is shown. */
  #isEditing = false;
  #state;
  #form;
  #editor;
  #parts;

  /** @param {FlowState} state @param {() => void} onChange called when a value changes */
  constructor(state, onChange) {
    this.#state = state;
    this.#form = new RunForm(onChange);
    this.#editor = new InputEditor(state);
    this.#parts = this.#drawParts();
    state.addEventListener("load", () => this.#form.clear());
    const { add, head } = this.#parts;
    const { element: form } = this.#form;
    const { element: editor } = this.#editor;
    const attributes = { class: "flow-inputs", role: "group", "aria-label": "Inputs of the flow" };
    this.element = h("div", attributes, add, head, form, editor);
  }

  get values() {
    return this.#form.values;
  }

  set values(/** @type {JsonObject} */ values) {
    this.#form.values = values;
  }

  /** Show the flow's inputs as they are now. */
  show() {
    const { inputs, steps } = this.#state;
    const isShown = inputs !== null || this.#isEditing;
    const { add, head, edit } = this.#parts;
    this.element.classList.toggle("is-declared", isShown);
    this.element.hidden = !isShown && steps.length === 0;
    add.hidden = isShown;
    head.hidden = !isShown;
    edit.textContent = this.#isEditing ? "Done" : "Edit inputs";
    edit.setAttribute("aria-expanded", String(this.#isEditing));
    this.#form.element.hidden = inputs === null || this.#isEditing;
    if (inputs) this.#form.show(inputs);
    this.#editor.element.hidden = !this.#isEditing;
    if (this.#isEditing) this.#editor.show();
  }

  /** Return whether the values are complete. If not, show the missing ones, and go there. */
  check() {
    if (!this.#state.inputs) return true;
    this.#edit(false);
    return this.#form.check();
  }

  /** @param {string} pointer */
  focusField(pointer) {
    this.#edit(false);
    this.#form.element.focusField(pointer);
  }

  /** Move the focus to inputs that are not in the flow yet. Return whether there are any. */
  focusUnfinished() {
    if (!this.#isEditing || !this.#editor.isUnfinished) return false;
    this.#editor.focus();
    return true;
  }

  #drawParts() {
    const attributes = { type: "button", class: "link-button" };
    const add = h(
      "button",
      { ...attributes, class: "link-button flow-inputs-add", onclick: () => this.#begin() },
      drawIcon("add"),
      "Add inputs",
    );
    const onclick = () => this.#edit(!this.#isEditing);
    const edit = h("button", { ...attributes, onclick, "aria-expanded": "false" });
    const head = h("div", { class: "flow-inputs-head" }, h("h3", {}, "Inputs"), edit);
    return { add, edit, head };
  }

  #begin() {
    this.#edit(true);
    this.#editor.begin();
  }

  /** @param {boolean} isEditing */
  #edit(isEditing) {
    if (isEditing === this.#isEditing) return;
    this.#isEditing = isEditing;
    this.show();
  }
}
