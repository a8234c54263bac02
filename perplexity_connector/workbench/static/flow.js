/** The flow: a column of step cards, in the order in which they run. */

import { fill, h, icon } from "./dom.js";
import { createCard, setOpen, update } from "./steps.js";

/**
 * @param {HTMLElement} place @param {import("./flow-state.js").FlowState} state
 * @param {object} hooks what cards ask: describe, optionsFor, environmentName, manageConnections, viewOf, example, tryExample, say
 */
export function createFlow(place, state, hooks) {
  const list = h("div", { class: "steps" });
  const flow = { place, list, state, hooks, cards: new Map(), line: h("div", { class: "drop-line", "aria-hidden": "true" }) };
  flow.zone = { indexAt: (x, y) => indexAt(flow, x, y), show: (index) => showLine(flow, index) };
  fill(place, list, emptyState(hooks));
  return {
    zone: flow.zone,
    update: () => updateAll(flow),
    focusStep: (uid) => flow.cards.get(uid)?.element.focus(),
    focusUnfinished: () => focusUnfinished(flow),
    focusField: (id, pointer) => focusField(flow, id, pointer),
  };
}

function emptyState(hooks) {
  return h(
    "div",
    { class: "empty flow-empty" },
    h("div", { class: "empty-drawing", "aria-hidden": "true" }, h("span", {}), h("span", {}), h("span", {})),
    h("p", { class: "empty-title" }, "Drag an action here, or press Enter on it"),
    h("p", { class: "muted" }, "Steps run from top to bottom, and a step can use what the steps before it found."),
    hooks.example && h("button", { type: "button", class: "button", id: "try-example", onclick: hooks.tryExample }, icon("spark"), "Try an example"),
  );
}

function updateAll(flow) {
  const { state, cards, list, place } = flow;
  for (const [uid, card] of cards) if (state.index(uid) < 0) drop(flow, uid, card);
  state.steps.forEach((step, index) => {
    const card = cards.get(step.uid) ?? created(flow, step);
    // Only what stands elsewhere is moved: moving takes the focus away.
    if (list.children[index] !== card.element) keepingFocus(() => list.insertBefore(card.element, list.children[index] ?? null));
    update(card, step, flow.hooks.viewOf(step, index));
  });
  place.classList.toggle("is-empty", state.steps.length === 0);
}

function keepingFocus(move) {
  const focused = document.activeElement;
  move();
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function created(flow, step) {
  const { hooks, state } = flow;
  const card = createCard(step, {
    ...hooks,
    zone: flow.zone,
    edit: (uid, change, key) => state.edit(uid, change, key),
    rename: (uid, id) => state.rename(uid, id),
    remove: (uid) => remove(flow, uid),
    move: (uid, direction) => move(flow, uid, state.index(uid) + direction),
    drop: (uid, gap) => move(flow, uid, gap > state.index(uid) ? gap - 1 : gap),
    dragging: (is) => flow.list.classList.toggle("is-compact", is),
  });
  flow.cards.set(step.uid, card);
  return card;
}

function drop(flow, uid, card) {
  card.element.remove();
  flow.cards.delete(uid);
}

function move(flow, uid, index) {
  if (!flow.state.move(uid, index)) return;
  const { element } = flow.cards.get(uid);
  if (!element.contains(document.activeElement)) element.focus();
  element.scrollIntoView({ block: "nearest" });
  flow.hooks.say(`Moved to step ${index + 1} of ${flow.state.steps.length}.`);
}

function remove(flow, uid) {
  const index = flow.state.index(uid);
  flow.state.remove(uid);
  const next = flow.state.steps[Math.min(index, flow.state.steps.length - 1)];
  if (next) flow.cards.get(next.uid).element.focus();
  else flow.place.closest("section").focus();
  flow.hooks.say("Step removed. Control Z brings it back.");
}

function focusField(flow, id, pointer) {
  const card = [...flow.cards.values()].find((each) => each.step.id === id);
  if (!card) return;
  setOpen(card, true);
  if (!card.form.focusField(pointer)) card.element.focus();
}

/** Go to JSON that is half written. @returns {boolean} whether there is any */
function focusUnfinished({ cards }) {
  const card = [...cards.values()].find(({ form }) => form.unfinished);
  if (!card) return false;
  setOpen(card, true);
  card.form.unfinished.closest("details").open = true;
  card.form.unfinished.focus();
  return true;
}

/** The gap under the pointer: its number is that of the step below it. */
function indexAt({ place, list }, x, y) {
  const box = place.closest("section").getBoundingClientRect();
  if (x < box.left || x > box.right || y < box.top || y > Math.max(box.bottom, window.innerHeight)) return null;
  const cards = [...list.querySelectorAll(":scope > .step")];
  const below = cards.findIndex((card) => y < middle(card.getBoundingClientRect()));
  return below < 0 ? cards.length : below;
}

function middle({ top, height }) {
  return top + Math.min(height, 400) / 2;
}

function showLine({ place, list, line }, index) {
  place.classList.toggle("is-target", index !== null);
  if (index === null) line.remove();
  else list.insertBefore(line, list.querySelectorAll(":scope > .step")[index] ?? null);
}
