/** A step as a card: what it does, its id, its connection, and its form. */

import { fill, h, icon, iconButton, writesText } from "./dom.js";
import { makeDraggable } from "./drag.js";
import "./schema-form.js";

/**
 * @typedef {object} View how a step stands at the moment
 * @property {number} index @property {number} count @property {{title: string, icon: string}|undefined} entry
 * @property {{step: string, title: string, schema: object, result: object|null}[]} references
 * @property {{pointer: string, code: string, message: string}[]|null} errors @property {boolean} showAll
 * @property {string} status of its last run, or "" @property {string[]} connections
 */

/** A card for a step. @param {import("./flow-state.js").Step} step @param {object} hooks what it may ask of the flow */
export function createCard(step, hooks) {
  const card = { step, hooks, view: null, form: document.createElement("schema-form"), open: true };
  card.parts = parts(card);
  card.element = h(
    "section",
    { class: "step", tabindex: "0", role: "group", "data-uid": step.uid, "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown Delete", onkeydown: (event) => onKey(card, event) },
    head(card), card.parts.body,
  );
  makeDraggable(card.element, card.parts.grip, {
    label: step.action.replaceAll("_", " "), zone: hooks.zone, drop: (gap) => hooks.drop(card.step.uid, gap),
    begin: () => hooks.dragging(true), end: () => hooks.dragging(false),
  });
  loadForm(card);
  return card;
}

function parts(card) {
  const { step } = card;
  const idField = h("input", { class: "sf-input step-id", value: step.id, spellcheck: "false", autocomplete: "off", id: `step-id-${step.uid}`, onchange: () => renamed(card) });
  const problem = h("p", { class: "sf-error", hidden: true, id: `step-id-error-${step.uid}` });
  const connection = h("select", { class: "sf-input", id: `step-connection-${step.uid}`, onchange: () => connectionChosen(card) });
  const settings = h("div", { class: "step-settings" }, labelled("Step id", idField, problem), labelled("Connection", connection));
  const place = h("div", { class: "step-form" }, h("p", { class: "muted" }, "Loading the form\u2026"));
  return {
    idField, problem, connection, place,
    number: h("span", { class: "step-number" }), title: h("h3", { class: "step-title" }), image: h("img", { class: "action-icon", alt: "", draggable: "false" }),
    chip: h("span", { class: "chip", hidden: true }), wrong: h("span", { class: "chip chip-failed", hidden: true }),
    grip: h("span", { class: "grip", "data-drag-handle": true, title: "Drag to move" }, icon("drag")),
    up: iconButton("arrowUp", "Move the step up", () => card.hooks.move(card.step.uid, -1)),
    down: iconButton("arrowDown", "Move the step down", () => card.hooks.move(card.step.uid, 1)),
    remove: iconButton("trash", "Remove the step", () => card.hooks.remove(card.step.uid)),
    fold: iconButton("chevron", "Hide the form", () => setOpen(card, !card.open), { "aria-expanded": "true", class: "icon-button step-fold" }),
    body: h("div", { class: "step-body" }, settings, place),
  };
}

function labelled(title, control, ...more) {
  return h("div", { class: "step-setting" }, h("label", { class: "sf-label", for: control.id }, title), control, ...more);
}

function head({ parts: part }) {
  return h(
    "div",
    { class: "step-head" },
    part.grip, part.fold, part.image, h("div", { class: "step-name" }, part.title, part.number),
    part.chip, part.wrong, h("div", { class: "step-tools" }, part.up, part.down, part.remove),
  );
}

async function loadForm(card) {
  const { parts: part, form, hooks } = card;
  try {
    const description = await hooks.describe(card.step);
    form.schema = description.schemas.input;
    form.labels = description.labels;
    form.options = hooks.optionsFor(description, () => card.step);
    form.value = card.step.input;
    form.bindings = card.step.bindings;
    form.addEventListener("edit", ({ detail }) => {
      hooks.edit(card.step.uid, { input: detail.value, bindings: detail.bindings }, writtenAt());
    });
    fill(part.place, form);
    if (card.view) update(card, card.step, card.view);
  } catch (problem) {
    fill(part.place, h("p", { class: "note note-danger" }, problem.message));
  }
}

/** What is written into one text is undone at once; what a button did is undone by itself. */
function writtenAt() {
  const focused = document.activeElement;
  return writesText(focused) ? `input ${focused.closest("[data-pointer]")?.dataset.pointer ?? ""}` : "";
}

/** Show a step as it is now. @param {ReturnType<typeof createCard>} card @param {import("./flow-state.js").Step} step @param {View} view */
export function update(card, step, view) {
  card.step = step;
  card.view = view;
  const { parts: part, form } = card;
  const title = view.entry?.title ?? step.action;
  part.title.textContent = title;
  part.number.textContent = `Step ${view.index + 1} of ${view.count} \u00b7 ${step.id}`;
  card.element.setAttribute("aria-label", `Step ${view.index + 1}: ${title}, ${step.id}`);
  part.image.hidden = !view.entry;
  if (view.entry && part.image.src !== view.entry.icon) part.image.src = view.entry.icon;
  part.up.disabled = view.index === 0;
  part.down.disabled = view.index === view.count - 1;
  // A refused id stays with what is said about it.
  if (document.activeElement !== part.idField && part.problem.hidden) part.idField.value = step.id;
  showConnections(card, view.connections);
  showChips(part, view);
  Object.assign(form, { references: view.references, value: step.input, bindings: step.bindings, errors: view.errors ?? [], showAll: view.showAll });
}

function showChips(part, { status, errors, showAll }) {
  part.chip.hidden = status === "";
  part.chip.className = `chip chip-${status}`;
  part.chip.textContent = status;
  const count = showAll ? (errors ?? []).length : 0;
  part.wrong.hidden = count === 0;
  part.wrong.textContent = `${count} to mend`;
}

const MORE = "\u0000more";

function showConnections({ step, hooks, parts: part }, names) {
  const known = step.connection === null || names.includes(step.connection) ? names : [...names, step.connection];
  const choices = [["", hooks.environmentName], ...known.map((name) => [name, names.includes(name) ? name : `${name} (not stored here)`]), [MORE, "Manage connections\u2026"]];
  const wanted = JSON.stringify([choices, step.connection]);
  if (part.connection.dataset.drawn === wanted) return;
  part.connection.dataset.drawn = wanted;
  fill(part.connection, choices.map(([value, label]) => h("option", { value, selected: value === (step.connection ?? "") }, label)));
}

function connectionChosen({ step, hooks, parts: part }) {
  if (part.connection.value !== MORE) {
    hooks.edit(step.uid, { connection: part.connection.value || null });
    return;
  }
  part.connection.value = step.connection ?? "";
  hooks.manageConnections(step);
}

function renamed(card) {
  const { idField, problem } = card.parts;
  const wrong = card.hooks.rename(card.step.uid, idField.value.trim());
  problem.textContent = wrong;
  problem.hidden = wrong === "";
  idField.setAttribute("aria-invalid", String(wrong !== ""));
  idField.setAttribute("aria-describedby", problem.id);
}

/** Fold or unfold a card. @param {ReturnType<typeof createCard>} card @param {boolean} open */
export function setOpen(card, open) {
  card.open = open;
  card.parts.body.hidden = !open;
  card.parts.fold.setAttribute("aria-expanded", String(open));
  for (const name of ["aria-label", "title"]) card.parts.fold.setAttribute(name, open ? "Hide the form" : "Show the form");
}

function onKey(card, event) {
  const direction = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (event.altKey && direction) {
    event.preventDefault();
    card.hooks.move(card.step.uid, direction);
  } else if ((event.key === "Delete" || event.key === "Backspace") && event.target === card.element) {
    event.preventDefault();
    card.hooks.remove(card.step.uid);
  } else if (event.key === "Enter" && event.target === card.element) {
    event.preventDefault();
    setOpen(card, !card.open);
  }
}
