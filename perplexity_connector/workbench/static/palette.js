/** The palette: all actions, to search, to drag into the flow, or to add with Enter. */

/** @import { Catalogue, Entry } from "./types.js" */
/** @import { Zone } from "./drag.js" */

import { fill, h, drawIcon } from "./dom.js";
import { makeDraggable } from "./drag.js";

/**
 * The flow, as the palette uses it.
 * @typedef {object} Target
 * @property {Zone} zone
 * @property {(entry: Entry, index?: number) => Promise<void>} add
 */

/**
 * @param {HTMLElement} place
 * @param {Catalogue} catalogue
 * @param {Target} target
 */
export function drawPalette(place, { actions, problems }, target) {
  const list = h("ul", { class: "palette-list" });
  const noMatch = h("p", { class: "muted", hidden: true }, "No action has these words.");
  const show = (/** @type {string} */ words) => {
    const found = actions.filter((entry) => matches(entry, words));
    const items = found.map((entry) => h("li", {}, drawCard(entry, target)));
    fill(list, items);
    noMatch.hidden = found.length > 0;
  };
  const search = h("input", {
    type: "search",
    class: "sf-input",
    dir: "auto",
    placeholder: "Search actions",
    "aria-label": "Search actions",
    oninput: (event) => show(event.currentTarget.value),
  });
  show("");
  fill(
    place,
    h("p", { class: "muted palette-hint" }, "Drag into the flow, or press Enter."),
    h("div", { class: "palette-search" }, drawIcon("search"), search),
    list,
    noMatch,
    problems.map(drawProblem),
  );
}

/** Return whether an action has all of these words. @param {Entry} entry @param {string} words */
function matches({ title, summary, connector, action, categories }, words) {
  const text = [title, summary, connector, action, ...categories].join(" ").toLowerCase();
  const wanted = words.toLowerCase().split(/\s+/);
  return wanted.every((word) => text.includes(word));
}

/** @param {Entry} entry @param {Target} target */
function drawCard(entry, target) {
  const tags = entry.categories.map((category) => h("span", { class: "tag" }, category));
  const button = h(
    "button",
    {
      type: "button",
      class: "palette-card",
      "data-action": `${entry.connector}/${entry.action}`,
      onclick: () => target.add(entry),
    },
    h("img", { class: "action-icon", src: entry.icon, alt: "", draggable: "false" }),
    h(
      "span",
      { class: "palette-text" },
      h("span", { class: "palette-title" }, entry.title),
      h("span", { class: "palette-summary" }, entry.summary),
      h("span", { class: "palette-tags" }, tags),
    ),
    h("span", { class: "grip", "data-drag-handle": true }, drawIcon("drag")),
  );
  makeDraggable(button, button, {
    label: entry.title,
    zone: target.zone,
    drop: (index) => target.add(entry, index),
  });
  return button;
}

/** @param {{connector: string, message: string}} problem */
function drawProblem({ connector, message }) {
  return h("p", { class: "note note-warn" }, h("strong", {}, connector), `: ${message}`);
}
