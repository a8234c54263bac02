/**
 * A line of text with suggestions: the ARIA combobox pattern with list autocomplete. Any other text
 * may be written too.
 */

/** @import { FormNode, Suggest, Suggestion } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { drawIcon, fill, h, isComposing } from "../dom.js";
import { placeBeside } from "./room.js";
import { directionOf, hintOf } from "./scalars.js";

const WAIT_MS = 150;
const NONE = "No suggestions. Write the value.";
const NONE_FITS = "No suggestion. The text is used as it is.";

/** @param {SchemaForm} form @param {FormNode} node @param {Suggest} suggest */
export function drawCombobox(form, node, suggest) {
  const pick = (/** @type {string} */ value) => form.set(node.pointer, value || undefined);
  const listId = `${form.idOf(node.pointer)}-options`;
  const list = h("ul", {
    class: "sf-options",
    role: "listbox",
    id: listId,
    "aria-label": `Suggestions for ${node.title}`,
    // In the browser's top layer, where nothing around it cuts it off.
    popover: "manual",
    // The focus stays in the text, also when the list scrolls.
    tabindex: "-1",
    onmousedown: (event) => event.preventDefault(),
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
    dir: "auto",
    placeholder: hintOf(node),
    value: form.get(node.pointer) ?? "",
    "data-sf-control": true,
  });
  const combobox = new Combobox(input, list, suggest, pick);
  combobox.listen();
  const arrow = h(
    "button",
    {
      type: "button",
      class: "sf-combobox-arrow",
      tabindex: "-1",
      "aria-label": `All suggestions for ${node.title}`,
      onmousedown: (event) => event.preventDefault(),
      onclick: () => combobox.toggle(),
    },
    drawIcon("chevron"),
  );
  return h("div", { class: "sf-combobox" }, input, arrow, list);
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
  /** Ends what follows the text field while the list is open. */
  #following = new AbortController();
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

  /** Show all suggestions, or hide the list. */
  toggle() {
    const wasOpen = this.#isOpen;
    this.#input.focus();
    if (wasOpen) this.#close();
    else this.#open("");
  }

  get #isOpen() {
    return this.#list.matches(":popover-open");
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (isComposing(event)) return;
    const isOpen = this.#isOpen;
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

  /** Show the suggestions for a text; all of them for "". @param {string} text */
  async #open(text) {
    this.#search += 1;
    const search = this.#search;
    const found = await this.#suggest(text).catch(() => []);
    const isOutdated = search !== this.#search || document.activeElement !== this.#input;
    if (isOutdated) return;
    this.#found = found;
    const options = found.map((option, index) => this.#drawOption(option, index));
    const isWhole = text === "";
    fill(this.#list, options.length > 0 ? options : drawNone(isWhole ? NONE : NONE_FITS));
    this.#show(true);
    if (isWhole) this.#mark(found.findIndex(({ value }) => value === this.#input.value));
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
        "aria-current": value === this.#input.value && "true",
        onmousedown: () => this.#take(option),
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
    this.#following.abort();
    if (isOpen !== this.#isOpen) this.#list.togglePopover(isOpen);
    if (isOpen) this.#follow();
    this.#input.setAttribute("aria-expanded", String(isOpen));
    this.#mark(-1);
  }

  /** Keep the list beside the text field, and close it when the field leaves the screen. */
  #follow() {
    this.#following = new AbortController();
    const { signal } = this.#following;
    const place = (/** @type {Event} */ { target }) => {
      if (target !== this.#list) placeBeside(this.#list, this.#input);
    };
    placeBeside(this.#list, this.#input);
    this.#list.scrollTop = 0;
    document.addEventListener("scroll", place, { capture: true, passive: true, signal });
    window.addEventListener("resize", place, { signal });
    window.visualViewport?.addEventListener("resize", place, { signal });
    const watch = new IntersectionObserver((seen) => {
      if (!seen.at(-1)?.isIntersecting) this.#close();
    });
    watch.observe(this.#input);
    signal.addEventListener("abort", () => watch.disconnect());
  }
}

/** @param {string} sentence */
function drawNone(sentence) {
  return h("li", { role: "option", class: "sf-option-none", "aria-disabled": "true" }, sentence);
}
