/**
 * Text with values of other places in it. Each value is a token that can be changed and removed.
 */

/** @import { Earlier, FormNode, Part, Reference } from "../types.js" */
/** @import { Picked } from "../mapping.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { h, drawIcon, drawIconButton } from "../dom.js";
import { editReference, pickReference } from "../mapping.js";
import { keepsType } from "./agreement.js";
import { drawFrame } from "./frame.js";
import { isBound } from "./shape.js";
import { writeReference } from "./taking.js";

/**
 * Draw a text field that can use values of other places. Without one it is a plain control.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {() => HTMLElement} drawPlain
 */
export function drawMappable(form, node, drawPlain) {
  const parts = form.binding(node.pointer);
  const control = parts ? drawEditor(form, node, parts) : drawPlain();
  const insert = parts ? insertToken : replaceByTokens;
  const label = `Use a value in ${node.title}`;
  const attributes = { class: "sf-map", title: label, "aria-label": label };
  const onclick = () => insert(form, node, control);
  const button =
    form.references.length > 0 &&
    h("button", { type: "button", ...attributes, onclick }, drawIcon("link"), "Use a value");
  return drawFrame(form, node, control, button);
}

/**
 * Put a value at the caret of a plain control, which becomes an editor of tokens.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {HTMLElement} control
 */
async function replaceByTokens(form, node, control) {
  const { text, caret } = readPlain(control);
  const picked = await pick(form, node, text !== "");
  if (!picked) return;
  const parts = [text.slice(0, caret), picked.reference, text.slice(caret)];
  const filled = parts.filter((part) => part !== "");
  form.put(node.pointer, node.blank, filled.length > 1 ? filled : writeAlone(node, picked));
  redraw(form, node);
}

/** @param {SchemaForm} form @param {FormNode} node @param {boolean} isInText */
function pick(form, node, isInText) {
  const schema = isInText ? node.schema : (node.whole ?? node.schema);
  return pickReference(form.references, { title: node.title, schema, isInText });
}

/**
 * Return the parts of a value that is alone in its field. An empty text beside it makes it text,
 * where the field takes nothing else.
 * @param {FormNode} node
 * @param {Picked} picked
 * @returns {Part[]}
 */
export function writeAlone({ schema, whole = schema }, picked) {
  return keepsType(whole, picked.schema) ? [picked.reference] : [picked.reference, ""];
}

/** @param {HTMLElement} control */
function readPlain(control) {
  const isField = control.matches("input, textarea");
  const input = isField ? control : control.querySelector("[data-sf-control]");
  if (!(input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement)) {
    return { text: "", caret: 0 };
  }
  return { text: input.value, caret: input.selectionStart ?? input.value.length };
}

/**
 * Put a value at the caret of an editor of tokens.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {HTMLElement} editor
 */
async function insertToken(form, node, editor) {
  const range = caretIn(editor);
  const picked = await pick(form, node, editor.textContent !== "");
  if (!picked) return;
  range.deleteContents();
  range.insertNode(drawEditorToken(form, node, editor, picked.reference));
  editor.dataset.isText = String(!keepsType(node.whole ?? node.schema, picked.schema));
  readEditor(form, node, editor);
  form.focusField(node.pointer);
}

/** Return where the caret is, or the end of the editor. @param {HTMLElement} editor */
function caretIn(editor) {
  const selection = document.getSelection();
  if (selection && selection.rangeCount > 0 && editor.contains(selection.anchorNode)) {
    return selection.getRangeAt(0).cloneRange();
  }
  const end = document.createRange();
  end.selectNodeContents(editor);
  end.collapse(false);
  return end;
}

/** @param {SchemaForm} form @param {FormNode} node @param {Part[]} parts */
function drawEditor(form, node, parts) {
  const editor = h("div", {
    class: "sf-input sf-tokens",
    role: "textbox",
    "aria-multiline": "true",
    contenteditable: "plaintext-only",
    spellcheck: "false",
    dir: "auto",
    tabindex: "0",
    oninput: () => {
      readEditor(form, node, editor);
    },
  });
  const drawPart = (/** @type {Part} */ part) =>
    typeof part === "string" ? part : drawEditorToken(form, node, editor, part);
  editor.append(...parts.map(drawPart));
  editor.dataset.isText = String(parts.includes(""));
  return editor;
}

/**
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {HTMLElement} editor
 * @param {Reference} reference
 * @returns {HTMLElement}
 */
function drawEditorToken(form, node, editor, reference) {
  const remove = () => {
    token.remove();
    readEditor(form, node, editor);
    form.focusField(node.pointer);
  };
  const change = (/** @type {Reference} */ changed) => {
    token.replaceWith(drawEditorToken(form, node, editor, changed));
    readEditor(form, node, editor);
  };
  const edit = () => editToken(reference, form.references, { remove, change });
  /** @type {HTMLElement} */
  const token = drawToken(reference, { remove, edit });
  return token;
}

/**
 * Let the user change the value of a token.
 * @param {Reference} reference
 * @param {Earlier[]} sources
 * @param {{remove: () => void, change: (reference: Reference) => void}} hooks
 */
export async function editToken(reference, sources, { remove, change }) {
  const answer = await editReference(sources, reference);
  if (answer === "remove") remove();
  else if (answer) change(answer);
}

/**
 * Draw a value as a token, which can be changed and removed.
 * @param {Reference} reference
 * @param {{remove: () => void, edit: () => unknown}} hooks
 */
export function drawToken(reference, { remove, edit }) {
  const name = writeReference(reference);
  const attributes = { class: "sf-token-name", title: "Change this value", onclick: edit };
  return h(
    "span",
    {
      class: "sf-token",
      contenteditable: "false",
      "data-reference": JSON.stringify(reference),
    },
    h("button", { type: "button", ...attributes }, drawIcon("link"), name),
    drawIconButton("close", `Remove ${name}`, remove, { class: "sf-token-remove" }),
  );
}

/**
 * Put the editor's text and tokens into the form. Without a token the field becomes plain again.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {HTMLElement} editor
 */
function readEditor(form, node, editor) {
  const parts = readParts(editor);
  if (parts.some((part) => typeof part !== "string")) {
    const isText = parts.length === 1 && editor.dataset.isText === "true";
    form.put(node.pointer, node.blank, isText ? [...parts, ""] : parts);
    return;
  }
  form.put(node.pointer, parts.join("") || node.blank, undefined);
  redraw(form, node);
}

/**
 * Draw a field again. A row of a list in which no other row has a value is drawn as lines again,
 * with the switch around them.
 * @param {SchemaForm} form
 * @param {FormNode} node
 */
function redraw(form, node) {
  const { list } = node;
  const isLines = list !== undefined && !isBound(form.bindings, list);
  form.draw(isLines ? list : node.pointer);
  form.focusField(node.pointer);
}

/**
 * Return the texts and tokens of an editor in order. Neighbouring texts are joined.
 * @param {HTMLElement} editor
 */
function readParts(editor) {
  /** @type {Part[]} */
  const parts = [];
  for (const child of editor.childNodes) {
    const part = readPart(child);
    const last = parts.at(-1);
    if (typeof part === "string" && typeof last === "string") parts.splice(-1, 1, last + part);
    else parts.push(part);
  }
  // Browsers keep a line end after the last line, so that the caret has a place there.
  const last = parts.at(-1);
  if (typeof last === "string" && last.endsWith("\n")) parts.splice(-1, 1, last.slice(0, -1));
  return parts.filter((part) => part !== "");
}

/** @param {ChildNode} child @returns {Part} */
function readPart(child) {
  if (child.nodeName === "BR") return "\n";
  const { reference } = child instanceof HTMLElement ? child.dataset : {};
  return reference === undefined ? (child.textContent ?? "") : JSON.parse(reference);
}
