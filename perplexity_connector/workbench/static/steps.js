/** A step as a card: its title, its id, its connection and its form. */

/**
 * @import {
 *   Description, Earlier, Entry, FieldError, Hint, SavedStep, Step, StepStatus, Suggest,
 * } from "./types.js"
 */
/** @import { Zone } from "./drag.js" */

import { fill, h, drawIcon, drawIconButton, isTextField, messageOf } from "./dom.js";
import { makeDraggable } from "./drag.js";
import { directionOf } from "./form/scalars.js";
import "./schema-form.js";

/**
 * Everything that a card shows beside its step.
 * @typedef {object} View
 * @property {number} index
 * @property {number} count the number of steps
 * @property {Entry | undefined} entry
 * @property {Earlier[]} references
 * @property {FieldError[]} errors
 * @property {Hint[]} hints
 * @property {boolean} showAll whether errors of fields that are not filled in yet are shown
 * @property {StepStatus | ""} status the status of the last run
 * @property {string[]} connections the names of the stored connections
 */

/**
 * What a card asks of the workbench and of the flow.
 * @typedef {object} CardHooks
 * @property {(step: SavedStep) => Promise<Description>} describe
 * @property {(description: Description, step: () => Step) => Record<string, Suggest>} optionsFor
 * @property {(step: Step) => void} manageConnections
 * @property {string} environmentName the name of the choice without a stored connection
 * @property {Zone} zone
 * @property {(uid: number, change: Partial<SavedStep>, key?: string) => void} edit
 * @property {(uid: number, id: string) => string} rename return the error as text, or ""
 * @property {(uid: number) => void} remove
 * @property {(uid: number, direction: number) => void} move
 * @property {(uid: number, gap: number) => void} drop
 * @property {(isDragged: boolean) => void} onDrag
 */

/** The value of the choice that opens the connections. No connection can have this name. */
const MANAGE = "\u0000manage";

export class StepCard {
  /** The step as it was shown last. @type {Step} */
  step;
  /** The card itself. @type {HTMLElement} */
  element;
  form = h("schema-form");
  /** The view that was shown last; null before the first one. @type {View | null} */
  #view = null;
  #isOpen = true;
  #hooks;
  #parts;

  /** @param {Step} step @param {CardHooks} hooks */
  constructor(step, hooks) {
    this.step = step;
    this.#hooks = hooks;
    this.#parts = { ...this.#drawHeadParts(), ...this.#drawBodyParts() };
    this.element = this.#drawCard();
    makeDraggable(this.element, this.#parts.grip, {
      label: step.action.replaceAll("_", " "),
      zone: hooks.zone,
      drop: (gap) => hooks.drop(step.uid, gap),
      begin: () => hooks.onDrag(true),
      end: () => hooks.onDrag(false),
    });
    this.#loadForm();
  }

  /** Show a step as it is now. @param {Step} step @param {View} view */
  show(step, view) {
    this.step = step;
    this.#view = view;
    this.#showHead(view);
    this.#showConnections(view.connections);
    const { references, errors, hints, showAll } = view;
    const { input: value, bindings } = step;
    Object.assign(this.form, { references, value, bindings, hints, errors, showAll });
  }

  /** Show or hide the form. @param {boolean} isOpen */
  setOpen(isOpen) {
    const { body, fold } = this.#parts;
    const label = isOpen ? "Hide the form" : "Show the form";
    this.#isOpen = isOpen;
    body.hidden = !isOpen;
    fold.setAttribute("aria-expanded", String(isOpen));
    fold.setAttribute("aria-label", label);
    fold.title = label;
  }

  #drawHeadParts() {
    const { uid } = this.step;
    const hooks = this.#hooks;
    const toggle = () => this.setOpen(!this.#isOpen);
    const folding = { "aria-expanded": "true", class: "icon-button step-fold" };
    const grip = { class: "grip", "data-drag-handle": true, title: "Drag to move" };
    return {
      number: h("span", { class: "step-number" }),
      title: h("h3", { class: "step-title" }),
      image: h("img", { class: "action-icon", alt: "", draggable: "false" }),
      status: h("span", { class: "chip", hidden: true }),
      wrong: h("span", { class: "chip chip-failed", hidden: true }),
      grip: h("span", grip, drawIcon("drag")),
      up: drawIconButton("arrowUp", "Move the step up", () => hooks.move(uid, -1)),
      down: drawIconButton("arrowDown", "Move the step down", () => hooks.move(uid, 1)),
      remove: drawIconButton("trash", "Remove the step", () => hooks.remove(uid)),
      fold: drawIconButton("chevron", "Hide the form", toggle, folding),
    };
  }

  #drawBodyParts() {
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
    const loading = h("p", { class: "muted" }, "Loading the form\u2026");
    const formPlace = h("div", { class: "step-form" }, loading);
    const body = h("div", { class: "step-body" }, settings, formPlace);
    return { idField, idError, connection, formPlace, body };
  }

  #drawCard() {
    const { grip, fold, image, title, number, status, wrong } = this.#parts;
    const { up, down, remove, body } = this.#parts;
    const name = h("div", { class: "step-name" }, title, number);
    const tools = h("div", { class: "step-tools" }, up, down, remove);
    return h(
      "section",
      {
        class: "step",
        tabindex: "0",
        role: "group",
        "data-uid": this.step.uid,
        "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown Delete",
        onkeydown: (event) => this.#onKey(event),
      },
      h("div", { class: "step-head" }, grip, fold, image, name, status, wrong, tools),
      body,
    );
  }

  async #loadForm() {
    const { form } = this;
    const { formPlace } = this.#parts;
    const hooks = this.#hooks;
    try {
      const description = await hooks.describe(this.step);
      form.schema = description.schemas.input;
      form.labels = description.labels;
      form.options = hooks.optionsFor(description, () => this.step);
      form.value = this.step.input;
      form.bindings = this.step.bindings;
      form.addEventListener("edit", ({ detail: { value, bindings } }) => {
        hooks.edit(this.step.uid, { input: value, bindings }, keyOfEdit());
      });
      fill(formPlace, form);
      if (this.#view) this.show(this.step, this.#view);
    } catch (problem) {
      fill(formPlace, h("p", { class: "note note-danger" }, messageOf(problem)));
    }
  }

  /** @param {View} view */
  #showHead({ index, count, entry, status, errors, showAll }) {
    const { step } = this;
    const parts = this.#parts;
    const title = entry?.title ?? step.action;
    parts.title.textContent = title;
    parts.number.textContent = `Step ${index + 1} of ${count} \u00b7 ${step.id}`;
    this.element.setAttribute("aria-label", `Step ${index + 1}: ${title}, ${step.id}`);
    parts.image.hidden = !entry;
    if (entry && parts.image.src !== entry.icon) parts.image.src = entry.icon;
    parts.up.disabled = index === 0;
    parts.down.disabled = index === count - 1;
    // A refused id stays in the field, beside its error.
    const isEdited = document.activeElement === parts.idField || !parts.idError.hidden;
    if (!isEdited) parts.idField.value = step.id;
    parts.status.hidden = status === "";
    parts.status.className = `chip chip-${status}`;
    parts.status.textContent = status;
    parts.wrong.hidden = !showAll || errors.length === 0;
    parts.wrong.textContent = `${errors.length} to fix`;
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

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { uid } = this.step;
    const direction = directionOf(event.key);
    const isOnCard = event.target === this.element;
    if (event.altKey && direction !== 0) {
      event.preventDefault();
      this.#hooks.move(uid, direction);
    } else if (isOnCard && ["Delete", "Backspace"].includes(event.key)) {
      event.preventDefault();
      this.#hooks.remove(uid);
    } else if (isOnCard && event.key === "Enter") {
      event.preventDefault();
      this.setOpen(!this.#isOpen);
    }
  }
}

/** @param {string} title @param {HTMLElement} control @param {...HTMLElement} more */
function drawSetting(title, control, ...more) {
  const label = h("label", { class: "sf-label", for: control.id }, title);
  return h("div", { class: "step-setting" }, label, control, more);
}

/**
 * Return the undo key of an edit. Typing in one text is undone together, a button's work by itself.
 */
function keyOfEdit() {
  const focused = document.activeElement;
  if (!focused || !isTextField(focused)) return "";
  const field = focused.closest("[data-pointer]");
  return `input ${field?.getAttribute("data-pointer") ?? ""}`;
}
