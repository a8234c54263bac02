/** Numbered sources and search results, as links with what is known of them. */

import { h } from "./dom.js";
import { fold } from "./form/frame.js";
import { link, markdown, webAddress } from "./markdown.js";

/**
 * The pages that an output or a partial one tells of, in their order: `[n]` in an answer is the n-th.
 * @param {object|null|undefined} output @returns {{title: string, url: string, snippet?: string, date?: string|null, last_updated?: string|null}[]}
 */
export function sourcesOf(output) {
  const lists = [output?.search_results, output?.results].filter((list) => Array.isArray(list) && list.length > 0);
  const pages = lists[0] ?? (output?.citations ?? []).map((url) => ({ title: url, url }));
  return pages.filter((page) => typeof page === "object" && page !== null && typeof page.url === "string");
}

/**
 * Results as they were found, each at the place that its id names: `[n]` in the text means the one with id n.
 * @param {{id?: number}[]} found @returns {object[]}
 */
export function placed(found) {
  if (!found.every(({ id }) => Number.isInteger(id) && id > 0 && id <= MOST)) return found;
  const places = Array.from({ length: Math.max(0, ...found.map(({ id }) => id)) }, () => ({ title: "", url: "" }));
  // Of two with one id the first stays, as in the output.
  for (const page of found.toReversed()) places[page.id - 1] = page;
  return places;
}

const MOST = 1000;
const SHOWN_AT_ONCE = 5;

/** @param {ReturnType<typeof sourcesOf>} sources @param {string} prefix what the ids of the entries begin with @param {string} title */
export function drawSources(sources, prefix, title) {
  const entries = sources.map((source, index) => drawSource(source, `${prefix}-${index + 1}`, index + 1));
  const more = entries.slice(SHOWN_AT_ONCE);
  return h(
    "section",
    { class: "sources", "aria-label": title },
    h("h4", {}, title, " ", h("span", { class: "count" }, sources.length)),
    h("ol", {}, entries.slice(0, SHOWN_AT_ONCE)),
    // A link to a source in it opens the fold: browsers do that by themselves.
    more.length > 0 && fold(`${more.length} more`, [h("ol", { start: SHOWN_AT_ONCE + 1 }, more)]),
  );
}

function drawSource(source, id, number) {
  // A source without an address has a title. An empty place has neither.
  if (!source.url && !source.title) return h("li", { id, tabindex: "-1" }, h("span", { class: "source-number" }, number), h("p", { class: "muted" }, "This source was numbered, but never sent."));
  const snippet = h("div", { class: "source-snippet" }, markdown((source.snippet ?? "").slice(0, 600)));
  return h(
    "li",
    { id, tabindex: "-1" },
    h("span", { class: "source-number", "aria-hidden": "true" }, number),
    h("div", { class: "source-text" }, h("p", { class: "source-title" }, source.url ? link(source.url, source.title || source.url) : source.title), h("p", { class: "source-facts" }, facts(source)), source.snippet && snippet),
  );
}

function facts(source) {
  const address = webAddress(source.url);
  const dates = [source.date && `published ${source.date}`, source.last_updated && `updated ${source.last_updated}`];
  return [address ? new URL(address).hostname : source.url, ...dates].filter(Boolean).join(" \u00b7 ");
}
