/** Draws the parts of the Table tab: its plan, its progress, its end. */

/** @import { Child, TableEnd, TablePlan, TableRow } from "./types.js" */

import { h } from "./dom.js";
import { drawFold } from "./form/frame.js";
import { drawFacts } from "./run-step.js";
import { writeAmount, writePrice, writeWait } from "./writing.js";

/** Say how a flow gets inputs. @param {boolean} hasSteps */
export function drawHelp(hasSteps) {
  const text = hasSteps
    ? "A table gives a value to each input of the flow, row by row. This flow has no inputs yet. " +
      "Add them under “Inputs” at the top of the flow, and use them in its steps."
    : "Make a flow first. A table then runs it once for each row.";
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, "Run the flow for each row of a table"),
    h("p", { class: "muted" }, text),
  );
}

/** Draw what a plan says of the rows. @param {TablePlan} plan */
export function drawPlanFacts({ rows, runs, done, doubles, price, seconds }) {
  return drawFacts([
    ["Rows", rows],
    ["To run", runs],
    ["Done before", done || null],
    ["Same as another row", doubles || null],
    ["Price", runs > 0 ? writePrice(price) : null],
    ["Time", seconds === null || runs === 0 ? null : `about ${writeWait(seconds)}`],
  ]);
}

/** Draw the lines that cannot run. @param {TablePlan} plan */
export function drawInvalid({ invalid }) {
  if (invalid.length === 0) return null;
  const items = invalid.map(({ line, pointer, message }) =>
    h("li", {}, h("strong", {}, `Line ${line}`), ` ${pointer} ${message}`),
  );
  const title = `Lines that cannot run: ${invalid.length}`;
  return drawFold(title, [h("ul", {}, items)], { class: "fold note note-warn" });
}

/** @param {TablePlan} plan @param {TableRow[]} rows @param {TableEnd | null} end */
export function drawBar(plan, rows, end) {
  const total = plan.runs;
  const ended = rows.filter(({ state }) => ["done", "failed", "unsure"].includes(state)).length;
  const cost = end?.cost ?? rows.reduce((sum, row) => sum + (row.cost ?? 0), 0);
  const text = `${ended} of ${total} rows · ${writeAmount(cost)}`;
  const bar = h("progress", { max: total || 1, "aria-label": "Rows that have ended" });
  bar.value = ended;
  return h("div", { class: "table-bar" }, bar, h("p", {}, text));
}

/** @param {TableRow[]} rows */
export function drawFailed(rows) {
  const failed = rows.filter(({ state }) => ["failed", "unsure"].includes(state));
  if (failed.length === 0) return null;
  const items = failed.map(({ line, key, error }) =>
    h("li", {}, h("strong", {}, `Line ${line}`), ` ${key} ${error ?? ""}`),
  );
  return drawFold(
    `Rows that failed: ${failed.length}`,
    [h("ul", { class: "table-failed" }, items)],
    {
      class: "fold note note-danger",
    },
  );
}

const REASONS = {
  done: "Every row has ended.",
  budget: "The money to spend is used up.",
  stopped: "The table was stopped. Run it again to go on.",
  failed: "An error has stopped the table.",
};

/** @param {TableEnd} end @returns {Child} */
export function drawEnd({ reason, message }) {
  const tone = reason === "done" ? "note-ok" : "note-warn";
  return h("p", { class: `note ${tone}` }, [REASONS[reason], message].filter(Boolean).join(" "));
}
