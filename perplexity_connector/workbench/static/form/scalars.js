/** Controls for one value: text, numbers, choices, switches, dates, secrets. */

/** @import { Attributes, FormNode, Json, Schema } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { h } from "../dom.js";
import { drawFrame } from "./frame.js";
import { kindOf } from "./shape.js";
import { drawMappable } from "./tokens.js";

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** Return an example or the default of a field as a hint, or undefined. @param {FormNode} node */
export function hintOf({ schema }) {
  const example = schema.examples?.[0];
  if (example !== undefined) return `e.g. ${example}`;
  const { default: standard } = schema;
  if (standard === undefined || typeof standard === "object") return undefined;
  return `Default: ${standard}`;
}

/**
 * Return the handler that puts the text of a control into the form.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
function textSetter(form, node) {
  return (/** @type {Event & {currentTarget: {value: string}}} */ event) =>
    form.set(node.pointer, event.currentTarget.value || node.blank);
}

/** Return the value of a field as text. @param {SchemaForm} form @param {FormNode} node */
function textOf(form, node) {
  const value = form.get(node.pointer);
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Draw text, long or short, that can use values of earlier steps.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
export function drawText(form, node) {
  const value = textOf(form, node);
  const oninput = textSetter(form, node);
  const isLong = kindOf(node.schema) === "text";
  return drawMappable(form, node, () =>
    isLong
      ? drawTextArea({ rows: 2, value, oninput, placeholder: hintOf(node) })
      : drawLine(node, { value, oninput }),
  );
}

/** @param {FormNode} node @param {Attributes<HTMLInputElement>} attributes */
function drawLine(node, attributes) {
  return h("input", {
    type: "text",
    class: "sf-input",
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
    placeholder: hintOf(node),
    ...attributes,
  });
}

/**
 * Draw a text area that is as high as its text.
 * @param {Attributes<HTMLTextAreaElement>} attributes
 */
export function drawTextArea(attributes) {
  const area = h("textarea", { class: "sf-input sf-growing", dir: "auto", ...attributes });
  // Older browsers cannot do it by style alone.
  if (!CSS.supports("field-sizing", "content")) {
    area.addEventListener("input", () => {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight + 2}px`;
    });
  }
  return area;
}

/**
 * Draw a number. Text that is not a number stays as it is, so that the check reports it.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
export function drawNumber(form, node) {
  const { minimum, maximum, type } = node.schema;
  const input = drawLine(node, {
    class: "sf-input sf-number",
    role: "spinbutton",
    dir: "ltr",
    inputmode: type === "integer" ? "numeric" : "decimal",
    "aria-valuemin": minimum,
    "aria-valuemax": maximum,
    value: textOf(form, node),
    oninput: () => update(),
    onkeydown: (event) => {
      if (stepByKey(event, node.schema)) update();
    },
  });
  const update = () => {
    const value = readNumber(input.value);
    form.set(node.pointer, value);
    showNumber(input, value);
  };
  showNumber(input, form.get(node.pointer));
  return drawFrame(form, node, input);
}

/**
 * Show a number to screen readers.
 * @param {HTMLInputElement} input
 * @param {Json | undefined} value
 */
function showNumber(input, value) {
  if (typeof value === "number") input.setAttribute("aria-valuenow", String(value));
  else input.removeAttribute("aria-valuenow");
}

/** @param {string} text */
function readNumber(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const number = Number(trimmed);
  return NUMBER.test(trimmed) && Number.isFinite(number) ? number : trimmed;
}

/**
 * Count up or down when an arrow key is pressed, within the bounds. Return whether it was one.
 * Fractions within a small range change by tenths.
 * @param {KeyboardEvent & {currentTarget: HTMLInputElement}} event
 * @param {Schema} schema
 */
function stepByKey(event, { minimum = -Infinity, maximum = Infinity, type }) {
  const direction = directionOf(event.key);
  if (direction === 0 || event.altKey) return false;
  event.preventDefault();
  const isFine = type !== "integer" && maximum - minimum <= 10;
  const start = Number(event.currentTarget.value) || 0;
  const next = start - direction * (isFine ? 0.1 : 1);
  const bounded = Math.min(maximum, Math.max(minimum, next));
  event.currentTarget.value = String(Number(bounded.toFixed(6)));
  return true;
}

/** Return -1 for the arrow up, 1 for the arrow down, 0 for other keys. @param {string} key */
export function directionOf(key) {
  if (key === "ArrowUp") return -1;
  return key === "ArrowDown" ? 1 : 0;
}

/** Draw a choice by its labels. @param {SchemaForm} form @param {FormNode} node */
export function drawChoice(form, node) {
  const labels = form.labelsFor(node.pattern);
  const value = form.get(node.pointer);
  const choices = [...(node.schema.enum ?? [])];
  if (value !== undefined && !choices.includes(value)) choices.push(value);
  const options = choices.map((each) =>
    h("option", { value: each, selected: each === value }, labels[String(each)] ?? String(each)),
  );
  if (!node.required || value === undefined) {
    const title = node.required ? "Choose\u2026" : "Not set";
    options.unshift(h("option", { value: "", selected: value === undefined }, title));
  }
  const select = h("select", { class: "sf-input" }, options);
  select.addEventListener("change", () => {
    // The choice itself, which may be a number.
    form.set(
      node.pointer,
      choices.find((each) => String(each) === select.value),
    );
  });
  return drawFrame(form, node, select);
}

/**
 * Draw yes or no. A value that is the default, or was never chosen, is absent.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
export function drawSwitch(form, node) {
  const standard = node.schema.default;
  if (standard === undefined && !node.required) return drawThreeWays(form, node);
  const input = h("input", {
    type: "checkbox",
    role: "switch",
    class: "sf-switch",
    checked: form.get(node.pointer) ?? standard ?? false,
    onchange: ({ currentTarget: { checked } }) =>
      form.set(node.pointer, checked === standard ? undefined : checked),
  });
  const wrapper = drawFrame(form, node, input);
  wrapper.classList.add("sf-field-switch");
  return wrapper;
}

/** @param {SchemaForm} form @param {FormNode} node */
function drawThreeWays(form, node) {
  const words = { "": "Not set", true: "Yes", false: "No" };
  const value = String(form.get(node.pointer) ?? "");
  const options = Object.entries(words).map(([key, word]) =>
    h("option", { value: key, selected: key === value }, word),
  );
  const select = h("select", { class: "sf-input" }, options);
  select.addEventListener("change", () => {
    form.set(node.pointer, select.value === "" ? undefined : select.value === "true");
  });
  return drawFrame(form, node, select);
}

/** Draw a day, with the browser's own picker. @param {SchemaForm} form @param {FormNode} node */
export function drawDate(form, node) {
  const input = h("input", {
    type: "date",
    class: "sf-input sf-date",
    max: "9999-12-31",
    value: textOf(form, node),
    oninput: textSetter(form, node),
  });
  return drawFrame(form, node, input);
}

/**
 * Draw a secret. An earlier value is never put back into the page.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
export function drawSecret(form, node) {
  const input = h("input", {
    type: "password",
    class: "sf-input",
    autocomplete: "new-password",
    spellcheck: "false",
    oninput: textSetter(form, node),
  });
  return drawFrame(form, node, input);
}
