/** Numbered sources and search results, as links with their dates and snippets. */

/** @import { JsonObject, Source } from "./types.js" */

import { h } from "./dom.js";
import { drawFold } from "./form/frame.js";
import { isObject } from "./form/pointer.js";
import { drawLink, showMarkdown, webAddressOf } from "./markdown.js";
import { withoutUser } from "./text.js";

const MAX_ID = 1000;
const SHOWN_AT_ONCE = 5;
const SNIPPET_LENGTH = 600;

/**
 * Return the pages of an output, or of a partial one, in their order: `[n]` in an answer is the
 * n-th page.
 * @param {JsonObject} output
 * @returns {Source[]}
 */
export function readSources(output) {
  /** @type {unknown[]} */
  const lists = [output.search_results, output.results];
  const pages = lists.find((list) => Array.isArray(list) && list.length > 0);
  if (Array.isArray(pages)) return pages.filter(isSource);
  const urls = Array.isArray(output.citations) ? output.citations : [];
  return urls.flatMap((url) => (typeof url === "string" ? [{ title: url, url }] : []));
}

/** @param {unknown} page @returns {page is Source} */
export function isSource(page) {
  return isObject(page) && typeof page.url === "string";
}

/**
 * Sort results by their ids: `[n]` in a text means the result with id n. A missing id leaves an
 * empty place. Of two results with one id the first stays, as in the output. Without ids the order
 * stays.
 * @param {Source[]} found
 * @returns {Source[]}
 */
export function placeById(found) {
  const ids = found.map(({ id }) => id ?? 0);
  if (!ids.every((id) => Number.isInteger(id) && id > 0 && id <= MAX_ID)) return found;
  const length = Math.max(0, ...ids);
  const byId = new Map(found.toReversed().map((page) => [page.id, page]));
  return Array.from({ length }, (_, index) => byId.get(index + 1) ?? { title: "", url: "" });
}

/**
 * Draw sources under a title. The title is not a landmark: a run has many of them.
 * @param {Source[]} sources
 * @param {string} prefix the start of the entries' ids
 * @param {string} title
 * @param {boolean} [isGrowing] whether more may arrive
 */
export function drawSources(sources, prefix, title, isGrowing = false) {
  const count = h("span", { class: "count" }, sources.length);
  const head = h("h4", {}, title, " ", count);
  return h("div", { class: "sources" }, head, drawSourceList(sources, prefix, isGrowing));
}

/**
 * Draw a list of sources; the long rest of it is in a fold.
 * @param {Source[]} sources
 * @param {string} prefix
 * @param {boolean} [isGrowing]
 */
export function drawSourceList(sources, prefix, isGrowing = false) {
  const entries = sources.map((source, index) =>
    drawSource(source, `${prefix}-${index + 1}`, index + 1, isGrowing),
  );
  const more = entries.slice(SHOWN_AT_ONCE);
  return [
    h("ol", {}, entries.slice(0, SHOWN_AT_ONCE)),
    // Browsers open the fold by themselves when a link to a source in it is followed.
    more.length > 0 &&
      drawFold(`${more.length} more`, [h("ol", { start: SHOWN_AT_ONCE + 1 }, more)]),
  ];
}

/** @param {Source} source @param {string} id @param {number} number @param {boolean} isGrowing */
function drawSource(source, id, number, isGrowing) {
  // A source without an address has a title. An empty place has neither.
  if (!source.url && !source.title) {
    const note = isGrowing
      ? "This source has not arrived yet."
      : "The provider numbered this source but never sent it.";
    return h(
      "li",
      { id, tabindex: "-1" },
      h("span", { class: "source-number" }, number),
      h("p", { class: "muted" }, note),
    );
  }
  const snippet = source.snippet?.slice(0, SNIPPET_LENGTH);
  return h(
    "li",
    { id, tabindex: "-1" },
    h("span", { class: "source-number", "aria-hidden": "true" }, number),
    h(
      "div",
      { class: "source-text" },
      h("p", { class: "source-title", dir: "auto" }, drawTitle(source)),
      h("p", { class: "source-facts" }, describeSource(source)),
      snippet && drawSnippet(snippet),
    ),
  );
}

/** @param {string} snippet */
function drawSnippet(snippet) {
  const place = h("div", { class: "source-snippet" });
  showMarkdown(place, snippet);
  return place;
}

/** @param {Source} source */
function describeSource({ url, date, last_updated: updated }) {
  const address = webAddressOf(url);
  const facts = [address ? new URL(address).hostname : withoutUser(url)];
  if (date) facts.push(`published ${date}`);
  if (updated) facts.push(`updated ${updated}`);
  return facts.join(" \u00b7 ");
}

/** @param {Source} source */
function drawTitle({ url, title }) {
  return url ? drawLink(url, title || url) : (title ?? "");
}
