/** The buttons of the whole flow, and their keys. */

import { copyChoices } from "./copy-view.js";
import { flowTexts } from "./copy-as.js";
import { fill, h, icon, iconButton, writesText } from "./dom.js";

/** @param {HTMLElement} place @param {ReturnType<typeof import("./bench.js").createBench>} bench */
export function drawTools(place, bench) {
  const undo = iconButton("undo", "Undo", bench.state.undo.bind(bench.state), { "aria-keyshortcuts": "Control+Z" });
  const redo = iconButton("redo", "Redo", bench.state.redo.bind(bench.state), { "aria-keyshortcuts": "Control+Shift+Z" });
  const file = h("input", { type: "file", accept: ".json,application/json", class: "visually-hidden", id: "open-file", tabindex: "-1", "aria-label": "Flow file", onchange: () => opened(file, bench) });
  const save = named("save", "Save", () => download(bench.state.document), { id: "save" });
  const copy = named("copy", "Copy as", () => showCopies(bench), { id: "copy-flow" });
  const run = h("button", { type: "button", class: "button button-primary", id: "run-flow", "aria-keyshortcuts": "Control+Enter", onclick: bench.run }, icon("play"), "Run");
  const stop = h("button", { type: "button", class: "button button-danger", id: "stop", onclick: bench.stop }, icon("stop"), h("span", {}, "Stop"));
  const show = () => {
    undo.disabled = !bench.state.canUndo;
    redo.disabled = !bench.state.canRedo;
    for (const button of [save, copy]) button.disabled = bench.state.steps.length === 0;
    run.disabled = bench.state.steps.length === 0;
    swap(run, stop, bench.isRunning());
    stop.disabled = bench.isStopping();
    stop.lastChild.textContent = bench.isStopping() ? "Stopping\u2026" : "Stop";
  };
  fill(place, undo, redo, named("open", "Open", () => file.click(), { id: "open" }), file, save, copy, named("key", "Connections", () => bench.manageConnections(), { id: "connections" }), run, stop);
  bench.state.addEventListener("change", show);
  bench.addRunListener(show);
  show();
}

/** While it runs, Stop stands where Run was; the focus goes along. */
function swap(run, stop, isRunning) {
  const focused = [run, stop].includes(document.activeElement);
  run.hidden = isRunning;
  stop.hidden = !isRunning;
  if (focused) (isRunning ? stop : run).focus();
}

function named(drawing, label, onclick, more) {
  return h("button", { type: "button", class: "button button-quiet", title: label, onclick, ...more }, icon(drawing), h("span", { class: "button-label" }, label));
}

async function opened(file, bench) {
  const [chosen] = file.files;
  if (!chosen) return;
  try {
    bench.load(JSON.parse(await chosen.text()));
    bench.say(`${chosen.name} is open.`);
  } catch (problem) {
    bench.complain(problem instanceof SyntaxError ? `${chosen.name} is no JSON document.` : problem.message);
  } finally {
    file.value = "";
  }
}

function download(flow) {
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(flow, null, 2)}\n`], { type: "application/json" }));
  h("a", { href: address, download: "flow.json" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 0);
}

function showCopies(bench) {
  const close = iconButton("close", "Close", () => dialog.close());
  const dialog = h("dialog", { class: "dialog", "aria-label": "Copy the flow" }, h("header", { class: "dialog-head" }, h("h2", {}, "Copy the flow"), close), copyChoices(flowTexts(bench.state.document, bench.sandbox)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Keys of the page. In a text they belong to the text. @param {KeyboardEvent} event */
export function onShortcut(event, bench) {
  if (document.querySelector("dialog[open]") || !(event.ctrlKey || event.metaKey)) return;
  if (event.key === "Enter") {
    event.preventDefault();
    bench.run();
  } else if (event.key.toLowerCase() === "z" && !writesText(event.target)) {
    event.preventDefault();
    if (event.shiftKey) bench.state.redo();
    else bench.state.undo();
  }
}
