/** What stands around every control: its title, its help and what is wrong with it, tied together for screen readers. */

import { h, icon } from "../dom.js";

/**
 * @typedef {object} Node one place of the form
 * @property {import("./shape.js").Schema} schema
 * @property {string} pointer
 * @property {string} pattern the pointer with * for each index, as labels are named
 * @property {string} title
 * @property {boolean} required
 */

/** @param {import("../schema-form.js").FormContext} form @param {Node} node @param {HTMLElement} control @param {...unknown} tools */
export function frame(form, node, control, ...tools) {
  const id = form.id(node.pointer);
  const target = control.matches("input, select, textarea, [role=textbox]") ? control : (control.querySelector("[data-sf-control]") ?? control);
  target.id = id;
  const label = h(target.matches("[role=textbox]") ? "span" : "label", { class: "sf-label", id: `${id}-label`, for: id }, node.title, mark(node));
  if (target.matches("[role=textbox]")) target.setAttribute("aria-labelledby", `${id}-label`);
  if (node.required && target.matches("input, select, textarea, [role=textbox]")) target.setAttribute("aria-required", "true");
  const wrapper = h("div", { class: "sf-field", "data-pointer": node.pointer }, h("div", { class: "sf-head" }, label, ...tools), control, ...notes(node, id));
  form.register(node, wrapper, target);
  return wrapper;
}

function mark(node) {
  return node.required && h("span", { class: "sf-required", title: "Required", "aria-hidden": "true" }, "\u00a0*");
}

/** The help and the place for what is wrong; the form points the control at them. */
function notes(node, id) {
  return [
    node.schema.description && h("p", { class: "sf-help", id: `${id}-help` }, node.schema.description),
    h("p", { class: "sf-error", id: `${id}-error`, hidden: true }),
  ];
}

/** A group of controls, as a fieldset. @param {import("../schema-form.js").FormContext} form @param {Node} node @param {unknown[]} children */
export function fieldset(form, node, children) {
  const id = form.id(node.pointer);
  const wrapper = h(
    "fieldset",
    { class: "sf-field sf-group", "data-pointer": node.pointer, id, tabindex: "-1" },
    h("legend", { class: "sf-label" }, node.title, mark(node)),
    ...notes(node, id),
    ...children,
  );
  form.register(node, wrapper, wrapper);
  return wrapper;
}

/**
 * A fold.
 * @param {string} title @param {unknown[]} children @param {Record<string, unknown>} [attributes]
 * @returns {HTMLDetailsElement}
 */
export function fold(title, children, attributes = {}) {
  return h(
    "details",
    { class: "fold", ...attributes },
    h("summary", {}, icon("chevron"), h("span", {}, title), h("span", { class: "fold-note" })),
    h("div", { class: "fold-body" }, ...children),
  );
}
