/** A step as a card: its title and its tools. An open card has its settings and its form too. */

/**
 * @import {
 *   Description, Earlier, Entry, FieldError, Hint, SavedStep, Step, StepStatus, Suggest,
 * } from "./types.js"
 */
/** @import { Zone } from "./drag.js" */

import { h, drawIcon, drawIconButton } from "./dom.js";
import { makeDraggable } from "./drag.js";
import { directionOf } from "./form/scalars.js";
import { drawMenu } from "./menu.js";
import { StepBody } from "./step-body.js";

/**
 * Everything that a card shows beside its step.
 * @typedef {object} View
 * @property {number} index
 * @property {number} count the number of steps
 * @property {Entry | undefined} entry
 * @property {FieldError[]} errors
 * @property {Hint[]} hints
 * @property {boolean} showAll whether errors of fields that are not filled in yet are shown
 * @property {StepStatus | ""} status the status of the last run
 * @property {string} answered how many queries of its search were answered; "" if all were
 * @property {string[]} connections the names of the stored connections
 * @property {"" | "kept" | "stale" | "changed"} kept whether the last run has used an earlier
 *   output, whether that was stale, and whether the step, or a value that it uses, is new
 */

/**
 * What a card asks of the workbench and of the flow.
 * @typedef {object} CardHooks
 * @property {(step: SavedStep) => Promise<Description>} describe
 * @property {(step: SavedStep) => Description | undefined} descriptionOf if it is here
 * @property {(description: Description, step: () => Step) => Record<string, Suggest>} optionsFor
 * @property {(step: Step) => void} manageConnections
 * @property {string} environmentName the name of the choice without a stored connection
 * @property {Zone} zone
 * @property {(uid: number, change: Partial<SavedStep>, key?: string) => void} edit
 * @property {(uid: number, id: string) => string} rename return the error as text, or ""
 * @property {(uid: number) => void} remove
 * @property {(uid: number) => void} duplicate
 * @property {(uid: number) => void} runStep run this step alone
 * @property {(uid: number) => void} runFrom run this step and those after it
 * @property {(uid: number, direction: number) => void} move
 * @property {(uid: number, gap: number) => void} drop
 * @property {(isDragged: boolean) => void} onDrag
 * @property {(uid: number) => void} onOpen called when the card is opened: it is shown again then
 */

const KEPT_WORDS = {
  "": "",
  kept: "kept output",
  stale: "stale output",
  changed: "changed",
};

export class StepCard {
  /** The step as it was shown last. @type {Step} */
  step;
  /** The card itself. @type {HTMLElement} */
  element;
  /**
   * The inside; null while the card is closed, unless it has unfinished text.
   * @type {StepBody | null}
   */
  body = null;
  /** The head that is drawn, as JSON. It is drawn again only when it changes. */
  #drawn = "";
  #isOpen = false;
  #hooks;
  #parts;

  /** @param {Step} step @param {CardHooks} hooks @param {boolean} isOpen */
  constructor(step, hooks, isOpen) {
    this.step = step;
    this.#hooks = hooks;
    this.#parts = this.#drawHeadParts();
    this.element = this.#drawCard();
    makeDraggable(this.element, this.#parts.grip, {
      label: step.action.replaceAll("_", " "),
      zone: hooks.zone,
      drop: (gap) => hooks.drop(step.uid, gap),
      begin: () => hooks.onDrag(true),
      end: () => hooks.onDrag(false),
    });
    this.#fold(isOpen);
  }

  get isOpen() {
    return this.#isOpen;
  }

  /**
   * Show a step as it is now. `repeats` says how often it runs; "" for a single run.
   * @param {Step} step
   * @param {View} view
   * @param {string} repeats
   * @param {() => Earlier[]} sources
   */
  show(step, view, repeats, sources) {
    this.step = step;
    const { entry, errors, hints: _, connections: __, ...others } = view;
    const drawn = JSON.stringify([step.id, repeats, entry?.title, errors.length, others]);
    if (drawn !== this.#drawn) this.#showHead(view, repeats);
    this.#drawn = drawn;
    if (this.body && this.#isOpen) this.body.show(step, view, sources());
  }

  /** Open or close the card. @param {boolean} isOpen */
  setOpen(isOpen) {
    if (isOpen === this.#isOpen) return;
    this.#fold(isOpen);
    if (isOpen) this.#hooks.onOpen(this.step.uid);
  }

  /**
   * Draw the inside of an open card, and drop that of a closed one. Unfinished text is only hidden.
   * @param {boolean} isOpen
   */
  #fold(isOpen) {
    const { fold } = this.#parts;
    const label = isOpen ? "Hide the form" : "Show the form";
    this.#isOpen = isOpen;
    fold.setAttribute("aria-expanded", String(isOpen));
    fold.setAttribute("aria-label", label);
    fold.title = label;
    if (isOpen && !this.body) {
      this.body = new StepBody(this.step, this.#hooks);
      this.element.append(this.body.element);
    }
    if (!isOpen && this.body && !this.body.isUnfinished) {
      this.body.element.remove();
      this.body = null;
    }
    if (this.body) this.body.element.hidden = !isOpen;
  }

  #drawHeadParts() {
    const { uid } = this.step;
    const hooks = this.#hooks;
    const toggle = () => this.setOpen(!this.#isOpen);
    const folding = { "aria-expanded": "false", class: "icon-button step-fold" };
    const grip = { class: "grip", "data-drag-handle": true, title: "Drag to move" };
    return {
      number: h("span", { class: "step-number" }),
      title: h("h3", { class: "step-title" }),
      image: h("img", { class: "action-icon", alt: "", draggable: "false" }),
      repeats: h("span", { class: "chip chip-repeat", hidden: true }),
      kept: h("span", { class: "chip", hidden: true }),
      status: h("span", { class: "chip", hidden: true }),
      wrong: h("span", { class: "chip chip-failed", hidden: true }),
      grip: h("span", grip, drawIcon("drag")),
      up: drawIconButton("arrowUp", "Move the step up", () => hooks.move(uid, -1)),
      down: drawIconButton("arrowDown", "Move the step down", () => hooks.move(uid, 1)),
      remove: drawIconButton("trash", "Remove the step", () => hooks.remove(uid)),
      menu: drawMenu("More for this step", [
        ["Run this step", () => hooks.runStep(uid)],
        ["Run from here", () => hooks.runFrom(uid)],
        ["Duplicate step", () => hooks.duplicate(uid)],
      ]),
      fold: drawIconButton("chevron", "Show the form", toggle, folding),
    };
  }

  #drawCard() {
    const { grip, fold, image, title, number, repeats, kept, status, wrong } = this.#parts;
    const { up, down, remove, menu } = this.#parts;
    const line = h("div", { class: "step-line" }, number, repeats, kept, status, wrong);
    const name = h("div", { class: "step-name" }, title, line);
    const tools = h("div", { class: "step-tools" }, up, down, remove, menu);
    const head = [grip, fold, image, name, tools];
    return h(
      "section",
      {
        class: "step",
        tabindex: "0",
        role: "group",
        "data-uid": this.step.uid,
        "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown Delete",
        onkeydown: (event) => this.#onKey(event),
      },
      h("div", { class: "step-head" }, head),
    );
  }

  /** @param {View} view @param {string} repeats */
  #showHead({ index, count, entry, status, answered, errors, showAll, kept }, repeats) {
    const { step } = this;
    const parts = this.#parts;
    const title = entry?.title ?? step.action;
    parts.title.textContent = title;
    parts.number.textContent = `Step ${index + 1} of ${count} \u00b7 ${step.id}`;
    this.element.setAttribute("aria-label", `Step ${index + 1}: ${title}, ${step.id}`);
    parts.image.hidden = !entry;
    if (entry && parts.image.src !== entry.icon) parts.image.src = entry.icon;
    parts.up.disabled = index === 0;
    parts.down.disabled = index === count - 1;
    parts.repeats.hidden = repeats === "";
    parts.repeats.textContent = repeats;
    parts.status.hidden = status === "";
    parts.status.className = `chip chip-${answered ? "partly" : status}`;
    parts.status.textContent = answered || status;
    parts.kept.hidden = kept === "";
    parts.kept.className = `chip chip-${kept}`;
    parts.kept.textContent = KEPT_WORDS[kept];
    parts.kept.title = kept === "changed" ? "The last run was before this change" : "";
    parts.wrong.hidden = !showAll || errors.length === 0;
    parts.wrong.textContent = `${errors.length} to fix`;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { uid } = this.step;
    const direction = directionOf(event.key);
    const isOnCard = event.target === this.element;
    if (event.altKey && direction !== 0) {
      event.preventDefault();
      this.#hooks.move(uid, direction);
    } else if (isOnCard && ["Delete", "Backspace"].includes(event.key)) {
      event.preventDefault();
      this.#hooks.remove(uid);
    } else if (isOnCard && event.key === "Enter") {
      event.preventDefault();
      this.setOpen(!this.#isOpen);
    }
  }
}
