/**
 * Text with values of earlier steps in it. Each value is a token that can be changed and removed.
 */

/** @import { FormNode, Part, Reference } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { h, drawIcon, drawIconButton } from "../dom.js";
import { editReference, pickReference, writeReference } from "../mapping.js";
import { drawFrame } from "./frame.js";

/**
 * Draw a text field that can use values of earlier steps. Without one it is a plain control.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {() => HTMLElement} drawPlain
 */
export function drawMappable(form, node, drawPlain) {
  const parts = form.binding(node.pointer);
  const control = parts ? drawEditor(form, node, parts) : drawPlain();
  const insert = parts ? insertToken : replaceByTokens;
  const label = `Use a value from an earlier step in ${node.title}`;
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
  const reference = await pickReference(form.references, node.title);
  if (!reference) return;
  const parts = [text.slice(0, caret), reference, text.slice(caret)];
  form.put(
    node.pointer,
    undefined,
    parts.filter((part) => part !== ""),
  );
  redraw(form, node);
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
  const reference = await pickReference(form.references, node.title);
  if (!reference) return;
  range.deleteContents();
  range.insertNode(drawToken(form, node, editor, reference));
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
    tabindex: "0",
    oninput: () => {
      readEditor(form, node, editor);
    },
  });
  const drawPart = (/** @type {Part} */ part) =>
    typeof part === "string" ? part : drawToken(form, node, editor, part);
  editor.append(...parts.map(drawPart));
  return editor;
}

/**
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {HTMLElement} editor
 * @param {Reference} reference
 * @returns {HTMLElement}
 */
function drawToken(form, node, editor, reference) {
  const remove = () => {
    token.remove();
    readEditor(form, node, editor);
    form.focusField(node.pointer);
  };
  const change = async () => {
    const answer = await editReference(form.references, reference);
    if (answer === "remove") {
      remove();
    } else if (answer) {
      token.replaceWith(drawToken(form, node, editor, answer));
      readEditor(form, node, editor);
    }
  };
  const name = writeReference(reference);
  const attributes = { class: "sf-token-name", title: "Change this value", onclick: change };
  const token = h(
    "span",
    {
      class: "sf-token",
      contenteditable: "false",
      "data-step": reference.step,
      "data-at": reference.pointer,
    },
    h("button", { type: "button", ...attributes }, drawIcon("link"), name),
    drawIconButton("close", `Remove ${name}`, remove, { class: "sf-token-remove" }),
  );
  return token;
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
    form.put(node.pointer, undefined, parts);
    return;
  }
  form.put(node.pointer, parts.join("") || undefined, undefined);
  redraw(form, node);
}

/** @param {SchemaForm} form @param {FormNode} node */
function redraw(form, node) {
  form.draw(node.pointer);
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
  const { step, at = "" } = child instanceof HTMLElement ? child.dataset : {};
  return step === undefined ? (child.textContent ?? "") : { step, pointer: at };
}
