/** The flow: its inputs, and a column of step cards in the order in which they run. */

/** @import { Each, Earlier, Json, JsonObject, SavedStep, Step } from "./types.js" */
/** @import { Zone } from "./drag.js" */
/** @import { FlowState } from "./flow-state.js" */
/** @import { CardHooks, View } from "./steps.js" */

import { fill, h, drawIcon } from "./dom.js";
import { InputsPanel } from "./inputs.js";
import { StepCard } from "./steps.js";
import { STANDARD_MAX } from "./step-repeat.js";
import { listFor, sourceOfInputs, sourcesFor } from "./values.js";

/**
 * What the flow asks of the workbench.
 * @typedef {object} OwnHooks
 * @property {(step: Step, index: number) => View} viewOf
 * @property {(step: SavedStep) => string} titleOf
 * @property {(id: string) => Json} outputOf the output of a step's last run, or null
 * @property {boolean} hasExample
 * @property {() => void} tryExample
 * @property {(text: string) => void} say
 */
/**
 * @typedef {OwnHooks & Pick<CardHooks, "describe" | "descriptionOf" | "optionsFor"
 *   | "manageConnections" | "environmentName" | "runStep" | "runFrom">} FlowHooks
 */

/** The part of a tall card, in pixels, whose middle divides "above" from "below" for a drop. */
const DROP_HEIGHT = 400;
/** When more steps than these come at once, their cards are closed: a form each takes time. */
const OPEN_AT_ONCE = 10;

export class FlowView {
  /** The cards by the `uid` of their step. @type {Map<number, StepCard>} */
  #cards = new Map();
  /** The steps whose descriptions are asked for, so that their outputs can be offered. */
  #awaited = new Set();
  #list = h("div", { class: "steps" });
  #dropLine = h("div", { class: "drop-line", "aria-hidden": "true" });
  #place;
  #inputs;
  #folding;
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
    this.#inputs = new InputsPanel(state, () => this.update());
    this.#folding = this.#drawFolding();
    fill(place, this.#inputs.element, this.#folding, this.#list, drawEmpty(hooks));
  }

  /** The values of the form above Run; undefined where the flow declares no inputs. */
  get inputValues() {
    return this.#state.inputs ? this.#inputs.values : undefined;
  }

  set inputValues(/** @type {JsonObject | undefined} */ values) {
    this.#inputs.values = values ?? {};
    this.update();
  }

  /** Return whether the form above Run is complete. If not, show the missing ones, and go there. */
  checkInputs() {
    return this.#inputs.check();
  }

  /** Show the flow as it is now. */
  update() {
    const { steps } = this.#state;
    for (const [uid, card] of this.#cards) {
      if (this.#state.indexOf(uid) < 0) this.#drop(uid, card);
    }
    const isOpen = steps.length - this.#cards.size <= OPEN_AT_ONCE;
    steps.forEach((step, index) => {
      const card = this.#cards.get(step.uid) ?? this.#create(step, isOpen);
      this.#placeAt(card.element, index);
      this.#show(card, step, index);
    });
    this.#inputs.show();
    this.#folding.hidden = steps.length < 2;
    this.#place.classList.toggle("is-empty", steps.length === 0);
  }

  /** @param {StepCard} card @param {Step} step @param {number} index */
  #show(card, step, index) {
    const sources = () => this.#sourcesFor(index);
    const repeats = step.each ? `repeats (${this.#countOf(step.each, sources())})` : "";
    card.show(step, this.#hooks.viewOf(step, index), repeats, sources);
  }

  /** @param {Each} each @param {Earlier[]} sources */
  #countOf(each, sources) {
    const list = listFor(each, sources);
    const { max = STANDARD_MAX } = each;
    if (!list) return `up to ${max}`;
    return list.length > max ? `${list.length}, at most ${max}` : String(list.length);
  }

  /** @param {number} index */
  #sourcesFor(index) {
    const { steps, inputs } = this.#state;
    const { titleOf, outputOf } = this.#hooks;
    const descriptionOf = (/** @type {SavedStep} */ step) => this.#descriptionOf(step);
    const source = sourceOfInputs(inputs, this.#inputs.values);
    return sourcesFor(steps, index, source, { descriptionOf, titleOf, outputOf });
  }

  /**
   * Return the description of a step. One that is not here yet is asked for, and the cards are
   * shown again when it is.
   * @param {SavedStep} step
   */
  #descriptionOf(step) {
    const found = this.#hooks.descriptionOf(step);
    const key = JSON.stringify([step.connector, step.action, step.version]);
    if (found || this.#awaited.has(key)) return found;
    this.#awaited.add(key);
    this.#hooks.describe(step).then(
      () => this.update(),
      () => this.#awaited.delete(key),
    );
    return undefined;
  }

  /** Draw the buttons that open and close all cards. */
  #drawFolding() {
    const fold = (/** @type {boolean} */ isOpen) => () => {
      for (const card of this.#cards.values()) card.setOpen(isOpen);
    };
    const attributes = { type: "button", class: "link-button" };
    return h(
      "div",
      { class: "flow-folding", role: "group", "aria-label": "All steps", hidden: true },
      h("button", { ...attributes, onclick: fold(false) }, "Collapse all"),
      h("button", { ...attributes, onclick: fold(true) }, "Expand all"),
    );
  }

  /** @param {number} uid */
  focusStep(uid) {
    this.#cards.get(uid)?.element.focus();
  }

  /**
   * Move the focus to a field of a step, or of the flow's inputs where the id is empty.
   * @param {string | undefined} id
   * @param {string} pointer
   */
  async focusField(id, pointer) {
    if (id === "") {
      this.#inputs.focusField(pointer);
      return;
    }
    const card = [...this.#cards.values()].find(({ step }) => step.id === id);
    if (!card) return;
    card.setOpen(true);
    if (!(await card.body?.focusField(pointer))) card.element.focus();
  }

  /** Move the focus to half-written JSON. Return whether there is any. */
  focusUnfinished() {
    if (this.#inputs.focusUnfinished()) return true;
    const card = [...this.#cards.values()].find(({ body }) => body?.form.unfinished);
    const area = card?.body?.form.unfinished;
    if (!card || !area) return false;
    card.setOpen(true);
    const fold = area.closest("details");
    if (fold) fold.open = true;
    area.focus();
    return true;
  }

  /** @param {Step} step @param {boolean} isOpen */
  #create(step, isOpen) {
    const state = this.#state;
    /** @type {CardHooks} */
    const hooks = {
      ...this.#hooks,
      zone: this.zone,
      edit: (uid, change, key) => state.edit(uid, change, key),
      rename: (uid, id) => state.rename(uid, id),
      remove: (uid) => this.#remove(uid),
      move: (uid, direction) => this.#move(uid, state.indexOf(uid) + direction),
      drop: (uid, gap) => this.#move(uid, gap > state.indexOf(uid) ? gap - 1 : gap),
      duplicate: (uid) => this.#duplicate(uid),
      onDrag: (isDragged) => this.#list.classList.toggle("is-compact", isDragged),
      onOpen: (uid) => this.#onOpen(uid),
    };
    const card = new StepCard(step, hooks, isOpen);
    this.#cards.set(step.uid, card);
    return card;
  }

  /** Show a card that was opened. @param {number} uid */
  #onOpen(uid) {
    const index = this.#state.indexOf(uid);
    const step = this.#state.steps[index];
    const card = this.#cards.get(uid);
    if (step && card) this.#show(card, step, index);
  }

  /** @param {number} uid */
  #duplicate(uid) {
    const copy = this.#state.duplicate(uid);
    if (!copy) return;
    this.focusStep(copy.uid);
    this.#hooks.say(`The copy is step ${this.#state.indexOf(copy.uid) + 1}, ${copy.id}.`);
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
