/** A line of text with suggestions (the ARIA combobox pattern, list autocomplete): any other text is as good. */

import { fill, h } from "../dom.js";
import { hint } from "./scalars.js";

/** @typedef {{value: string, label: string, description?: string}} Suggestion */

const WAIT_MS = 150;

/**
 * @param {import("../schema-form.js").FormContext} form @param {import("./frame.js").Node} node
 * @param {(search: string) => Promise<Suggestion[]>} ask
 */
export function combobox(form, node, ask) {
  const listId = `${form.id(node.pointer)}-options`;
  const popup = h("ul", { class: "sf-options", role: "listbox", id: listId, "aria-label": `Suggestions for ${node.title}`, hidden: true });
  const input = h("input", {
    type: "text", class: "sf-input", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId,
    autocomplete: "off", spellcheck: "false", placeholder: hint(node), value: form.get(node.pointer) ?? "", "data-sf-control": true,
  });
  const state = { input, popup, listId, ask, at: -1, found: [], timer: 0, asked: 0, pick: (value) => form.set(node.pointer, value || undefined) };
  listen(state);
  return h("div", { class: "sf-combobox" }, input, popup);
}

function listen(state) {
  const { input } = state;
  input.addEventListener("input", () => {
    state.pick(input.value);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => open(state, input.value), WAIT_MS);
  });
  // What is there already is no search: who clicks wants to see what else there is.
  input.addEventListener("click", () => open(state, ""));
  input.addEventListener("blur", () => close(state));
  input.addEventListener("keydown", (event) => onKey(state, event));
}

function onKey(state, event) {
  const isOpen = !state.popup.hidden;
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !event.ctrlKey) {
    if (event.altKey && event.key === "ArrowUp") return;
    event.preventDefault();
    if (isOpen) mark(state, state.at + (event.key === "ArrowDown" ? 1 : -1));
    else open(state, "");
  } else if (event.key === "Enter" && isOpen && state.at >= 0) {
    event.preventDefault();
    take(state, state.found[state.at]);
  } else if (event.key === "Escape" && isOpen) {
    event.preventDefault();
    event.stopPropagation();
    close(state);
  }
}

async function open(state, search) {
  state.asked += 1;
  const turn = state.asked;
  const found = await state.ask(search).catch(() => []);
  if (turn !== state.asked || document.activeElement !== state.input) return;
  state.found = found;
  fill(state.popup, found.map((option, index) => suggestion(state, option, index)));
  state.popup.hidden = found.length === 0;
  state.input.setAttribute("aria-expanded", String(!state.popup.hidden));
  mark(state, -1);
}

function suggestion(state, option, index) {
  return h(
    "li",
    { role: "option", id: `${state.listId}-${index}`, class: "sf-option", "aria-selected": "false", onmousedown: (event) => choose(event, state, option) },
    h("span", { class: "sf-option-value" }, option.value),
    option.label !== option.value && h("span", { class: "sf-option-label" }, option.label),
    option.description && h("span", { class: "sf-option-about" }, option.description),
  );
}

function choose(event, state, option) {
  event.preventDefault();
  take(state, option);
}

function mark(state, wanted) {
  const count = state.found.length;
  state.at = count === 0 || wanted === -1 ? -1 : (wanted + count) % count;
  [...state.popup.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === state.at)));
  const current = state.popup.children[state.at];
  if (current) {
    state.input.setAttribute("aria-activedescendant", current.id);
    current.scrollIntoView({ block: "nearest" });
  } else state.input.removeAttribute("aria-activedescendant");
}

function take(state, option) {
  state.input.value = option.value;
  state.pick(option.value);
  close(state);
}

function close(state) {
  clearTimeout(state.timer);
  state.asked += 1;
  state.popup.hidden = true;
  state.input.setAttribute("aria-expanded", "false");
  mark(state, -1);
}
