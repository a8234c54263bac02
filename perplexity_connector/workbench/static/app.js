/** Starts the page and puts its parts together. */

import { enter, loadCatalogue } from "./api.js";
import { Bench } from "./bench.js";
import { fill, findById, h, messageOf } from "./dom.js";
import { drawPalette } from "./palette.js";
import { hasToken } from "./session.js";
import { drawTabs } from "./tabs.js";
import { drawTools, onShortcut } from "./tools.js";

const STORAGE_KEY = "flow";

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
  drawTools(findById("tools"), bench);
  document.addEventListener("keydown", (event) => onShortcut(event, bench));
  keepFlow(bench);
  await bench.loadConnections();
}

/**
 * Keep the flow over a reload. It stays in this tab and is gone when the tab is closed.
 * @param {Bench} bench
 */
function keepFlow(bench) {
  const stored = sessionStorage.getItem(STORAGE_KEY);
  if (stored) bench.load(JSON.parse(stored));
  bench.state.addEventListener("change", () => {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(bench.state.document));
  });
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

start().catch((problem) => {
  fill(findById("banners"), h("p", { class: "note note-danger" }, messageOf(problem)));
});
