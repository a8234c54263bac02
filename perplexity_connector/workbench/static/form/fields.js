/** Each place of a schema as the control that fits it. */

import { h } from "../dom.js";
import { choice, date, number, secret, toggle, writing } from "./scalars.js";
import { combobox } from "./combobox.js";
import { fieldset, fold } from "./frame.js";
import { child } from "./pointer.js";
import { lines, list, raw } from "./structures.js";
import { arranged, branchOf, kindOf } from "./shape.js";
import { mappable } from "./tokens.js";

/** @typedef {import("../schema-form.js").FormContext} FormContext @typedef {import("./frame.js").Node} Node */

const DRAWERS = {
  choice, date, group, json: raw, line: suggesting, lines, list: (form, node) => list(form, node, field), number, secret, switch: toggle, text: writing, union,
};

/** @param {FormContext} form @param {Node} node @returns {HTMLElement} */
export function field(form, node) {
  return DRAWERS[kindOf(node.schema)](form, node);
}

/**
 * The fields of an object: the basic ones, and the others in a fold.
 * @param {FormContext} form @param {import("./shape.js").Schema} schema @returns {unknown[]}
 */
export function rootFields(form, schema) {
  const { basic, advanced } = arranged(schema);
  const draw = (name) => field(form, property(schema, { pointer: "", pattern: "" }, name));
  if (basic.length === 0) return advanced.map(draw);
  return [basic.map(draw), advanced.length > 0 && fold("More options", advanced.map(draw), { class: "fold sf-more" })];
}

function property(schema, { pointer, pattern }, name) {
  const inner = schema.properties[name];
  return {
    schema: inner,
    pointer: child(pointer, name),
    pattern: child(pattern, name),
    title: inner.title ?? name,
    required: (schema.required ?? []).includes(name),
  };
}

function group(form, node) {
  return fieldset(form, node, [h("div", { class: "sf-grid" }, Object.keys(node.schema.properties).map((name) => field(form, property(node.schema, node, name))))]);
}

/** A line of text, with suggestions where the action names a source of them. */
function suggesting(form, node) {
  const ask = form.optionsFor(node.pointer);
  return ask ? mappable(form, node, () => combobox(form, node, ask)) : writing(form, node);
}

/** One or several: a switch over the branches of a union, which keeps what was written. */
function union(form, node) {
  const branch = branchOf(node.schema, form.get(node.pointer));
  const bound = form.binding(node.pointer) !== undefined;
  // Claimed before the branch is drawn: what is drawn anew later is the whole union.
  form.register(node, null, null);
  const inner = field(form, { ...node, schema: branch });
  const choose = (other) => () => {
    form.set(node.pointer, converted(form.get(node.pointer), other));
    form.draw(node.pointer);
  };
  const radios = node.schema.anyOf.map((other, index) =>
    h(
      "label",
      { class: "sf-segment" },
      h("input", { type: "radio", name: `${form.id(node.pointer)}-branch`, value: index, checked: other === branch, disabled: bound, onchange: choose(other) }),
      h("span", {}, other.title),
    ),
  );
  const switcher = h("div", { class: "sf-segments", role: "radiogroup", "aria-label": `${node.title}: which kind` }, radios);
  inner.querySelector(".sf-head").after(switcher);
  return inner;
}

function converted(value, branch) {
  if (branch.type === "array") return typeof value === "string" ? value.split("\n").filter((line) => line !== "") : [];
  return Array.isArray(value) ? value.join("\n") : "";
}
