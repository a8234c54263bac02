/** The buttons of the whole flow, and their keys. */

/** @import { Bench } from "./bench.js" */
/** @import { IconName } from "./dom.js" */

import { writeFlow } from "./copy-as.js";
import { drawCopyChoices } from "./copy-view.js";
import { fill, h, drawIcon, drawIconButton, isComposing, isTextField, openDialog } from "./dom.js";
import { drawMenu } from "./menu.js";

/**
 * Draw the tools, and the name of the flow.
 * @param {HTMLElement} place
 * @param {HTMLElement} namePlace
 * @param {Bench} bench
 */
export function drawTools(place, namePlace, bench) {
  const { state, file, runs, saved } = bench;
  const undoKeys = { "aria-keyshortcuts": "Control+Z" };
  const redoKeys = { "aria-keyshortcuts": "Control+Shift+Z" };
  const undo = drawIconButton("undo", "Undo", () => state.undo(), undoKeys);
  const redo = drawIconButton("redo", "Redo", () => state.redo(), redoKeys);
  const open = drawButton("open", "Open", () => saved.open(), "open");
  const save = drawButton("save", "Save", () => saved.save(), "save");
  const copy = drawButton("copy", "Copy as", () => showCopies(bench), "copy-flow");
  const manage = () => bench.manageConnections();
  const connections = drawButton("key", "Connections", manage, "connections");
  const more = drawMenu("More for the flow", [
    ["Save as\u2026", () => saved.saveAs()],
    ["Download", () => saved.download()],
    ["New flow", () => saved.begin()],
  ]);
  const runAndStop = drawRunAndStop(bench);
  const show = () => {
    undo.disabled = !state.canUndo;
    redo.disabled = !state.canRedo;
    save.disabled = state.steps.length === 0;
    copy.disabled = state.steps.length === 0;
    fill(namePlace, drawName(bench));
    runAndStop.show();
  };
  const own = [undo, redo, open, saved.fileInput, save, copy, connections, more];
  fill(place, own, runAndStop.buttons);
  for (const part of [state, file, runs]) part.addEventListener("change", show);
  document.addEventListener("keydown", (event) => onShortcut(event, bench));
  show();
}

/** Draw the name of the flow, with a mark of changes that are not saved. @param {Bench} bench */
function drawName({ file, state }) {
  if (state.steps.length === 0 && !file.name) return null;
  const mark = [
    h("span", { class: "dirty-mark", title: "Not saved", "aria-hidden": "true" }, "\u25cf"),
    h("span", { class: "visually-hidden" }, " (not saved)"),
  ];
  return [h("span", { class: "flow-title", title: file.title }, file.title), file.isDirty && mark];
}

/**
 * Draw Run and Stop. While a flow runs, Stop takes the place and the focus of Run.
 * @param {Bench} bench
 */
function drawRunAndStop(bench) {
  const run = h(
    "button",
    {
      type: "button",
      class: "button button-primary",
      id: "run-flow",
      "aria-keyshortcuts": "Control+Enter",
      onclick: () => bench.run(),
    },
    drawIcon("play"),
    "Run",
  );
  const label = h("span");
  const stop = h(
    "button",
    { type: "button", class: "button button-danger", id: "stop", onclick: () => bench.runs.stop() },
    drawIcon("stop"),
    label,
  );
  const show = () => {
    const hasFocus = document.activeElement === run || document.activeElement === stop;
    run.disabled = bench.state.steps.length === 0;
    run.hidden = bench.runs.isRunning;
    stop.hidden = !bench.runs.isRunning;
    if (hasFocus) (bench.runs.isRunning ? stop : run).focus();
    stop.disabled = bench.runs.isStopping;
    label.textContent = bench.runs.isStopping ? "Stopping\u2026" : "Stop";
  };
  return { buttons: [run, stop], show };
}

/**
 * @param {IconName} name
 * @param {string} label
 * @param {() => unknown} onclick
 * @param {string} id
 */
function drawButton(name, label, onclick, id) {
  return h(
    "button",
    { type: "button", class: "button button-quiet", title: label, onclick, id },
    drawIcon(name),
    h("span", { class: "button-label" }, label),
  );
}

/** @param {Bench} bench */
function showCopies(bench) {
  openDialog("Copy the flow", drawCopyChoices(writeFlow(bench.state.document, bench.sandbox)));
}

/**
 * Carry out the keys of the page. Undo and redo inside a text are left to the browser.
 * @param {KeyboardEvent} event
 * @param {Bench} bench
 */
function onShortcut(event, bench) {
  if (document.querySelector("dialog[open]") || !(event.ctrlKey || event.metaKey)) return;
  if (isComposing(event)) return;
  const key = event.key.toLowerCase();
  if (key === "enter") {
    event.preventDefault();
    bench.run();
  } else if (key === "s" && !event.shiftKey) {
    event.preventDefault();
    if (bench.state.steps.length > 0) bench.saved.save();
  } else if (key === "z" && !isTextField(event.target)) {
    event.preventDefault();
    if (event.shiftKey) bench.state.redo();
    else bench.state.undo();
  }
}
