/** Controls for one value: text, numbers, choices, switches, dates, secrets. */

import { h } from "../dom.js";
import { frame } from "./frame.js";
import { kindOf } from "./shape.js";
import { mappable } from "./tokens.js";

/** @typedef {import("../schema-form.js").FormContext} FormContext @typedef {import("./frame.js").Node} Node */

/** An example of a field, as a hint in it. @param {Node} node */
export function hint(node) {
  const example = node.schema.examples?.[0];
  return example === undefined ? undefined : `e.g. ${example}`;
}

/** Text, long or short, which may take values from earlier steps. @param {FormContext} form @param {Node} node */
export function writing(form, node) {
  const draw = kindOf(node.schema) === "text" ? textarea : line;
  return mappable(form, node, () => draw(form, node));
}

function line(form, node) {
  return h("input", {
    type: "text", class: "sf-input", autocomplete: "off", spellcheck: "false", placeholder: hint(node), value: shown(form, node),
    oninput: (event) => form.set(node.pointer, event.target.value || undefined),
  });
}

function textarea(form, node) {
  return growing({
    rows: 2, value: shown(form, node), placeholder: node.placeholder,
    oninput: (event) => form.set(node.pointer, event.target.value || undefined),
  });
}

/** A text area that is as high as its text. @param {Record<string, unknown>} attributes @returns {HTMLTextAreaElement} */
export function growing(attributes) {
  const area = h("textarea", { class: "sf-input sf-growing", ...attributes });
  if (!CSS.supports("field-sizing", "content")) area.addEventListener("input", () => fit(area));
  return area;
}

/** For browsers that cannot do it by style alone. */
function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

function shown(form, node) {
  const value = form.get(node.pointer);
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A number; what is none stays as it was written, for the check to tell. @param {FormContext} form @param {Node} node */
export function number(form, node) {
  const { minimum, maximum, type } = node.schema;
  const input = h("input", {
    type: "text", class: "sf-input sf-number", role: "spinbutton", inputmode: type === "integer" ? "numeric" : "decimal", autocomplete: "off",
    "aria-valuemin": minimum, "aria-valuemax": maximum, placeholder: hint(node), value: shown(form, node),
    oninput: () => give(),
    onkeydown: (event) => stepped(event, node.schema) && give(),
  });
  const give = () => {
    const value = asNumber(input.value);
    form.set(node.pointer, value);
    if (typeof value === "number") input.setAttribute("aria-valuenow", value);
    else input.removeAttribute("aria-valuenow");
  };
  if (typeof form.get(node.pointer) === "number") input.setAttribute("aria-valuenow", form.get(node.pointer));
  return frame(form, node, input);
}

function asNumber(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed) && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

/** The arrow keys count up and down within the bounds; a share of one goes by tenths. */
function stepped(event, { minimum = -Infinity, maximum = Infinity, type }) {
  const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!direction || event.altKey) return false;
  event.preventDefault();
  const step = type === "integer" || maximum - minimum > 10 ? 1 : 0.1;
  const start = Number(event.target.value) || 0;
  event.target.value = String(Number(Math.min(maximum, Math.max(minimum, start + direction * step)).toFixed(6)));
  return true;
}

/** A choice by its labels. @param {FormContext} form @param {Node} node */
export function choice(form, node) {
  const labels = form.labelsFor(node.pattern);
  const value = form.get(node.pointer);
  const known = value === undefined || node.schema.enum.includes(value) ? node.schema.enum : [...node.schema.enum, value];
  const empty = node.required ? "Choose\u2026" : "Not set";
  const options = known.map((each) => h("option", { value: each, selected: each === value }, labels[each] ?? String(each)));
  const select = h(
    "select",
    { class: "sf-input", onchange: (event) => form.set(node.pointer, event.target.value || undefined) },
    (!node.required || value === undefined) && h("option", { value: "", selected: value === undefined }, empty),
    options,
  );
  return frame(form, node, select);
}

/** Yes or no; what equals the default, or was never touched, stays out of the value. @param {FormContext} form @param {Node} node */
export function toggle(form, node) {
  if (node.schema.default === undefined && !node.required) return threeWays(form, node);
  const input = h("input", {
    type: "checkbox", role: "switch", class: "sf-switch", checked: form.get(node.pointer) ?? node.schema.default ?? false,
    onchange: (event) => form.set(node.pointer, event.target.checked === node.schema.default ? undefined : event.target.checked),
  });
  const wrapper = frame(form, node, input);
  wrapper.classList.add("sf-field-switch");
  return wrapper;
}

function threeWays(form, node) {
  const words = { "": "Not set", true: "Yes", false: "No" };
  const value = String(form.get(node.pointer) ?? "");
  const options = Object.entries(words).map(([key, word]) => h("option", { value: key, selected: key === value }, word));
  const give = (event) => form.set(node.pointer, event.target.value === "" ? undefined : event.target.value === "true");
  return frame(form, node, h("select", { class: "sf-input", onchange: give }, options));
}

/** A day, with the browser's own picker. @param {FormContext} form @param {Node} node */
export function date(form, node) {
  const give = (event) => form.set(node.pointer, event.target.value || undefined);
  return frame(form, node, h("input", { type: "date", class: "sf-input sf-date", max: "9999-12-31", value: shown(form, node), oninput: give }));
}

/** A secret: what was given before is never put back into the page. @param {FormContext} form @param {Node} node */
export function secret(form, node) {
  const give = (event) => form.set(node.pointer, event.target.value || undefined);
  return frame(form, node, h("input", { type: "password", class: "sf-input", autocomplete: "new-password", spellcheck: "false", oninput: give }));
}
