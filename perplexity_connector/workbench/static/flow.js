/** The flow: a column of step cards, in the order in which they run. */

/** @import { Step } from "./types.js" */
/** @import { Zone } from "./drag.js" */
/** @import { FlowState } from "./flow-state.js" */
/** @import { CardHooks, View } from "./steps.js" */

import { fill, h, drawIcon } from "./dom.js";
import { StepCard } from "./steps.js";

/**
 * What the flow asks of the workbench.
 * @typedef {object} OwnHooks
 * @property {(step: Step, index: number) => View} viewOf
 * @property {boolean} hasExample
 * @property {() => void} tryExample
 * @property {(text: string) => void} say
 */
/**
 * @typedef {OwnHooks & Pick<CardHooks, "describe" | "optionsFor" | "manageConnections"
 *   | "environmentName">} FlowHooks
 */

/** The part of a tall card, in pixels, whose middle divides "above" from "below" for a drop. */
const DROP_HEIGHT = 400;

export class FlowView {
  /** The cards by the `uid` of their step. @type {Map<number, StepCard>} */
  #cards = new Map();
  #list = h("div", { class: "steps" });
  #dropLine = h("div", { class: "drop-line", "aria-hidden": "true" });
  #place;
  #section;
  #state;
  #hooks;

  /** @param {HTMLElement} place @param {FlowState} state @param {FlowHooks} hooks */
  constructor(place, state, hooks) {
    this.#place = place;
    this.#section = place.closest("section") ?? place;
    this.#state = state;
    this.#hooks = hooks;
    /** @type {Zone} */
    this.zone = {
      indexAt: (x, y) => this.#indexAt(x, y),
      show: (index) => this.#showDropLine(index),
    };
    fill(place, this.#list, drawEmpty(hooks));
  }

  /** Show the steps as they are now. */
  update() {
    const { steps } = this.#state;
    for (const [uid, card] of this.#cards) {
      if (this.#state.indexOf(uid) < 0) this.#drop(uid, card);
    }
    steps.forEach((step, index) => {
      const card = this.#cards.get(step.uid) ?? this.#create(step);
      this.#placeAt(card.element, index);
      card.show(step, this.#hooks.viewOf(step, index));
    });
    this.#place.classList.toggle("is-empty", steps.length === 0);
  }

  /** @param {number} uid */
  focusStep(uid) {
    this.#cards.get(uid)?.element.focus();
  }

  /** Move the focus to a field of a step. @param {string | undefined} id @param {string} pointer */
  focusField(id, pointer) {
    const card = [...this.#cards.values()].find(({ step }) => step.id === id);
    if (!card) return;
    card.setOpen(true);
    if (!card.form.focusField(pointer)) card.element.focus();
  }

  /** Move the focus to half-written JSON. Return whether there is any. */
  focusUnfinished() {
    const card = [...this.#cards.values()].find(({ form }) => form.unfinished);
    const area = card?.form.unfinished;
    if (!card || !area) return false;
    card.setOpen(true);
    const fold = area.closest("details");
    if (fold) fold.open = true;
    area.focus();
    return true;
  }

  /** @param {Step} step */
  #create(step) {
    const state = this.#state;
    const card = new StepCard(step, {
      ...this.#hooks,
      zone: this.zone,
      edit: (uid, change, key) => state.edit(uid, change, key),
      rename: (uid, id) => state.rename(uid, id),
      remove: (uid) => this.#remove(uid),
      move: (uid, direction) => this.#move(uid, state.indexOf(uid) + direction),
      drop: (uid, gap) => this.#move(uid, gap > state.indexOf(uid) ? gap - 1 : gap),
      onDrag: (isDragged) => this.#list.classList.toggle("is-compact", isDragged),
    });
    this.#cards.set(step.uid, card);
    return card;
  }

  /** @param {number} uid @param {StepCard} card */
  #drop(uid, card) {
    card.element.remove();
    this.#cards.delete(uid);
  }

  /**
   * Put a card at its index. A card that is there already is not touched, so it keeps the focus.
   * @param {HTMLElement} element
   * @param {number} index
   */
  #placeAt(element, index) {
    const current = this.#list.children[index];
    if (current === element) return;
    const focused = document.activeElement;
    this.#list.insertBefore(element, current ?? null);
    const isLost = focused !== document.activeElement && focused?.isConnected;
    if (isLost && focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }

  /** @param {number} uid @param {number} index */
  #move(uid, index) {
    if (!this.#state.move(uid, index)) return;
    const element = this.#cards.get(uid)?.element;
    if (element && !element.contains(document.activeElement)) element.focus();
    element?.scrollIntoView({ block: "nearest" });
    this.#hooks.say(`Moved to step ${index + 1} of ${this.#state.steps.length}.`);
  }

  /** @param {number} uid */
  #remove(uid) {
    const index = this.#state.indexOf(uid);
    this.#state.remove(uid);
    const { steps } = this.#state;
    const next = steps[Math.min(index, steps.length - 1)];
    if (next) this.focusStep(next.uid);
    else this.#section.focus();
    this.#hooks.say("Step removed. Control Z brings it back.");
  }

  /**
   * Return the gap under the pointer: its number is that of the step below it.
   * @param {number} x
   * @param {number} y
   */
  #indexAt(x, y) {
    const { left, right, top, bottom } = this.#section.getBoundingClientRect();
    const isInside = x >= left && x <= right && y >= top;
    if (!isInside || y > Math.max(bottom, window.innerHeight)) return null;
    const elements = this.#elements();
    const below = elements.findIndex((element) => y < middleOf(element));
    return below < 0 ? elements.length : below;
  }

  /** @param {number | null} index */
  #showDropLine(index) {
    this.#place.classList.toggle("is-target", index !== null);
    if (index === null) this.#dropLine.remove();
    else this.#list.insertBefore(this.#dropLine, this.#elements()[index] ?? null);
  }

  #elements() {
    return [...this.#list.querySelectorAll(":scope > .step")];
  }
}

/** @param {Element} element */
function middleOf(element) {
  const { top, height } = element.getBoundingClientRect();
  return top + Math.min(height, DROP_HEIGHT) / 2;
}

/** @param {FlowHooks} hooks */
function drawEmpty({ hasExample, tryExample }) {
  const cards = [h("span"), h("span"), h("span")];
  const help = "Steps run from top to bottom, and a step can use what the steps before it found.";
  const attributes = { type: "button", class: "button", id: "try-example" };
  return h(
    "div",
    { class: "empty flow-empty" },
    h("div", { class: "empty-drawing", "aria-hidden": "true" }, cards),
    h("p", { class: "empty-title" }, "Drag an action here, or press Enter on it"),
    h("p", { class: "muted" }, help),
    hasExample &&
      h("button", { ...attributes, onclick: tryExample }, drawIcon("spark"), "Try an example"),
  );
}
