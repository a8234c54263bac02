/** Starts the page and puts its parts together. */

import { enter, loadCatalogue } from "./api.js";
import { Bench } from "./bench.js";
import { drawProblem, fill, findById, h } from "./dom.js";
import { HistoryView } from "./history.js";
import { keepPage } from "./keeping.js";
import { drawPalette } from "./palette.js";
import { hasToken } from "./session.js";
import { TableView } from "./tables.js";
import { drawPanels, drawTabs } from "./tabs.js";
import { drawTools } from "./tools.js";

async function start() {
  await enter();
  const catalogue = await loadCatalogue();
  findById("sandbox-badge").hidden = !catalogue.sandbox;
  if (catalogue.sandbox) fill(findById("banners"), drawSandboxBanner());
  const showPart = drawTabs(findById("tabs"), findById("columns"));
  const places = {
    flow: findById("flow-body"),
    run: findById("run-body"),
    status: findById("said"),
  };
  const bench = new Bench(places, catalogue, showPart);
  drawPalette(findById("palette-body"), catalogue, bench);
  drawTools(findById("tools"), findById("flow-name"), bench);
  const table = drawRunParts(bench);
  await bench.loadConnections();
  await keepPage(bench, table);
}

/**
 * Draw the parts of the column of the runs: the runs of this page, the history, and the table.
 * @param {Bench} bench
 */
function drawRunParts(bench) {
  const history = new HistoryView(findById("history-body"), bench);
  const table = new TableView(findById("table-body"), bench);
  const onShow = () => history.show();
  const showPanel = drawPanels(findById("run-parts"), "Runs", [
    { name: "run", title: "Run", panel: findById("run-body") },
    { name: "history", title: "History", panel: findById("history-body"), onShow },
    { name: "table", title: "Table", panel: findById("table-body") },
  ]);
  bench.onShowRuns = () => showPanel("run");
  return table;
}

function drawSandboxBanner() {
  const attributes = { type: "button", class: "link-button" };
  const close = () => fill(findById("banners"));
  return h(
    "p",
    { class: "banner" },
    h(
      "span",
      {},
      h("strong", {}, "Answers come from a sandbox. "),
      "It replaces the real service: no key, no cost, a small made-up web. Try anything.",
    ),
    h("button", { ...attributes, onclick: close }, "Got it"),
  );
}

// A link that is followed in a tab of the workbench changes only the part behind `#`.
addEventListener("hashchange", () => {
  if (hasToken()) location.reload();
});

/** Show why the page is not open, and what to do. @param {unknown} problem */
function drawStopped(problem) {
  for (const id of ["tabs", "skip"]) findById(id).hidden = true;
  const place = findById("columns");
  place.className = "stopped";
  const help = [
    h("p", {}, "The address of a workbench that has ended does not work any more. Start it again:"),
    h("pre", {}, "perplexity-connector workbench"),
  ];
  const title = h("h2", {}, "This page is not connected to a workbench");
  fill(place, title, drawProblem(problem), help);
}

start().catch(drawStopped);
