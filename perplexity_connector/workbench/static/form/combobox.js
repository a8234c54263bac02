/**
 * A line of text with suggestions: the ARIA combobox pattern with list autocomplete. Any other text
 * may be written too.
 */

/** @import { FormNode, Suggest, Suggestion } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { fill, h, isComposing } from "../dom.js";
import { directionOf, hintOf } from "./scalars.js";

const WAIT_MS = 150;

/** @param {SchemaForm} form @param {FormNode} node @param {Suggest} suggest */
export function drawCombobox(form, node, suggest) {
  const pick = (/** @type {string} */ value) => form.set(node.pointer, value || undefined);
  const listId = `${form.idOf(node.pointer)}-options`;
  const list = h("ul", {
    class: "sf-options",
    role: "listbox",
    id: listId,
    "aria-label": `Suggestions for ${node.title}`,
    hidden: true,
  });
  const input = h("input", {
    type: "text",
    class: "sf-input",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: hintOf(node),
    value: form.get(node.pointer) ?? "",
    "data-sf-control": true,
  });
  new Combobox(input, list, suggest, pick).listen();
  return h("div", { class: "sf-combobox" }, input, list);
}

class Combobox {
  /** The suggestions that are shown. @type {Suggestion[]} */
  #found = [];
  /** The index of the marked suggestion; -1: none. */
  #marked = -1;
  /** The timer of the next search, which waits until the user pauses. */
  #timer = 0;
  /** The number of the newest search: answers to older ones are dropped. */
  #search = 0;
  #input;
  #list;
  #suggest;
  #pick;

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLUListElement} list
   * @param {Suggest} suggest
   * @param {(value: string) => void} pick
   */
  constructor(input, list, suggest, pick) {
    this.#input = input;
    this.#list = list;
    this.#suggest = suggest;
    this.#pick = pick;
  }

  listen() {
    const input = this.#input;
    input.addEventListener("input", () => {
      this.#pick(input.value);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#open(input.value), WAIT_MS);
    });
    // A click shows all suggestions: the text so far is an answer, not a search.
    input.addEventListener("click", () => this.#open(""));
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (isComposing(event)) return;
    const isOpen = !this.#list.hidden;
    const marked = this.#found[this.#marked];
    const direction = directionOf(event.key);
    if (direction !== 0 && !event.ctrlKey) {
      if (event.altKey && event.key === "ArrowUp") return;
      event.preventDefault();
      if (isOpen) this.#mark(this.#marked + direction);
      else this.#open("");
    } else if (event.key === "Enter" && isOpen && marked) {
      event.preventDefault();
      this.#take(marked);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.#close();
    }
  }

  /** @param {string} text */
  async #open(text) {
    this.#search += 1;
    const search = this.#search;
    const found = await this.#suggest(text).catch(() => []);
    const isOutdated = search !== this.#search || document.activeElement !== this.#input;
    if (isOutdated) return;
    this.#found = found;
    const options = found.map((option, index) => this.#drawOption(option, index));
    fill(this.#list, options);
    this.#show(found.length > 0);
  }

  /** @param {Suggestion} option @param {number} index */
  #drawOption(option, index) {
    const { value, label, description } = option;
    return h(
      "li",
      {
        role: "option",
        id: `${this.#list.id}-${index}`,
        class: "sf-option",
        "aria-selected": "false",
        onmousedown: (event) => {
          event.preventDefault();
          this.#take(option);
        },
      },
      h("span", { class: "sf-option-value" }, value),
      label !== value && h("span", { class: "sf-option-label" }, label),
      description && h("span", { class: "sf-option-about" }, description),
    );
  }

  /**
   * Mark a suggestion. After the last one follows the first; -1 marks none.
   * @param {number} index
   */
  #mark(index) {
    const count = this.#found.length;
    this.#marked = count === 0 || index === -1 ? -1 : (index + count) % count;
    const options = [...this.#list.children];
    options.forEach((item, at) => {
      item.setAttribute("aria-selected", String(at === this.#marked));
    });
    const marked = options[this.#marked];
    if (marked) {
      this.#input.setAttribute("aria-activedescendant", marked.id);
      marked.scrollIntoView({ block: "nearest" });
    } else {
      this.#input.removeAttribute("aria-activedescendant");
    }
  }

  /** @param {Suggestion} option */
  #take({ value }) {
    this.#input.value = value;
    this.#pick(value);
    this.#close();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#search += 1;
    this.#show(false);
  }

  /** Show or hide the list, with nothing marked. @param {boolean} isOpen */
  #show(isOpen) {
    this.#list.hidden = !isOpen;
    this.#input.setAttribute("aria-expanded", String(isOpen));
    this.#mark(-1);
  }
}
