/** Picking a value of an earlier step: a tree of what its output has by its schema, with what it had last time. */

import { fill, h, icon } from "./dom.js";
import { child, get, isObject, tokens } from "./form/pointer.js";

/** @typedef {{step: string, pointer: string}} Reference */
/** @typedef {{step: string, title: string, schema: object, result: object|null}} Earlier */

const SAMPLE_LENGTH = 60;

/** @param {Reference} reference @returns {string} a reference for people: search › results[0] › snippet */
export function spoken(reference) {
  const names = tokens(reference.pointer).reduce((done, token) => {
    if (/^\d+$/.test(token) && done.length > 0) return [...done.slice(0, -1), `${done.at(-1)}[${token}]`];
    return [...done, token];
  }, []);
  return [reference.step, ...names].join(" \u203a ");
}

/**
 * The value that the user picks, or null.
 * @param {Earlier[]} references @param {string} field the title of the field it is for @returns {Promise<Reference|null>}
 */
export function pickReference(references, field) {
  return ask(`Use a value in ${field}`, (answer) => [
    h("p", { class: "muted" }, "Pick what the field takes from a step before it. After a run, each value is shown as it was last time."),
    h("ul", { class: "tree" }, references.map((earlier, index) => root(earlier, index === references.length - 1, answer))),
  ]);
}

/**
 * The reference as the user changes it, "remove", or null for as it is.
 * @param {Earlier[]} references @param {Reference} reference @returns {Promise<Reference|"remove"|null>}
 */
export function editReference(references, reference) {
  return ask("Change this value", (answer) => {
    const names = tokens(reference.pointer);
    const state = { ...reference };
    const preview = h("p", { class: "tree-sample", "aria-live": "polite" });
    const show = () => fill(preview, h("code", {}, spoken(state)), " ", sample(valueOf(references, state)));
    const renumber = (position) => (event) => {
      names[position] = String(Math.max(0, Math.trunc(Number(event.target.value) || 0)));
      state.pointer = names.reduce(child, "");
      show();
    };
    show();
    return [
      preview,
      names.map((name, position) => /^\d+$/.test(name) && indexField(`Which of ${names[position - 1]} (0 is the first)`, name, renumber(position))),
      h(
        "div",
        { class: "dialog-buttons" },
        h("button", { type: "button", class: "button button-danger", onclick: () => answer("remove") }, "Remove"),
        h("button", { type: "button", class: "button button-primary", onclick: () => answer({ ...state }) }, "Keep"),
      ),
    ];
  });
}

function valueOf(references, { step, pointer }) {
  return get(references.find((earlier) => earlier.step === step)?.result ?? undefined, pointer);
}

/** A dialog that gives an answer, or null when it is closed without one. */
function ask(title, draw) {
  return new Promise((resolve) => {
    const answered = { with: null };
    const answer = (value) => {
      answered.with = value;
      dialog.close();
    };
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
    const dialog = h("dialog", { class: "dialog", "aria-label": title }, h("header", { class: "dialog-head" }, h("h2", {}, title), close), draw(answer));
    const opener = document.activeElement;
    dialog.addEventListener("close", () => {
      dialog.remove();
      opener?.focus?.();
      resolve(answered.with);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function root(earlier, isOpen, answer) {
  const whole = { schema: earlier.schema ?? {}, sample: earlier.result ?? undefined, pointer: "", name: earlier.step, title: earlier.title };
  return branch(whole, isOpen, (pointer) => answer({ step: earlier.step, pointer }));
}

function branch(node, isOpen, pick) {
  const inside = inner(node);
  if (!inside) return h("li", {}, row(node, pick));
  const items = h("ul", { class: "tree" });
  // Drawn when it is opened: an output may be deep.
  const fold = h("details", { class: "tree-fold", ontoggle: () => items.childElementCount === 0 && fill(items, inside(pick)) },
    h("summary", {}, icon("chevron"), h("span", {}, node.title), h("code", {}, node.name), kindWord(node)),
    h("div", { class: "tree-whole" }, row({ ...node, name: "", title: node.pointer === "" ? "The whole output" : `All of ${node.title}` }, pick)), items);
  if (isOpen) {
    fill(items, inside(pick));
    fold.open = true;
  }
  return h("li", {}, fold);
}

function kindWord({ schema, sample: value }) {
  const count = Array.isArray(value) ? `${value.length} in the last run` : "";
  return h("span", { class: "tree-kind" }, count || (isList(schema, value) ? "list" : ""));
}

function row(node, pick) {
  return h(
    "button",
    { type: "button", class: "tree-pick", "data-pick": node.pointer, onclick: () => pick(node.pointer) },
    h("span", { class: "tree-title" }, node.title), node.name && h("code", {}, node.name), sample(node.sample),
  );
}

function sample(value) {
  if (value === undefined) return false;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return h("span", { class: "tree-sample" }, text.length > SAMPLE_LENGTH ? `${text.slice(0, SAMPLE_LENGTH)}\u2026` : text);
}

function isList(schema, value) {
  return Array.isArray(value) || schema.type === "array";
}

/** How to draw what is inside a node, or null for a leaf. */
function inner(node) {
  if (isList(node.schema, node.sample)) return (pick) => listItems(node, pick);
  const names = namesIn(node);
  if (names.length === 0) return null;
  // The first list of an output is where most values are.
  return (pick) => names.map((name, index) => branch(property(node, name), index === 0 && node.pointer === "", pick));
}

function namesIn({ schema, sample: value }) {
  const known = Object.keys(objectPart(schema).properties ?? {});
  return isObject(value) ? [...new Set([...known, ...Object.keys(value)])] : known;
}

/** Output schemas may say "this object or null". */
function objectPart(schema) {
  return schema.anyOf?.find((option) => option.type === "object") ?? schema;
}

function property(node, name) {
  const schema = objectPart(node.schema).properties?.[name] ?? {};
  return { schema, sample: isObject(node.sample) ? node.sample[name] : undefined, pointer: child(node.pointer, name), name, title: schema.title ?? name };
}

/** The one item that is meant, the first unless another number is typed in. */
function listItems(node, pick) {
  const place = h("li", {});
  const draw = (index) => {
    const sampled = Array.isArray(node.sample) ? node.sample[index] : undefined;
    const item = { schema: node.schema.items ?? {}, sample: sampled, pointer: child(node.pointer, index), name: `[${index}]`, title: `Item ${index + 1}` };
    fill(place, branch(item, true, pick).firstChild);
  };
  draw(0);
  const renumber = (event) => draw(Math.max(0, Math.trunc(Number(event.target.value) || 0)));
  return [h("li", {}, indexField(`Which of ${node.title} (0 is the first)`, "0", renumber)), place];
}

function indexField(label, value, oninput) {
  return h("label", { class: "tree-index" }, h("span", {}, label), h("input", { type: "number", min: "0", step: "1", class: "sf-input", value, oninput }));
}
