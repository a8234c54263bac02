/** Text with values of earlier steps in it: each value a token that can be opened, moved over and removed. */

import { h, icon, iconButton } from "../dom.js";
import { editReference, pickReference, spoken } from "../mapping.js";
import { frame } from "./frame.js";

/** @typedef {import("../schema-form.js").FormContext} FormContext @typedef {import("./frame.js").Node} Node */
/** @typedef {{step: string, pointer: string}} Reference @typedef {(string|Reference)[]} Parts */

/**
 * A field of text that can take values from earlier steps: plain while it takes none.
 * @param {FormContext} form @param {Node} node @param {() => HTMLElement} drawPlain
 */
export function mappable(form, node, drawPlain) {
  const parts = form.binding(node.pointer);
  const control = parts ? editor(form, node, parts) : drawPlain();
  const insert = () => (parts ? intoTokens(form, node, control) : intoPlain(form, node, control));
  const label = `Use a value from an earlier step in ${node.title}`;
  const button = form.references.length > 0 && h("button", { type: "button", class: "sf-map", title: label, "aria-label": label, onclick: insert }, icon("link"), "Use a value");
  return frame(form, node, control, button);
}

async function intoPlain(form, node, control) {
  const input = control.matches("input, textarea") ? control : control.querySelector("[data-sf-control]");
  const at = input.selectionStart ?? input.value.length;
  const reference = await pickReference(form.references, node.title);
  if (!reference) return;
  const parts = [input.value.slice(0, at), reference, input.value.slice(at)].filter((part) => part !== "");
  form.put(node.pointer, undefined, parts);
  form.draw(node.pointer);
  form.focusField(node.pointer);
}

async function intoTokens(form, node, control) {
  const range = caretIn(control);
  const reference = await pickReference(form.references, node.title);
  if (!reference) return;
  range.deleteContents();
  range.insertNode(token(form, node, control, reference));
  given(form, node, control);
  form.focusField(node.pointer);
}

function caretIn(control) {
  const selection = document.getSelection();
  if (selection.rangeCount > 0 && control.contains(selection.anchorNode)) return selection.getRangeAt(0).cloneRange();
  const end = document.createRange();
  end.selectNodeContents(control);
  end.collapse(false);
  return end;
}

function editor(form, node, parts) {
  const box = h("div", {
    class: "sf-input sf-tokens", role: "textbox", "aria-multiline": "true", contenteditable: "plaintext-only", spellcheck: "false", tabindex: "0",
    oninput: () => given(form, node, box),
  });
  box.append(...parts.map((part) => (typeof part === "string" ? part : token(form, node, box, part))));
  return box;
}

function token(form, node, box, reference) {
  const remove = () => {
    chip.remove();
    given(form, node, box);
    form.focusField(node.pointer);
  };
  const change = async () => {
    const answer = await editReference(form.references, reference);
    if (answer === "remove") remove();
    else if (answer) {
      chip.replaceWith(token(form, node, box, answer));
      given(form, node, box);
    }
  };
  const chip = h(
    "span",
    { class: "sf-token", contenteditable: "false", "data-step": reference.step, "data-at": reference.pointer },
    h("button", { type: "button", class: "sf-token-name", title: "Change this value", onclick: change }, icon("link"), spoken(reference)),
    iconButton("close", `Remove ${spoken(reference)}`, remove, { class: "sf-token-remove" }),
  );
  return chip;
}

/** Take over what the editor holds; without a token it is plain text again. */
function given(form, node, box) {
  const parts = partsOf(box);
  if (parts.some((part) => typeof part !== "string")) {
    form.put(node.pointer, undefined, parts);
    return;
  }
  form.put(node.pointer, parts.join("") || undefined, undefined);
  form.draw(node.pointer);
  form.focusField(node.pointer);
}

/** @param {HTMLElement} box @returns {Parts} its text and tokens in order, texts side by side as one */
function partsOf(box) {
  const parts = [];
  const write = (text) => {
    if (text === "") return;
    if (typeof parts.at(-1) === "string") parts[parts.length - 1] += text;
    else parts.push(text);
  };
  for (const child of box.childNodes) {
    if (child.nodeType === window.Node.TEXT_NODE) write(child.data);
    else if (child.nodeName === "BR") write("\n");
    else if (child.dataset.step !== undefined) parts.push({ step: child.dataset.step, pointer: child.dataset.at });
    else write(child.textContent);
  }
  // Browsers keep a line's end behind the last line, so that the caret has a place to stand.
  if (parts.at(-1)?.endsWith?.("\n")) parts.push(parts.pop().slice(0, -1));
  return parts.filter((part) => part !== "");
}
