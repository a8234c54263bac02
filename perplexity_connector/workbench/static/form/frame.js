/** The frame of every control: title, help, errors and hints, connected for screen readers. */

/** @import { Attributes, Child, FormNode } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { fill, h, drawIcon } from "../dom.js";

const CONTROLS = "input, select, textarea, [role=textbox], .sf-taken";

/**
 * Draw the frame of a control, and register both with the form.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {HTMLElement} control the control, or an element around one with `data-sf-control`
 * @param {...Child} tools
 */
export function drawFrame(form, node, control, ...tools) {
  const id = form.idOf(node.pointer);
  const target = findControl(control);
  target.id = id;
  if (node.schema.readOnly) lock(target);
  const isTextBox = target.matches("[role=textbox], [role=group]");
  const title = { class: "sf-label", id: `${id}-label`, for: id };
  const label = h(isTextBox ? "span" : "label", title, node.title, drawMark(node));
  if (isTextBox) target.setAttribute("aria-labelledby", `${id}-label`);
  const isWritable = target.matches(CONTROLS) && !target.matches("[role=group]");
  if (node.required && isWritable) target.setAttribute("aria-required", "true");
  const wrapper = h(
    "div",
    { class: "sf-field", "data-pointer": node.pointer },
    h("div", { class: "sf-head" }, label, tools),
    control,
    drawNotes(node, id),
  );
  form.register(node, wrapper, target);
  return wrapper;
}

/** Let a value be read and copied, but not changed. @param {HTMLElement} control */
function lock(control) {
  const isText = control.matches("textarea, input:not([type=checkbox])");
  control.toggleAttribute(isText ? "readonly" : "disabled", true);
}

/** @param {HTMLElement} control @returns {HTMLElement} */
function findControl(control) {
  if (control.matches(CONTROLS)) return control;
  return control.querySelector("[data-sf-control]") ?? control;
}

/** @param {FormNode} node */
function drawMark({ required, schema: { deprecated, readOnly } }) {
  const attributes = { class: "sf-required", title: "Required", "aria-hidden": "true" };
  return [
    required && h("span", attributes, "\u00a0*"),
    deprecated && [" ", h("span", { class: "sf-mark" }, "deprecated")],
    readOnly && [" ", h("span", { class: "sf-mark" }, "read only")],
  ];
}

/** Draw the help and the places for errors and hints. @param {FormNode} node @param {string} id */
function drawNotes({ schema }, id) {
  return [
    schema.description && h("p", { class: "sf-help", id: `${id}-help` }, schema.description),
    h("p", { class: "sf-error", id: `${id}-error`, hidden: true }),
    h("p", { class: "sf-hint", id: `${id}-hint`, hidden: true }),
  ];
}

/**
 * Add a sentence to the help of a field.
 * @param {HTMLElement} wrapper
 * @param {string} id the id of the control
 * @param {string} sentence
 */
export function addHelp(wrapper, id, sentence) {
  const help = wrapper.querySelector(":scope > .sf-help");
  if (help) help.append(` ${sentence}`);
  else {
    const added = h("p", { class: "sf-help", id: `${id}-help` }, sentence);
    wrapper.querySelector(":scope > .sf-error")?.before(added);
  }
}

/**
 * Draw a group of controls as a fieldset, and register it with the form.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {Child[]} children
 */
export function drawFieldset(form, node, children) {
  const id = form.idOf(node.pointer);
  const disabled = node.schema.readOnly;
  const wrapper = h(
    "fieldset",
    { class: "sf-field sf-group", "data-pointer": node.pointer, id, tabindex: "-1", disabled },
    h("legend", { class: "sf-label" }, node.title, drawMark(node)),
    drawNotes(node, id),
    children,
  );
  form.register(node, wrapper, wrapper);
  return wrapper;
}

/**
 * Draw a fold.
 * @param {string} title
 * @param {Child[]} children
 * @param {Attributes<HTMLDetailsElement>} [attributes]
 */
export function drawFold(title, children, attributes = {}) {
  const note = h("span", { class: "fold-note" });
  return h(
    "details",
    { class: "fold", ...attributes },
    h("summary", {}, drawIcon("chevron"), h("span", {}, title), note),
    h("div", { class: "fold-body" }, children),
  );
}

/**
 * Draw a fold whose content is drawn when it is opened first.
 * @param {string} title
 * @param {() => Child} draw
 * @param {string} [className]
 */
export function drawLateFold(title, draw, className = "fold") {
  const place = h("div");
  const fold = drawFold(title, [place], { class: className });
  fold.addEventListener("toggle", () => {
    if (fold.open && place.childElementCount === 0) fill(place, draw());
  });
  return fold;
}
