/** Draws the results of a search query by query, each under its name. */

/** @import { Child, Envelope, Json, JsonObject, Source } from "./types.js" */

import { h } from "./dom.js";
import { drawLateFold } from "./form/frame.js";
import { isObject } from "./form/pointer.js";
import { drawSourceList, isSource } from "./sources.js";

/** With more queries than these, the results of each are in a fold. */
const OPEN_AT_MOST = 3;

/**
 * A query with its results. `problem` says why it failed; "" if it did not.
 * @typedef {{query: string, problem: string, results: Source[]}} Group
 */

/**
 * Return the results of a search, query by query. An output that is not of a search has none.
 * @param {JsonObject} output
 * @returns {Group[]}
 */
export function readGroups({ queries, results }) {
  if (!Array.isArray(queries) || !Array.isArray(results)) return [];
  /** @type {unknown[]} */
  const pages = results;
  const found = pages.filter(isSource);
  let start = 0;
  const groups = queries.filter(isObject).map(({ query, count, error }) => {
    const end = start + Number(count);
    const group = { query: String(query), problem: writeProblem(error) };
    const own = found.slice(start, end);
    start = end;
    return { ...group, results: own };
  });
  // With other counts, a result could be under a wrong name.
  return start === found.length ? groups : [];
}

/**
 * Write how many queries of a search were answered; "" if all were, or if it is not a search.
 * @param {Envelope | null} envelope
 */
export function writeAnswered(envelope) {
  const queries = envelope?.output?.queries;
  const all = Array.isArray(queries) ? queries.filter(isObject) : [];
  const count = all.filter(({ error }) => !error).length;
  return count < all.length ? `${count} of ${all.length} queries answered` : "";
}

/** @param {Json | undefined} error */
function writeProblem(error) {
  return isObject(error) ? String(error.user_message || error.message) : "";
}

/**
 * Draw the results of each query.
 * @param {Group[]} groups
 * @param {string} prefix the start of the entries' ids
 * @param {Envelope["warnings"]} warnings those that are shown above
 */
export function drawGroups(groups, prefix, warnings) {
  const isFolded = groups.length > OPEN_AT_MOST;
  // A single warning says why, for all queries that failed.
  const known = warnings.length === 1 ? (warnings[0]?.message ?? "") : "";
  const parts = groups.map((group, index) =>
    drawGroup(group, `${prefix}-${index + 1}`, isFolded, known),
  );
  return h("div", { class: "query-groups" }, parts);
}

/** @param {Group} group @param {string} prefix @param {boolean} isFolded @param {string} known */
function drawGroup({ query, problem, results }, prefix, isFolded, known) {
  const name = h("span", { class: "query-name", dir: "auto" }, query);
  const head = h("h4", {}, name, " ", h("span", { class: "count" }, writeCount(results, problem)));
  const reason = !known.endsWith(problem) && h("p", { class: "note note-warn" }, problem);
  const parts = [head, reason, drawResults(results, prefix, isFolded)];
  return h("div", { class: "sources query-group", "data-query": query }, parts);
}

/** @param {Source[]} results @param {string} prefix @param {boolean} isFolded @returns {Child} */
function drawResults(results, prefix, isFolded) {
  if (results.length === 0) return null;
  const draw = () => h("div", { class: "sources" }, drawSourceList(results, prefix));
  return isFolded ? drawLateFold("Show the results", draw) : drawSourceList(results, prefix);
}

/** @param {Source[]} results @param {string} problem */
function writeCount({ length }, problem) {
  if (problem) return "failed";
  if (length === 0) return "no results";
  return length === 1 ? "1 result" : `${length} results`;
}
