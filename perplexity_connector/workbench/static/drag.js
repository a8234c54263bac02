/** Dragging with a mouse, a finger or a pen, from anywhere into a column of cards. */

import { h } from "./dom.js";

const THRESHOLD = 6;
const EDGE = 48;

/**
 * @typedef {object} Zone where things are dropped
 * @property {(x: number, y: number) => number|null} indexAt the place under the pointer, or null outside
 * @property {(index: number|null) => void} show the place where it would go; null for none
 */

/**
 * Let an element be dragged into a zone. A press that does not move stays a click.
 * @param {HTMLElement} element what is dragged @param {HTMLElement} handle where it is taken
 * @param {{label: string, zone: Zone, drop: (index: number) => void, begin?: () => void, end?: () => void}} how
 */
export function makeDraggable(element, handle, how) {
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.pointerType !== "mouse" && !event.target.closest("[data-drag-handle]"))) return;
    follow(event, element, how);
  });
  // The browser's own dragging, of an image for one, would take the pointer away.
  handle.addEventListener("dragstart", (event) => event.preventDefault());
}

function follow(start, element, how) {
  const state = { ghost: null, index: null };
  const controller = new AbortController();
  const listen = (name, act) => window.addEventListener(name, act, { signal: controller.signal, capture: true });
  const end = (dropped) => {
    controller.abort();
    if (state.ghost) finish(state, element, how, dropped);
  };
  listen("pointermove", (event) => event.pointerId === start.pointerId && onMove(start, event, state, element, how));
  listen("pointerup", (event) => event.pointerId === start.pointerId && end(true));
  listen("pointercancel", () => end(false));
  listen("keydown", (event) => {
    if (event.key !== "Escape" || !state.ghost) return;
    event.preventDefault();
    end(false);
  });
}

function onMove(start, event, state, element, how) {
  if (!state.ghost) {
    if (Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < THRESHOLD) return;
    state.ghost = h("div", { class: "drag-ghost", "aria-hidden": "true" }, how.label);
    document.body.append(state.ghost);
    document.documentElement.classList.add("dragging");
    element.classList.add("is-dragged");
    how.begin?.();
  }
  event.preventDefault();
  document.getSelection()?.removeAllRanges();
  state.ghost.style.transform = `translate(${event.clientX + 12}px, ${event.clientY + 8}px)`;
  scrollAtEdge(event.clientY);
  state.index = how.zone.indexAt(event.clientX, event.clientY);
  how.zone.show(state.index);
}

function scrollAtEdge(y) {
  if (y < EDGE) window.scrollBy(0, -12);
  if (y > window.innerHeight - EDGE) window.scrollBy(0, 12);
}

function finish(state, element, how, dropped) {
  state.ghost.remove();
  document.documentElement.classList.remove("dragging");
  element.classList.remove("is-dragged");
  how.zone.show(null);
  how.end?.();
  // The click that follows a drag is none.
  const swallow = (event) => event.stopPropagation();
  window.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 0);
  if (dropped && state.index !== null) how.drop(state.index);
}
