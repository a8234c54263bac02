/** The inside of an open step card: its id, its connection, its repetition and its form. */

/** @import { Description, Earlier, FieldError, Step } from "./types.js" */
/** @import { CardHooks, View } from "./steps.js" */

import { drawProblem, fill, h, isTextField } from "./dom.js";
import { drawSetting, RepeatSettings } from "./step-repeat.js";
import "./schema-form.js";

/** The value of the choice that opens the connections. No connection can have this name. */
const MANAGE = "\u0000manage";
/** The field that asks for a stream. Its value stays in the flow. */
const SWITCH = "/stream";
/** The errors of a flow that are about the repetition of one of its steps. */
const IN_EACH = /^\/steps\/\d+\/each/;

export class StepBody {
  /** The step as it was shown last. @type {Step} */
  step;
  form = h("schema-form");
  /** Whether the action streams: here it always does, so its switch is not shown. */
  #streams = false;
  /** Settled when the form is in its place, or cannot be. @type {Promise<void>} */
  ready;
  /** The notes that are shown, as JSON. */
  #shown = "";
  #hooks;
  #parts;
  #repeat;

  /** @param {Step} step @param {CardHooks} hooks */
  constructor(step, hooks) {
    this.step = step;
    this.#hooks = hooks;
    this.#repeat = new RepeatSettings(step.uid, (change, key) => hooks.edit(step.uid, change, key));
    this.#parts = this.#drawParts();
    const { settings, eachError, formPlace } = this.#parts;
    const children = [settings, this.#repeat.element, eachError, formPlace];
    this.element = h("div", { class: "step-body" }, children);
    this.ready = this.#begin();
  }

  /** Whether there is half-written text that is not in the step yet. */
  get isUnfinished() {
    return this.form.unfinished !== null || !this.#parts.idError.hidden;
  }

  /** @param {Step} step @param {View} view @param {Earlier[]} sources */
  show(step, view, sources) {
    this.step = step;
    const { idField, idError } = this.#parts;
    // A refused id stays in the field, beside its error.
    const isEdited = document.activeElement === idField || !idError.hidden;
    if (!isEdited) idField.value = step.id;
    this.#showConnections(view.connections);
    this.#repeat.show(step, sources);
    const { input: value, bindings } = step;
    Object.assign(this.form, { references: sources, value, bindings });
    this.#hideSwitch();
    this.#showNotes(view);
  }

  /**
   * Move the focus to the place of an error. Return whether there is one.
   * @param {string} pointer
   */
  async focusField(pointer) {
    const settings = this.#repeat.element.querySelector("button");
    if (IN_EACH.test(pointer) && settings) {
      settings.focus();
      return true;
    }
    if (this.form.isConnected) return this.form.focusField(pointer);
    await this.ready;
    return this.form.focusField(pointer);
  }

  #drawParts() {
    const { uid, id } = this.step;
    const idField = h("input", {
      class: "sf-input step-id",
      value: id,
      spellcheck: "false",
      autocomplete: "off",
      id: `step-id-${uid}`,
      onchange: () => this.#rename(),
    });
    const idError = h("p", { class: "sf-error", hidden: true, id: `step-id-error-${uid}` });
    const connection = h("select", {
      class: "sf-input",
      id: `step-connection-${uid}`,
      onchange: () => this.#chooseConnection(),
    });
    const settings = h(
      "div",
      { class: "step-settings" },
      drawSetting("Step id", idField, idError),
      drawSetting("Connection", connection),
    );
    const eachError = h("p", { class: "sf-error", hidden: true });
    const loading = h("p", { class: "muted" }, "Loading the form\u2026");
    const formPlace = h("div", { class: "step-form" }, loading);
    return { idField, idError, connection, settings, eachError, formPlace };
  }

  async #begin() {
    const { formPlace } = this.#parts;
    const arrived = this.#hooks.descriptionOf(this.step);
    try {
      this.#drawForm(arrived ?? (await this.#hooks.describe(this.step)));
    } catch (problem) {
      fill(formPlace, drawProblem(problem));
    }
  }

  /** Hide the field that asks for a stream, unless it takes a value. */
  #hideSwitch() {
    this.form.classList.toggle("is-streaming", this.#streams && !this.step.bindings[SWITCH]);
  }

  /** @param {Description} description */
  #drawForm(description) {
    const { form } = this;
    const hooks = this.#hooks;
    this.#streams = description.action.streaming === true;
    this.#hideSwitch();
    form.schema = description.schemas.input;
    form.labels = description.labels;
    form.options = hooks.optionsFor(description, () => this.step);
    form.value = this.step.input;
    form.bindings = this.step.bindings;
    form.addEventListener("edit", ({ detail: { value, bindings } }) => {
      hooks.edit(this.step.uid, { input: value, bindings }, keyOfEdit());
    });
    fill(this.#parts.formPlace, form);
  }

  /** Show the errors and hints. The same ones are not shown again. @param {View} view */
  #showNotes({ errors, hints, showAll }) {
    const shown = JSON.stringify([errors, hints, showAll]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const inEach = errors.filter(({ pointer }) => IN_EACH.test(pointer));
    const inForm = errors.filter(({ pointer }) => !IN_EACH.test(pointer));
    this.#showEachErrors(inEach);
    Object.assign(this.form, { hints, errors: inForm, showAll });
  }

  /** @param {FieldError[]} errors */
  #showEachErrors(errors) {
    const { eachError } = this.#parts;
    eachError.textContent = errors.map(({ message }) => message).join(" ");
    eachError.hidden = errors.length === 0;
  }

  /** @param {string[]} names */
  #showConnections(names) {
    const { connection: chosen } = this.step;
    const select = this.#parts.connection;
    /** @type {[value: string, label: string][]} */
    const choices = [["", this.#hooks.environmentName]];
    for (const name of names) choices.push([name, name]);
    const isMissing = chosen !== null && !names.includes(chosen);
    if (isMissing) choices.push([chosen, `${chosen} (not stored here)`]);
    choices.push([MANAGE, "Manage connections\u2026"]);
    // The same choices are not drawn again: that would close the list under the user's hand.
    const drawn = JSON.stringify([choices, chosen]);
    if (select.dataset.drawn === drawn) return;
    select.dataset.drawn = drawn;
    const options = choices.map(([value, label]) =>
      h("option", { value, selected: value === (chosen ?? "") }, label),
    );
    fill(select, options);
  }

  #chooseConnection() {
    const { step } = this;
    const select = this.#parts.connection;
    if (select.value !== MANAGE) {
      this.#hooks.edit(step.uid, { connection: select.value || null });
      return;
    }
    select.value = step.connection ?? "";
    this.#hooks.manageConnections(step);
  }

  #rename() {
    const { idField, idError } = this.#parts;
    const error = this.#hooks.rename(this.step.uid, idField.value.trim());
    idError.textContent = error;
    idError.hidden = error === "";
    idField.setAttribute("aria-invalid", String(error !== ""));
    idField.setAttribute("aria-describedby", idError.id);
  }
}

/**
 * Return the undo key of an edit. Typing in one text is undone together, a button's work by itself.
 */
export function keyOfEdit() {
  const focused = document.activeElement;
  if (!focused || !isTextField(focused)) return "";
  const field = focused.closest("[data-pointer]");
  return `input ${field?.getAttribute("data-pointer") ?? ""}`;
}
