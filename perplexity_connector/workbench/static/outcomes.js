/** How a test or a change of a connection ended, in words. */

/** @import { Child, ConnectionStatus } from "./types.js" */

import { ApiError } from "./api.js";
import { fill, h, messageOf } from "./dom.js";

/** @type {Record<string, string>} */
const OUTCOMES = {
  ok: "Works",
  invalid_credentials: "Key refused",
  permission_denied: "Not allowed",
  quota_exhausted: "No credit left",
  rate_limited: "Too many requests",
  unreachable: "Not reachable",
  unknown: "Not clear",
};

/**
 * Show that something is going on, then its result or its failure.
 * @param {HTMLElement} place
 * @param {() => Promise<Child>} act
 */
export async function showResult(place, act) {
  fill(place, h("p", { class: "muted working" }, "One moment\u2026"));
  fill(place, await act().catch(drawFailure));
}

/** @param {ConnectionStatus} status */
export function drawOutcome({ outcome, message, next_step: nextStep }) {
  const tone = outcome === "ok" ? "note-ok" : "note-danger";
  return h(
    "div",
    { class: `note ${tone}`, "data-outcome": outcome },
    h("p", {}, h("strong", {}, `${OUTCOMES[outcome] ?? outcome}. `), message),
    nextStep && h("p", {}, nextStep),
  );
}

/** Draw a failure with its fields. @param {unknown} problem */
export function drawFailure(problem) {
  const fields = (problem instanceof ApiError && problem.data.fields) || [];
  const items = fields.map(({ message }) => h("li", {}, message));
  return h(
    "div",
    { class: "note note-danger" },
    h("p", {}, messageOf(problem)),
    items.length > 0 && h("ul", {}, items),
  );
}
