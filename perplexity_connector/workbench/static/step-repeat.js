/** Whether a step is repeated for each item of a list, and what happens when it fails. */

/** @import { Each, Earlier, OnFailure, SavedStep } from "./types.js" */

import { fill, h, drawIcon } from "./dom.js";
import { writeReference } from "./form/taking.js";
import { drawToken } from "./form/tokens.js";
import { pickReference } from "./mapping.js";

/** @typedef {(change: Partial<SavedStep>, key?: string) => void} Edit */

/** The most items, and the number of them that counts where the flow gives none. */
const LIMIT = 1000;
export const STANDARD_MAX = 20;

/** @type {[OnFailure, string][]} */
const STEP_CHOICES = [
  ["stop", "Stop the flow"],
  ["continue", "Go on with the flow"],
];
/** @type {[OnFailure, string][]} */
const ITEM_CHOICES = [
  ["stop", "Stop the step"],
  ["continue", "Go on with the other items"],
];
const LIST_SCHEMA = /** @type {const} */ ({ type: "array" });

/** The settings of a step that decide how often it runs. */
export class RepeatSettings {
  element = h("div", { class: "step-repeat" });
  /** The controls that stay when the list is drawn again: they may be in use. */
  #controls;
  /** The list that is drawn, as JSON. */
  #drawn = "";
  /** The list as it is now. @type {Each | undefined} */
  #each = undefined;
  /** @type {Earlier[]} */
  #sources = [];
  #uid;
  #edit;

  /** @param {number} uid @param {Edit} edit */
  constructor(uid, edit) {
    this.#uid = uid;
    this.#edit = edit;
    const editItem = (/** @type {OnFailure} */ choice) =>
      this.#change({ on_failure: choice === "stop" ? undefined : choice });
    const editStep = (/** @type {OnFailure} */ choice) =>
      edit({ on_failure: choice === "stop" ? undefined : choice });
    this.#controls = {
      max: this.#drawMax(),
      item: drawSelect(this.#id("item-failure"), ITEM_CHOICES, editItem),
      step: drawSelect(this.#id("failure"), STEP_CHOICES, editStep),
    };
  }

  /** @param {SavedStep} step @param {Earlier[]} sources */
  show({ each, on_failure: onFailure = "stop" }, sources) {
    this.#each = each;
    this.#sources = sources;
    this.#draw(each, sources.length > 0);
    const { max, item, step } = this.#controls;
    if (document.activeElement !== max) max.value = String(each?.max ?? "");
    item.value = each?.on_failure ?? "stop";
    step.value = onFailure;
  }

  /** @param {Each | undefined} each @param {boolean} hasLists */
  #draw(each, hasLists) {
    const drawn = JSON.stringify([each && writeReference(each), hasLists]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const hadFocus = this.element.contains(document.activeElement);
    const { max, item, step } = this.#controls;
    fill(
      this.element,
      (each || hasLists) && this.#drawList(each),
      each && drawSetting("At most", max),
      each && drawSetting("If an item fails", item),
      drawSetting("If it fails", step),
    );
    if (hadFocus) this.element.querySelector("button")?.focus();
  }

  /** @param {Each | undefined} each */
  #drawList(each) {
    const title = h("span", { class: "sf-label", id: this.#id("list") }, "Repeat for each");
    const control = each ? this.#drawToken(each) : this.#drawChoose();
    const attributes = { class: "step-setting", role: "group", "aria-labelledby": title.id };
    return h("div", attributes, title, control);
  }

  /** @param {Each} each */
  #drawToken(each) {
    const remove = () => this.#edit({ each: undefined });
    const token = drawToken(each, { remove, edit: () => this.#choose() });
    return h("div", { class: "sf-input sf-taken" }, token);
  }

  #drawChoose() {
    const attributes = { type: "button", class: "button", onclick: () => this.#choose() };
    return h("button", attributes, drawIcon("repeat"), "Choose a list\u2026");
  }

  async #choose() {
    const target = { title: "Repeat for each", schema: { ...LIST_SCHEMA }, isWhole: true };
    const sources = this.#sources.filter(({ kind }) => kind !== "item");
    const picked = await pickReference(sources, target);
    if (!picked || "item" in picked.reference) return;
    const { max, on_failure: onFailure } = this.#each ?? {};
    this.#edit({ each: withoutBlanks({ ...picked.reference, max, on_failure: onFailure }) });
  }

  #drawMax() {
    /** @type {HTMLInputElement} */
    const input = h("input", {
      type: "number",
      min: "1",
      max: String(LIMIT),
      step: "1",
      class: "sf-input",
      id: this.#id("max"),
      placeholder: String(STANDARD_MAX),
      oninput: () => {
        const number = Math.min(LIMIT, Math.max(1, Math.trunc(Number(input.value))));
        this.#change({ max: input.value === "" ? undefined : number }, "max");
      },
    });
    return input;
  }

  /** @param {Partial<Each>} change @param {string} [key] */
  #change(change, key) {
    if (this.#each) this.#edit({ each: withoutBlanks({ ...this.#each, ...change }) }, key);
  }

  /** @param {string} name */
  #id(name) {
    return `step-${name}-${this.#uid}`;
  }
}

/** Return a list without the settings that are not set. @param {Each} each @returns {Each} */
function withoutBlanks(each) {
  return JSON.parse(JSON.stringify(each));
}

/**
 * @param {string} id
 * @param {[OnFailure, string][]} choices
 * @param {(choice: OnFailure) => void} change
 */
function drawSelect(id, choices, change) {
  const options = choices.map(([value, label]) => h("option", { value }, label));
  const select = h("select", { class: "sf-input", id }, options);
  select.addEventListener("change", () => change(select.value === "stop" ? "stop" : "continue"));
  return select;
}

/**
 * Draw a setting of a step with its title.
 * @param {string} title
 * @param {HTMLElement} control
 * @param {...HTMLElement} more
 */
export function drawSetting(title, control, ...more) {
  const label = h("label", { class: "sf-label", for: control.id }, title);
  return h("div", { class: "step-setting" }, label, control, more);
}
