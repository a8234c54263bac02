/** Shows a step's runs for its items: how many have ended, and each one's answer in a fold. */

/** @import { ItemRun, Json, Run, StepRun } from "./types.js" */
/** @import { RunHooks } from "./run-view.js" */

import { fill, h } from "./dom.js";
import { drawFold } from "./form/frame.js";
import { get, isObject } from "./form/pointer.js";
import { itemsOf } from "./run-state.js";
import { drawItem, drawState } from "./run-step.js";
import { shorten } from "./text.js";

const NAME_LENGTH = 70;
const ENDED = ["succeeded", "failed", "cancelled"];
/** The fields that name an item best, in this order. */
const NAMES = ["title", "name", "query", "headline", "url", "id"];

/**
 * The fold of an item, and the state of the item that it shows.
 * @typedef {{fold: HTMLDetailsElement, chip: HTMLElement, place: HTMLElement, drawn: string}} Fold
 */

export class ItemsView {
  element = h("div", { class: "run-items", hidden: true });
  #count = h("p", { class: "items-count" });
  #list = h("ul", { class: "items-list" });
  /** The folds by the index of their item. @type {Map<number, Fold>} */
  #folds = new Map();
  /** The items that failed, in the order in which their folds are first. @type {number[]} */
  #failed = [];
  #run;
  #key;
  #hooks;

  /** @param {Run} run @param {string} key @param {RunHooks} hooks */
  constructor(run, key, hooks) {
    this.#run = run;
    this.#key = key;
    this.#hooks = hooks;
    this.element.append(this.#count, this.#list);
  }

  /**
   * Show the items as they are now. Only those that have changed are drawn.
   * @param {StepRun} step
   */
  show(step) {
    const items = itemsOf(step);
    this.element.hidden = items.length === 0;
    this.#count.textContent = describe(items);
    for (const item of items) this.#showItem(step, item);
    const failed = items.filter(({ status }) => status === "failed").map(({ index }) => index);
    if (String(failed) !== String(this.#failed)) this.#putFirst(failed);
  }

  /** @param {StepRun} step @param {ItemRun} item */
  #showItem(step, item) {
    const fold = this.#folds.get(item.index) ?? this.#create(step, item);
    const now = [item.status, item.text.length, item.found.length, item.message].join(" ");
    if (fold.drawn === now) return;
    fold.drawn = now;
    fill(fold.chip, drawState(item));
    if (fold.fold.open) this.#draw(step, item, fold);
  }

  /** @param {StepRun} step @param {ItemRun} item @returns {Fold} */
  #create(step, item) {
    const { index } = item;
    const place = h("div", { class: "run-item" });
    const chip = h("span", { class: "chips" });
    const name = nameOf(this.#run, step, index);
    const title = name ? `${index + 1}. ${name}` : `Item ${index + 1}`;
    const fold = drawFold(title, [place], { class: "fold item-fold", "data-item": index });
    fold.querySelector("summary")?.append(chip);
    const made = { fold, chip, place, drawn: "" };
    fold.addEventListener("toggle", () => {
      const newest = itemsOf(step)[index];
      if (fold.open && newest) this.#draw(step, newest, made);
    });
    this.#folds.set(index, made);
    this.#list.append(h("li", {}, fold));
    return made;
  }

  /** @param {StepRun} step @param {ItemRun} item @param {Fold} fold */
  #draw(step, item, { place }) {
    fill(place, drawItem(step, item, `${this.#key}-item-${item.index + 1}`, this.#hooks));
  }

  /**
   * Put the folds of these items before all others, which keep their order.
   * @param {number[]} failed
   */
  #putFirst(failed) {
    this.#failed = failed;
    for (const index of failed.toReversed()) {
      const line = this.#folds.get(index)?.fold.parentElement;
      if (line && line !== this.#list.firstElementChild) this.#list.prepend(line);
    }
  }
}

/** Write how many items have ended, and how many have failed. @param {ItemRun[]} items */
function describe(items) {
  const count = (/** @type {string[]} */ states) =>
    items.filter(({ status }) => states.includes(status)).length;
  const failed = count(["failed"]);
  const ended = `${count(ENDED)} of ${items.length}`;
  return failed > 0 ? `${ended} · ${failed} failed` : ended;
}

/**
 * Return a short name of an item: its text, or the field of it that names it best.
 * @param {Run} run
 * @param {StepRun} step
 * @param {number} index
 */
function nameOf(run, { step: { each } }, index) {
  if (!each) return "";
  const list = "step" in each ? valueOf(run, each) : get(run.inputs, each.input);
  const item = Array.isArray(list) ? list[index] : null;
  const name = isObject(item) ? firstName(item) : item;
  return ["string", "number"].includes(typeof name) ? shorten(String(name), NAME_LENGTH) : "";
}

/** @param {Run} run @param {{step: string, pointer: string}} reference */
function valueOf({ steps }, { step, pointer }) {
  const output = steps.find(({ id }) => id === step)?.envelope?.output;
  return get(output ?? undefined, pointer);
}

/** @param {{[name: string]: Json}} item @returns {Json | undefined} */
function firstName(item) {
  const name = NAMES.find((each) => typeof item[each] === "string" && item[each] !== "");
  return name ? item[name] : undefined;
}
