/**
 * `<schema-form>`: a form for a JSON Schema, for any page.
 *
 * Set `schema`, and optionally `labels`, `options`, `references`, `bindings`, `value`, `errors` and
 * `hints`. The form fires `change` with `detail.value`, which is valid and has no blanks: a cleared
 * field is absent. At every step it fires `edit`, with `detail.valid`. It needs form.css.
 */

/**
 * @import {
 *   Bindings, Earlier, FieldError, FormEdit, FormNode, Hint, Json, JsonObject, Part, Schema,
 *   Suggest,
 * } from "./types.js"
 */

import { fill, h } from "./dom.js";
import { schemaAt } from "./form/agreement.js";
import { findErrors } from "./form/check.js";
import { ErrorState } from "./form/error-state.js";
import { drawStrayBindings, drawTopNotes, showFoldNote, showNotes } from "./form/errors.js";
import { FieldMap, openFolds, pointerAround, pointerLeft } from "./form/field-map.js";
import { drawField, drawRootFields } from "./form/fields.js";
import { get, isObject, isSame, joinPointer, moveItem, putEntry, set } from "./form/pointer.js";
import { readSchema } from "./form/portable.js";
import { Press } from "./form/press.js";
import { dropBlanks, hasSecret } from "./form/shape.js";
import { drawRawFold } from "./form/structures.js";
import { addStyles } from "./form/styles.js";

let formCount = 0;

export class SchemaForm extends HTMLElement {
  /** The schema as the page has set it. @type {Schema | null} */
  #given = null;
  /** The schema as it is drawn and checked. @type {Schema | null} */
  #schema = null;
  /** Words for choices, by pattern. @type {Record<string, Record<string, string>>} */
  #labels = {};
  /** Sources of suggestions, by pointer. @type {Record<string, Suggest>} */
  #options = {};
  /** @type {Earlier[]} */
  #references = [];
  /** The value with its blanks. @type {Json | undefined} */
  #value = {};
  /** The value that the page has set, until the user changes it. @type {unknown} */
  #received = undefined;
  /** @type {Bindings} */
  #bindings = {};
  #errors = new ErrorState();
  /** Whether the form must be drawn again before it is used. */
  #isStale = true;
  #fields = new FieldMap();
  #number = (formCount += 1);
  /**
   * The area with the whole value as JSON; null where the schema has a secret.
   * @type {HTMLTextAreaElement | null}
   */
  #rawArea = null;
  #plain = false;
  #press = new Press(() => this.#showErrors());
  #top = h("div", { class: "sf-top", role: "alert" });

  constructor() {
    super();
    // The controls' own change events end here: only those of the whole form leave it.
    this.addEventListener("change", (event) => {
      if (event.target !== this) event.stopImmediatePropagation();
    });
    this.addEventListener("focusout", (event) => this.#touch(event));
  }

  connectedCallback() {
    addStyles(this);
    this.#press.watch();
    this.#flush();
  }

  disconnectedCallback() {
    this.#press.stop();
  }

  /** The schema. Setting it draws a new form. */
  set schema(schema) {
    this.#given = schema;
    this.#schema = schema && readSchema(schema);
    this.#redraw();
  }

  get schema() {
    return this.#given;
  }

  /** Words for choices, by the pointer of the field with `*` for each index. */
  set labels(/** @type {Record<string, Record<string, string>> | null | undefined} */ labels) {
    this.#labels = labels ?? {};
    this.#redraw();
  }

  /** Sources of suggestions, by pointer: `async (search) => [{value, label, description}]`. */
  set options(/** @type {Record<string, Suggest> | null | undefined} */ options) {
    this.#options = options ?? {};
    this.#redraw();
  }

  /** Where values may be taken from: `[{kind, step, title, schema, result}]`. */
  set references(references) {
    const isRedrawn = this.#references.length > 0 !== references.length > 0;
    this.#references = references;
    if (isRedrawn) this.#redraw();
  }

  get references() {
    return this.#references;
  }

  /**
   * The value without blanks. Setting it to the same value changes nothing.
   * @returns {JsonObject}
   */
  get value() {
    if (!this.#schema) return {};
    const value = dropBlanks(this.#schema, this.#value);
    return isObject(value) ? value : {};
  }

  set value(value) {
    if (isSame(value, this.value) || isSame(value, this.#received)) return;
    this.#received = value;
    this.#value = value ?? {};
    this.#redraw();
  }

  /** The fields that take values of other places: `{"/query": ["text", {step, pointer}]}`. */
  set bindings(bindings) {
    if (isSame(bindings ?? {}, this.#bindings)) return;
    this.#bindings = bindings ?? {};
    this.#redraw();
  }

  get bindings() {
    return this.#bindings;
  }

  /**
   * The errors. The page may set those of a better check; null: the form checks by itself.
   * @returns {FieldError[]}
   */
  get errors() {
    return this.#errors.list(() => this.#check());
  }

  set errors(/** @type {FieldError[] | null} */ errors) {
    this.#errors.given = errors;
    this.#showErrors();
  }

  /** Whether the value has no error, and no half-written JSON: it may be sent. */
  get valid() {
    this.#flush();
    return this.errors.length === 0 && this.unfinished === null;
  }

  /** Hints, shown below their fields. */
  set hints(/** @type {Hint[]} */ hints) {
    this.#errors.hints = hints;
    this.#showErrors();
  }

  /** Whether errors of fields that are not filled in yet are shown: after a try to go on. */
  set showAll(/** @type {boolean} */ showAll) {
    this.#errors.showAll = showAll;
    this.#showErrors();
  }

  /** Whether all fields are shown at once, and no JSON: for a form that is short. */
  set plain(/** @type {boolean} */ plain) {
    this.#plain = plain;
    this.#redraw();
  }

  get plain() {
    return this.#plain;
  }

  /**
   * Move the focus to the control at a pointer, or to the nearest one around it. Return whether
   * there is one.
   * @param {string} pointer
   */
  focusField(pointer) {
    this.#flush();
    const field = this.#fields.get(this.#fields.nearest(pointer));
    if (!field) return false;
    openFolds(field.wrapper, this);
    field.control.focus();
    return true;
  }

  /**
   * The control with half-written JSON, which is not in the value yet.
   * @returns {HTMLElement | null}
   */
  get unfinished() {
    return this.querySelector(".sf-json[aria-invalid=true]");
  }

  // The methods from here on are for the controls.

  /** @param {string} pointer */
  get(pointer) {
    return get(this.#value, pointer);
  }

  /** Set a value; undefined removes it. @param {string} pointer @param {Json} [value] */
  set(pointer, value) {
    this.put(pointer, value, this.#bindings[pointer]);
  }

  /** Set both. @param {string} pointer @param {Json} [value] @param {Part[]} [parts] */
  put(pointer, value, parts) {
    this.#value = set(this.#value, pointer, value);
    this.#bindings = putEntry(this.#bindings, pointer, parts);
    this.#changed();
  }

  /**
   * Move an item of a list with its bindings, or remove it when `to` is -1.
   * @param {string} list
   * @param {number} from
   * @param {number} to
   */
  move(list, from, to) {
    [this.#value, this.#bindings] = moveItem(this.#value, this.#bindings, list, from, to);
    this.draw(list);
    this.#changed();
    if (to >= 0) this.focusInside(joinPointer(list, to));
    else this.focusField(list);
  }

  /** @param {string} pointer */
  binding(pointer) {
    return this.#bindings[pointer];
  }

  /** @param {string} pattern */
  labelsFor(pattern) {
    return this.#labels[pattern] ?? schemaAt(this.#schema ?? {}, pattern)?.choiceTitles ?? {};
  }

  /** @param {string} pointer */
  optionsFor(pointer) {
    return this.#options[pointer];
  }

  /** @param {string} pointer */
  exampleOf(pointer) {
    const values = this.#schema?.examples?.map((example) => get(example, pointer)) ?? [];
    return values.find((value) => value !== undefined);
  }

  /** Return the id of the control at a pointer. @param {string} pointer */
  idOf(pointer) {
    return `sf${this.#number}${pointer.replaceAll(/[^A-Za-z0-9]/g, "-")}`;
  }

  /**
   * Report text that is not a value, such as half-written JSON; "" withdraws the report.
   * @param {string} pointer
   * @param {string} message
   */
  setProblem(pointer, message) {
    this.#errors.setProblem(pointer, message);
    this.#changed();
  }

  /** @param {FormNode} node @param {HTMLElement} wrapper @param {HTMLElement} control */
  register(node, wrapper, control) {
    this.#fields.register({ node, wrapper, control });
  }

  /**
   * Announce a union before one of its branches is registered in its place.
   * @param {FormNode} node
   */
  claim(node) {
    this.#fields.registerUnion(node);
  }

  /** Let a field count as new: the user has not filled it in. @param {string} pointer */
  untouch(pointer) {
    this.#errors.untouch(pointer);
    this.#showErrors();
  }

  /** Draw one field again. @param {string} pointer */
  draw(pointer) {
    const field = this.#fields.get(pointer);
    if (!field) return;
    this.#fields.remove(pointer);
    field.wrapper.replaceWith(drawField(this, this.#fields.nodeOf(field)));
    this.#showErrors();
  }

  /** Move the focus to the first control of an item. @param {string} pointer */
  focusInside(pointer) {
    const item = this.querySelector(`[data-item="${CSS.escape(pointer)}"]`);
    const control = item?.querySelector("textarea, input, select, [role=textbox]");
    if (control instanceof HTMLElement) control.focus();
  }

  #redraw() {
    this.#isStale = true;
    queueMicrotask(() => this.#flush());
  }

  /** Draw the whole form if it is stale. The focus and the open folds stay. */
  #flush() {
    if (!this.#isStale || !this.#schema || !this.isConnected) return;
    this.#isStale = false;
    const focused = this.contains(document.activeElement)
      ? pointerAround(document.activeElement)
      : undefined;
    const wasOpen = [...this.querySelectorAll("details")].map(({ open }) => open);
    this.#fields.clear();
    this.#errors.clearProblems();
    this.#rawArea = null;
    const hasFields = this.#schema.properties !== undefined;
    const isRawShown = (!this.#plain || !hasFields) && !hasSecret(this.#schema);
    const raw = isRawShown ? this.#drawRaw(this.#schema) : null;
    fill(this, this.#top, drawRootFields(this, this.#schema), raw);
    this.querySelectorAll("details").forEach((details, index) => {
      details.open = wasOpen[index] ?? !hasFields;
    });
    this.#showErrors();
    if (focused) this.focusField(focused);
  }

  /** Draw the value as JSON, and put edits of it into the fields. @param {Schema} schema */
  #drawRaw(schema) {
    const names = Object.keys(schema.properties ?? {});
    const { area, fold } = drawRawFold(schema.title ?? "Input", this.value, (value) => {
      this.#value = value;
      for (const name of names) this.draw(joinPointer("", name));
      this.#changed();
    });
    this.#rawArea = area;
    return fold;
  }

  /** Show the new value everywhere, and fire the events. */
  #changed() {
    this.#received = undefined;
    if (this.#rawArea && document.activeElement !== this.#rawArea) {
      this.#rawArea.value = JSON.stringify(this.value, null, 2);
    }
    this.#showErrors();
    const valid = !this.#errors.hasProblems && this.#check().length === 0;
    /** @type {FormEdit} */
    const detail = { value: this.value, bindings: this.#bindings, valid };
    this.dispatchEvent(new CustomEvent("edit", { detail, bubbles: true }));
    if (valid) this.dispatchEvent(new CustomEvent("change", { detail, bubbles: true }));
  }

  #check() {
    return findErrors(this.#schema ?? {}, this.value, this.#bindings);
  }

  /** @param {FocusEvent} event */
  #touch(event) {
    const pointer = pointerLeft(event);
    if (pointer === undefined || !this.#errors.touch(pointer)) return;
    // A new error moves everything below it. During a press, the target would move away.
    if (!this.#press.isDown) this.#showErrors();
  }

  #showErrors() {
    if (this.#isStale || !this.#schema) return;
    const places = Map.groupBy(this.errors, ({ pointer }) => this.#fields.nearest(pointer));
    const hints = Map.groupBy(this.#errors.hints, ({ pointer }) => this.#fields.nearest(pointer));
    const stray = drawStrayBindings(
      this.#bindings,
      (pointer) => this.#fields.get(pointer)?.control,
      (pointer) => this.put(pointer, this.get(pointer), undefined),
    );
    fill(this.#top, drawTopNotes(places.get(""), hints.get("")), stray);
    for (const [place, field] of this.#fields.entries()) {
      const errors = places.get(place)?.filter((each) => this.#errors.isShown(each, place));
      showNotes(this, field, errors, hints.get(place));
    }
    showFoldNote(this.querySelector(".sf-more"), this.value, this.#bindings);
  }
}

customElements.define("schema-form", SchemaForm);
