/** Dragging with a mouse, a finger or a pen, from anywhere into a column of cards. */

import { h } from "./dom.js";

/** Pixels that a press must move to become a drag. */
const THRESHOLD = 6;
/** Pixels from the edge of the window at which it scrolls, and how far it scrolls. */
const EDGE = 48;
const SCROLL_STEP = 12;

/**
 * A place to drop things.
 * @typedef {object} Zone
 * @property {(x: number, y: number) => number | null} indexAt the index under the pointer, or null
 *   outside the zone
 * @property {(index: number | null) => void} show show the index where a drop would go; null: none
 */

/**
 * @typedef {object} DragOptions
 * @property {string} label the text beside the pointer
 * @property {Zone} zone
 * @property {(index: number) => void} drop
 * @property {() => void} [begin]
 * @property {() => void} [end]
 */

/**
 * Let an element be dragged into a zone. A press that does not move is still a click.
 * @param {HTMLElement} element the element that is dragged
 * @param {HTMLElement} handle where the drag begins
 * @param {DragOptions} options
 */
export function makeDraggable(element, handle, options) {
  handle.addEventListener("pointerdown", (event) => {
    if (canBegin(event)) new Drag(event, element, options).listen();
  });
  // The browser's own dragging, of an image for example, would end the pointer events.
  handle.addEventListener("dragstart", (event) => event.preventDefault());
}

/** A finger drags only by the handle, because elsewhere it scrolls. @param {PointerEvent} event */
function canBegin({ button, pointerType, target }) {
  if (button !== 0) return false;
  if (pointerType === "mouse") return true;
  return target instanceof Element && target.closest("[data-drag-handle]") !== null;
}

/**
 * One press of the pointer. It becomes a drag when it has moved far enough: then it has a ghost.
 */
class Drag {
  /** The label that follows the pointer; null until the drag begins. @type {HTMLElement | null} */
  #ghost = null;
  /** Where a drop would go now; null: nowhere. @type {number | null} */
  #index = null;
  /** Removes all listeners of the drag. */
  #listeners = new AbortController();
  #start;
  #element;
  #options;

  /** @param {PointerEvent} start @param {HTMLElement} element @param {DragOptions} options */
  constructor(start, element, options) {
    this.#start = start;
    this.#element = element;
    this.#options = options;
  }

  listen() {
    const how = { signal: this.#listeners.signal, capture: true };
    const isOurs = (/** @type {PointerEvent} */ event) => event.pointerId === this.#start.pointerId;
    window.addEventListener("pointermove", (event) => isOurs(event) && this.#move(event), how);
    window.addEventListener("pointerup", (event) => isOurs(event) && this.#end(true), how);
    window.addEventListener("pointercancel", () => this.#end(false), how);
    window.addEventListener("keydown", (event) => this.#onKey(event), how);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape" || !this.#ghost) return;
    event.preventDefault();
    this.#end(false);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { clientX, clientY } = event;
    const distance = Math.hypot(clientX - this.#start.clientX, clientY - this.#start.clientY);
    if (!this.#ghost && distance < THRESHOLD) return;
    this.#ghost ??= this.#begin();
    event.preventDefault();
    document.getSelection()?.removeAllRanges();
    this.#ghost.style.transform = `translate(${clientX + 12}px, ${clientY + 8}px)`;
    scrollAtEdge(clientY);
    this.#index = this.#options.zone.indexAt(clientX, clientY);
    this.#options.zone.show(this.#index);
  }

  #begin() {
    const ghost = h("div", { class: "drag-ghost", "aria-hidden": "true" }, this.#options.label);
    document.body.append(ghost);
    document.documentElement.classList.add("dragging");
    this.#element.classList.add("is-dragged");
    this.#options.begin?.();
    return ghost;
  }

  /** @param {boolean} isDropped */
  #end(isDropped) {
    this.#listeners.abort();
    if (!this.#ghost) return;
    this.#ghost.remove();
    document.documentElement.classList.remove("dragging");
    this.#element.classList.remove("is-dragged");
    this.#options.zone.show(null);
    this.#options.end?.();
    swallowClick();
    if (isDropped && this.#index !== null) this.#options.drop(this.#index);
  }
}

/** @param {number} y */
function scrollAtEdge(y) {
  if (y < EDGE) window.scrollBy(0, -SCROLL_STEP);
  if (y > window.innerHeight - EDGE) window.scrollBy(0, SCROLL_STEP);
}

/** Stop the click that browsers send after a drag. */
function swallowClick() {
  const swallow = (/** @type {Event} */ event) => event.stopPropagation();
  window.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 0);
}
