/**
 * <schema-form>: a form drawn from a JSON Schema of the portable rules, for any page.
 *
 * Give it `schema`, and if you like `labels`, `options`, `references`, `bindings`, `value` and `errors`. It fires
 * `change` with `detail.value`, which validates and has no husks: a cleared field is absent. While somebody is still
 * writing, `edit` tells every step on the way, with `detail.valid`. It needs form.css, and the colours of style.css.
 */

import { fill, h } from "./dom.js";
import { rootFields } from "./form/fields.js";
import { fold } from "./form/frame.js";
import { errorsOf } from "./form/check.js";
import { child, get, isWithin, moved, parent, same, set } from "./form/pointer.js";
import { field } from "./form/fields.js";
import { hasSecret, pruned } from "./form/shape.js";
import { jsonArea } from "./form/structures.js";
import { spoken } from "./mapping.js";

/** @typedef {SchemaForm} FormContext what the controls of a form see of it */

const QUIET = new Set(["required", "minItems", "minLength"]);
let formCount = 0;

export class SchemaForm extends HTMLElement {
  #schema = null;
  #labels = {};
  #options = {};
  #references = [];
  #value = {};
  // What the page handed in, husks and all, for as long as nobody has changed it.
  #handed = undefined;
  #bindings = {};
  #given = null;
  #showAll = false;
  #stale = true;
  #touched = new Set();
  #problems = new Map();
  #fields = new Map();
  #number = (formCount += 1);
  #fold = null;
  #press = null;
  #pressed = false;
  #top = h("ul", { class: "sf-top", role: "alert" });

  constructor() {
    super();
    // The controls' own change events end here: only those of the whole form leave it.
    this.addEventListener("change", (event) => event.target !== this && event.stopImmediatePropagation());
    this.addEventListener("focusout", (event) => this.#touch(event.target));
  }

  connectedCallback() {
    this.#press = new AbortController();
    const follow = (name, act) => document.addEventListener(name, act, { capture: true, signal: this.#press.signal });
    follow("pointerdown", () => (this.#pressed = true));
    for (const name of ["pointerup", "pointercancel"]) follow(name, () => this.#released());
    this.#flush();
  }

  disconnectedCallback() {
    this.#press.abort();
  }

  /** The schema; setting it draws a new form. @param {import("./form/shape.js").Schema} schema */
  set schema(schema) {
    this.#schema = schema;
    this.#redraw();
  }

  get schema() {
    return this.#schema;
  }

  /** Words for choices, by the pointer of the field with a star for each index, as connector.yaml has them. */
  set labels(labels) {
    this.#labels = labels ?? {};
    this.#redraw();
  }

  /** Where suggestions come from, by pointer: `async (search) => [{value, label, description}]`. */
  set options(options) {
    this.#options = options ?? {};
    this.#redraw();
  }

  /** Earlier steps whose values may be used: [{step, title, schema, result}]. */
  set references(references) {
    const redraw = this.#references.length > 0 !== references.length > 0;
    this.#references = references;
    if (redraw) this.#redraw();
  }

  get references() {
    return this.#references;
  }

  /** The value without husks. Setting what it has already changes nothing, so a page may give back what it was told. */
  set value(value) {
    if (same(value, this.value) || same(value, this.#handed)) return;
    this.#handed = value;
    this.#value = value ?? {};
    this.#redraw();
  }

  get value() {
    return (this.#schema && pruned(this.#schema, this.#value, this.#bindings)) ?? {};
  }

  /** Places that are filled from earlier steps: {"/query": ["text", {step, pointer}]}. */
  set bindings(bindings) {
    if (same(bindings ?? {}, this.#bindings)) return;
    this.#bindings = bindings ?? {};
    this.#redraw();
  }

  get bindings() {
    return this.#bindings;
  }

  /** What is wrong, by somebody who knows more than the schema; null leaves it to the form's own check. */
  set errors(errors) {
    this.#given = errors;
    this.#showErrors();
  }

  get errors() {
    return [...this.#problems.values(), ...(this.#given ?? errorsOf(this.#schema ?? {}, this.value, this.#bindings))];
  }

  /** Whether fields that nobody has filled in yet are told off as well: after somebody tried to go on. */
  set showAll(showAll) {
    this.#showAll = showAll;
    this.#showErrors();
  }

  /** Move the focus to the control at a pointer, or to the nearest one around it. @param {string} pointer */
  focusField(pointer) {
    this.#flush();
    const entry = this.#fields.get(this.#nearest(pointer));
    for (let node = entry?.wrapper; node && node !== this; node = node.parentElement) if (node.nodeName === "DETAILS") node.open = true;
    entry?.control.focus();
    return entry !== undefined;
  }

  /** Where JSON is written that is none yet, so that the value does not have it. @returns {HTMLElement|null} */
  get unfinished() {
    return this.querySelector(".sf-json[aria-invalid=true]");
  }

  // What follows is for the controls.

  /** @param {string} pointer */
  get(pointer) {
    return get(this.#value, pointer);
  }

  /** @param {string} pointer @param {unknown} value undefined takes it away */
  set(pointer, value) {
    this.put(pointer, value, this.#bindings[pointer]);
  }

  /** A value and a binding at once. @param {string} pointer */
  put(pointer, value, parts) {
    this.#value = set(this.#value, pointer, value);
    const { [pointer]: _, ...others } = this.#bindings;
    this.#bindings = parts ? { ...others, [pointer]: parts } : others;
    this.#changed();
  }

  /** Move an item of a list, or remove it when `to` is -1; its bindings go along. */
  move(list, from, to) {
    const items = [...this.get(list)];
    const [item] = items.splice(from, 1);
    if (to >= 0) items.splice(to, 0, item);
    this.#value = set(this.#value, list, items);
    this.#bindings = moved(this.#bindings, list, from, to);
    this.draw(list);
    this.#changed();
    if (to >= 0) this.focusInside(child(list, to));
    else this.focusField(list);
  }

  /** @param {string} pointer */
  binding(pointer) {
    return this.#bindings[pointer];
  }

  labelsFor(pattern) {
    return this.#labels[pattern] ?? {};
  }

  optionsFor(pointer) {
    return this.#options[pointer];
  }

  exampleOf(pointer) {
    return this.#schema.examples?.map((example) => get(example, pointer)).find((example) => example !== undefined);
  }

  id(pointer) {
    return `sf${this.#number}${pointer.replaceAll(/[^A-Za-z0-9]/g, "-")}`;
  }

  /** Text that is no value at all, such as half-written JSON; "" takes the complaint back. */
  problem(pointer, message) {
    if (message) this.#problems.set(pointer, { pointer, code: "json", message });
    else this.#problems.delete(pointer);
    this.#changed();
  }

  register(node, wrapper, control) {
    this.#fields.set(node.pointer, { node: this.#fields.get(node.pointer)?.node ?? node, wrapper, control });
  }

  /** Draw one field anew. @param {string} pointer */
  draw(pointer) {
    const { node, wrapper } = this.#fields.get(pointer);
    for (const place of [...this.#fields.keys()]) if (isWithin(place, pointer)) this.#fields.delete(place);
    this.#fields.set(pointer, { node, wrapper, control: wrapper });
    wrapper.replaceWith(field(this, node));
    this.#showErrors();
  }

  /** Move the focus to the first control of an item. */
  focusInside(pointer) {
    this.querySelector(`[data-item="${CSS.escape(pointer)}"] :is(textarea, input, select, [role=textbox])`)?.focus();
  }

  #redraw() {
    this.#stale = true;
    queueMicrotask(() => this.#flush());
  }

  #flush() {
    if (!this.#stale || !this.#schema || !this.isConnected) return;
    this.#stale = false;
    const focused = this.contains(document.activeElement) && document.activeElement.closest("[data-pointer]")?.dataset.pointer;
    const openFolds = [...this.querySelectorAll("details")].map((details) => details.open);
    this.#fields.clear();
    this.#problems.clear();
    this.#fold = hasSecret(this.#schema) ? null : this.#rawFold();
    fill(this, this.#top, rootFields(this, this.#schema), this.#fold);
    [...this.querySelectorAll("details")].forEach((details, index) => (details.open = openFolds[index] ?? false));
    this.#showErrors();
    if (focused) this.focusField(focused);
  }

  /** The whole input as JSON: what is written there goes into the fields, and the other way round. */
  #rawFold() {
    const note = h("p", { class: "sf-error", hidden: true });
    const area = jsonArea(this.value, (value, problem) => {
      note.textContent = problem;
      note.hidden = problem === "";
      area.setAttribute("aria-invalid", String(problem !== ""));
      if (problem) return;
      this.#value = value ?? {};
      this.#drawFields();
      this.#changed();
    });
    area.setAttribute("aria-label", `${this.#schema.title ?? "Input"} as JSON`);
    const drawn = fold("JSON", [area, note], { class: "fold sf-raw" });
    drawn.area = area;
    return drawn;
  }

  #drawFields() {
    for (const name of Object.keys(this.#schema.properties)) this.draw(child("", name));
  }

  #changed() {
    this.#handed = undefined;
    if (this.#fold && document.activeElement !== this.#fold.area) this.#fold.area.value = JSON.stringify(this.value, null, 2);
    this.#showErrors();
    const valid = this.#problems.size === 0 && errorsOf(this.#schema, this.value, this.#bindings).length === 0;
    const detail = { value: this.value, bindings: this.#bindings, valid };
    this.dispatchEvent(new CustomEvent("edit", { detail, bubbles: true }));
    if (valid) this.dispatchEvent(new CustomEvent("change", { detail, bubbles: true }));
  }

  #touch(target) {
    const pointer = target.closest?.("[data-pointer]")?.dataset.pointer;
    if (pointer === undefined || this.#touched.has(pointer)) return;
    this.#touched.add(pointer);
    // An error that comes up moves what is below it: not from under a finger that is about to press there.
    if (!this.#pressed) this.#showErrors();
  }

  #released() {
    this.#pressed = false;
    setTimeout(() => this.#showErrors(), 0);
  }

  #nearest(pointer) {
    let place = pointer;
    while (place !== "" && !this.#fields.has(place)) place = parent(place);
    return place;
  }

  #showErrors() {
    if (this.#stale || !this.#schema) return;
    const told = new Map();
    const top = [];
    for (const error of this.errors) {
      const place = this.#nearest(error.pointer);
      if (place === "") top.push(h("li", {}, error.pointer ? `${error.pointer}: ${error.message}` : error.message));
      else if (this.#isLoud(error, place)) told.set(place, [...(told.get(place) ?? []), worded(error, place)]);
    }
    fill(this.#top, top, this.#strayBindings());
    for (const [pointer, entry] of this.#fields) this.#mark(entry, pointer, told.get(pointer) ?? []);
    this.#noteFolds();
  }

  #isLoud(error, place) {
    return this.#showAll || !QUIET.has(error.code) || this.#touched.has(place);
  }

  /** Bindings of places that have no control to show them, so that none is hidden. */
  #strayBindings() {
    return Object.entries(this.#bindings)
      .filter(([pointer]) => !this.#fields.has(pointer) || !this.#fields.get(pointer).control.matches(".sf-tokens"))
      .map(([pointer, parts]) => {
        const remove = () => this.put(pointer, this.get(pointer), undefined);
        const text = parts.map((part) => (typeof part === "string" ? part : spoken(part))).join(" ");
        return h("li", { class: "sf-stray" }, h("code", {}, pointer), ` takes ${text} `, h("button", { type: "button", class: "button", onclick: remove }, "Remove"));
      });
  }

  #mark({ node, wrapper, control }, pointer, messages) {
    const id = this.id(pointer);
    const slot = wrapper.querySelector(`#${CSS.escape(id)}-error`);
    if (!slot) return;
    slot.textContent = messages.join(" ");
    slot.hidden = messages.length === 0;
    const described = [messages.length > 0 && slot.id, node.schema.description && wrapper.querySelector(`#${CSS.escape(id)}-help`) && `${id}-help`].filter(Boolean);
    if (described.length > 0) control.setAttribute("aria-describedby", described.join(" "));
    else control.removeAttribute("aria-describedby");
    if (control.nodeName !== "FIELDSET") control.setAttribute("aria-invalid", String(messages.length > 0));
    wrapper.classList.toggle("sf-wrong", messages.length > 0);
  }

  #noteFolds() {
    const more = this.querySelector(".sf-more");
    if (!more) return;
    const names = [...more.querySelectorAll(":scope > .fold-body > [data-pointer]")].map((wrapper) => wrapper.dataset.pointer);
    const count = names.filter((pointer) => get(this.value, pointer) !== undefined || this.#bindings[pointer]).length;
    const wrong = more.querySelectorAll(".sf-wrong").length;
    more.querySelector(".fold-note").textContent = [count && `${count} set`, wrong && `${wrong} to mend`].filter(Boolean).join(", ");
    more.classList.toggle("fold-wrong", wrong > 0);
  }
}

function worded(error, place) {
  const inside = /^\/(\d+)$/.exec(error.pointer.slice(place.length));
  return inside ? `Line ${Number(inside[1]) + 1}: ${error.message}` : error.message;
}

customElements.define("schema-form", SchemaForm);
