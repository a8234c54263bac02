/** Whether a step is repeated for each item of a list, and what happens when it fails. */

/** @import { Each, Earlier, OnFailure, SavedStep } from "./types.js" */

import { fill, h, drawIcon } from "./dom.js";
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
  /** The settings that are drawn, as JSON. They are drawn again only when they change. */
  #drawn = "";
  /** @type {Earlier[]} */
  #sources = [];
  #uid;
  #edit;

  /** @param {number} uid @param {Edit} edit */
  constructor(uid, edit) {
    this.#uid = uid;
    this.#edit = edit;
  }

  /** @param {SavedStep} step @param {Earlier[]} sources */
  show({ each, on_failure: onFailure = "stop" }, sources) {
    this.#sources = sources;
    const hasLists = sources.length > 0;
    const drawn = JSON.stringify([each, onFailure, hasLists]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = this.element.contains(document.activeElement)
      ? document.activeElement?.id
      : undefined;
    fill(
      this.element,
      (each || hasLists) && this.#drawList(each),
      each && this.#drawMax(each),
      each && this.#drawItemFailure(each),
      this.#drawStepFailure(onFailure),
    );
    if (focused !== undefined) this.#focus(focused);
  }

  /** Move the focus to where it was, or to the first control. @param {string} id */
  #focus(id) {
    const same = id && this.element.querySelector(`#${CSS.escape(id)}`);
    const control = same || this.element.querySelector("button, input, select");
    if (control instanceof HTMLElement) control.focus();
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
    const token = drawToken(each, { remove, edit: () => this.#choose(each) });
    return h("div", { class: "sf-input sf-taken" }, token);
  }

  #drawChoose() {
    const attributes = { class: "button", id: this.#id("choose"), onclick: () => this.#choose() };
    return h(
      "button",
      { type: "button", ...attributes },
      drawIcon("repeat"),
      "Choose a list\u2026",
    );
  }

  /** @param {Each} [each] */
  async #choose(each) {
    const target = { title: "Repeat for each", schema: { ...LIST_SCHEMA }, isWhole: true };
    const sources = this.#sources.filter(({ kind }) => kind !== "item");
    const picked = await pickReference(sources, target);
    if (!picked || "item" in picked.reference) return;
    const { max, on_failure: onFailure } = each ?? {};
    /** @type {Each} */
    const chosen = { ...picked.reference };
    if (max !== undefined) chosen.max = max;
    if (onFailure !== undefined) chosen.on_failure = onFailure;
    this.#edit({ each: chosen });
  }

  /** @param {Each} each */
  #drawMax(each) {
    const input = h("input", {
      type: "number",
      min: "1",
      max: String(LIMIT),
      step: "1",
      class: "sf-input",
      id: this.#id("max"),
      value: each.max ?? "",
      placeholder: String(STANDARD_MAX),
      onchange: () => {
        const { max: _, ...others } = each;
        const number = Math.trunc(Number(input.value));
        const bounded = Math.min(LIMIT, Math.max(1, number));
        this.#edit({ each: input.value === "" ? others : { ...others, max: bounded } });
      },
    });
    return drawSetting("At most", input);
  }

  /** @param {Each} each */
  #drawItemFailure(each) {
    const { on_failure: chosen = "stop", ...others } = each;
    const select = drawSelect(this.#id("item-failure"), ITEM_CHOICES, chosen, (choice) =>
      this.#edit({ each: choice === "stop" ? others : { ...others, on_failure: choice } }),
    );
    return drawSetting("If an item fails", select);
  }

  /** @param {OnFailure} chosen */
  #drawStepFailure(chosen) {
    const select = drawSelect(this.#id("failure"), STEP_CHOICES, chosen, (choice) =>
      this.#edit({ on_failure: choice === "stop" ? undefined : choice }),
    );
    return drawSetting("If it fails", select);
  }

  /** @param {string} name */
  #id(name) {
    return `step-${name}-${this.#uid}`;
  }
}

/**
 * @param {string} id
 * @param {[OnFailure, string][]} choices
 * @param {OnFailure} chosen
 * @param {(choice: OnFailure) => void} change
 */
function drawSelect(id, choices, chosen, change) {
  const options = choices.map(([value, label]) =>
    h("option", { value, selected: value === chosen }, label),
  );
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
