/**
 * Keeps the page over a reload: its flow, its last run and its table. They stay in this tab and are
 * gone when the tab is closed; the history has the runs.
 */

/** @import { FlowRun } from "./types.js" */
/** @import { Bench } from "./bench.js" */
/** @import { TableView } from "./tables.js" */

import { fill, findById, h } from "./dom.js";
import * as flows from "./flow-api.js";

const STORAGE_KEY = "flow";

/**
 * Bring the page back as it was, and keep it from now on.
 * @param {Bench} bench
 * @param {TableView} table
 */
export async function keepPage(bench, table) {
  const kept = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null");
  if (kept) {
    bench.load(kept.flow);
    bench.file.restore(kept.file);
    bench.inputs = kept.inputs;
  }
  const keep = () => {
    const { inputs, runs, state, file } = bench;
    const last = runs.last;
    const run = last && {
      flowId: last.flowId,
      flow: last.flow,
      inputs: last.inputs,
      part: last.part,
    };
    const all = { flow: state.document, inputs, file: file.keep(), run, table: table.keep() };
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(all));
  };
  const running = await flows.listRunning().catch(() => []);
  // Not awaited: a run is followed for as long as it takes.
  restoreRun(bench, kept?.run, running);
  table.restore(kept?.table);
  for (const part of [bench.file, bench.runs, table]) part.addEventListener("change", keep);
  addEventListener("pagehide", keep);
}

/**
 * Show the last run of the page's flow, and follow it if it is under way.
 * @param {Bench} bench
 * @param {any} kept
 * @param {FlowRun[]} running
 */
async function restoreRun(bench, kept, running) {
  if (kept && running.some(({ flow_id: id }) => id === kept.flowId)) {
    await bench.runs.rejoin(kept);
    return;
  }
  const newest = running.findLast(({ ended_at: endedAt }) => endedAt === null);
  if (newest) await meetRunning(bench, newest);
  const old = kept && !bench.runs.last && (await flows.loadOld(kept.flowId).catch(() => null));
  if (old) await bench.showOld(old);
}

/**
 * Show a run that another page has begun: at once if its flow is on this page or nothing is.
 * @param {Bench} bench
 * @param {FlowRun} running
 */
async function meetRunning(bench, { flow_id: id, name }) {
  const old = await flows.loadOld(id).catch(() => null);
  if (old?.kind !== "flow") return;
  const title = name || old.title || "Unnamed flow";
  if (bench.state.steps.length === 0 || bench.isOnPage(old)) {
    await bench.openOld(old, title);
    return;
  }
  const place = findById("banners");
  const show = async () => {
    fill(place);
    if (await bench.mayLeave()) await bench.openOld(old, title);
  };
  const button = h("button", { type: "button", class: "link-button", onclick: show }, "Show it");
  const text = `“${title}” is still running. It begins no further step until a page shows it.`;
  fill(place, h("p", { class: "banner", role: "status" }, h("span", {}, text), button));
}
