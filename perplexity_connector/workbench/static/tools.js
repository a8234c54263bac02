/** The buttons of the whole flow, and their keys. */

/** @import { Flow } from "./types.js" */
/** @import { Bench } from "./bench.js" */
/** @import { IconName } from "./dom.js" */

import { writeFlow } from "./copy-as.js";
import { drawCopyChoices } from "./copy-view.js";
import {
  fill,
  h,
  drawIcon,
  drawIconButton,
  isComposing,
  isTextField,
  messageOf,
  openDialog,
} from "./dom.js";

/** @param {HTMLElement} place @param {Bench} bench */
export function drawTools(place, bench) {
  const { state } = bench;
  const undoKeys = { "aria-keyshortcuts": "Control+Z" };
  const redoKeys = { "aria-keyshortcuts": "Control+Shift+Z" };
  const undo = drawIconButton("undo", "Undo", () => state.undo(), undoKeys);
  const redo = drawIconButton("redo", "Redo", () => state.redo(), redoKeys);
  const file = drawFileInput(bench);
  const open = drawButton("open", "Open", () => file.click(), "open");
  const save = drawButton("save", "Save", () => download(state.document), "save");
  const copy = drawButton("copy", "Copy as", () => showCopies(bench), "copy-flow");
  const manage = () => bench.manageConnections();
  const connections = drawButton("key", "Connections", manage, "connections");
  const runAndStop = drawRunAndStop(bench);
  const show = () => {
    undo.disabled = !state.canUndo;
    redo.disabled = !state.canRedo;
    save.disabled = state.steps.length === 0;
    copy.disabled = state.steps.length === 0;
    runAndStop.show();
  };
  fill(place, undo, redo, open, file, save, copy, connections, runAndStop.buttons);
  state.addEventListener("change", show);
  bench.addRunListener(show);
  show();
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
    { type: "button", class: "button button-danger", id: "stop", onclick: () => bench.stop() },
    drawIcon("stop"),
    label,
  );
  const show = () => {
    const hasFocus = document.activeElement === run || document.activeElement === stop;
    run.disabled = bench.state.steps.length === 0;
    run.hidden = bench.isRunning;
    stop.hidden = !bench.isRunning;
    if (hasFocus) (bench.isRunning ? stop : run).focus();
    stop.disabled = bench.isStopping;
    label.textContent = bench.isStopping ? "Stopping\u2026" : "Stop";
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
function drawFileInput(bench) {
  return h("input", {
    type: "file",
    accept: ".json,application/json",
    class: "visually-hidden",
    id: "open-file",
    tabindex: "-1",
    "aria-label": "Flow file",
    onchange: (event) => openFile(event.currentTarget, bench),
  });
}

/** @param {HTMLInputElement} input @param {Bench} bench */
async function openFile(input, bench) {
  const file = input.files?.[0];
  if (!file) return;
  // Emptied, so that the same file can be chosen again.
  input.value = "";
  try {
    bench.load(JSON.parse(await file.text()));
    bench.say(`${file.name} is open.`);
  } catch (problem) {
    const isSyntax = problem instanceof SyntaxError;
    bench.complain(isSyntax ? `${file.name} is not a JSON document.` : messageOf(problem));
  }
}

/** @param {Flow} flow */
function download(flow) {
  const text = `${JSON.stringify(flow, null, 2)}\n`;
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  h("a", { href: address, download: "flow.json" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 0);
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
export function onShortcut(event, bench) {
  if (document.querySelector("dialog[open]") || !(event.ctrlKey || event.metaKey)) return;
  if (isComposing(event)) return;
  if (event.key === "Enter") {
    event.preventDefault();
    bench.run();
  } else if (event.key.toLowerCase() === "z" && !isTextField(event.target)) {
    event.preventDefault();
    if (event.shiftKey) bench.state.redo();
    else bench.state.undo();
  }
}
