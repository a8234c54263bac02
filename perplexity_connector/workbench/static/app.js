/** The page: puts the rooms together. */

import * as api from "./api.js";
import { createBench } from "./bench.js";
import { fill, h } from "./dom.js";
import { drawTools, onShortcut } from "./tools.js";
import { drawPalette } from "./palette.js";
import { drawTabs } from "./tabs.js";

const KEPT = "flow";
const at = (id) => document.getElementById(id);

async function start() {
  const catalogue = await api.catalogue();
  at("sandbox-badge").hidden = !catalogue.sandbox;
  if (catalogue.sandbox) fill(at("banners"), sandboxBanner());
  const tabs = drawTabs(at("tabs"), at("columns"));
  const places = { flow: at("flow-body"), run: at("run-body"), said: at("said") };
  const bench = createBench(places, catalogue, tabs);
  drawPalette(at("palette-body"), catalogue, { zone: bench.zone, add: bench.add });
  drawTools(at("tools"), bench);
  document.addEventListener("keydown", (event) => onShortcut(event, bench));
  keepFlow(bench);
  await bench.loadConnections();
}

/** What somebody wrote outlives a reload; it stays in this tab, and goes with it. */
function keepFlow(bench) {
  const kept = sessionStorage.getItem(KEPT);
  if (kept) bench.load(JSON.parse(kept));
  bench.state.addEventListener("change", () => sessionStorage.setItem(KEPT, JSON.stringify(bench.state.document)));
}

function sandboxBanner() {
  const close = h("button", { type: "button", class: "link-button", onclick: () => fill(at("banners")) }, "Got it");
  return h("p", { class: "banner" }, h("span", {}, h("strong", {}, "Answers come from a sandbox. "), "It stands in for the real service: no key, no cost, a small made-up web. Try anything."), close);
}

start().catch((problem) => fill(at("banners"), h("p", { class: "note note-danger" }, problem.message)));
