/** The palette: every action there is, to search, to drag into the flow, or to add with Enter. */

import { fill, h, icon } from "./dom.js";
import { makeDraggable } from "./drag.js";

/** @typedef {{connector: string, action: string, version: number, title: string, summary: string, icon: string, categories: string[]}} Entry */

/**
 * @param {HTMLElement} place @param {{actions: Entry[], problems: {connector: string, message: string}[]}} catalogue
 * @param {{zone: import("./drag.js").Zone, add: (entry: Entry, index?: number) => void}} flow
 */
export function drawPalette(place, { actions, problems }, flow) {
  const list = h("ul", { class: "palette-list" });
  const none = h("p", { class: "muted", hidden: true }, "No action has these words.");
  const show = (search) => {
    const found = actions.filter((entry) => matches(entry, search));
    fill(list, found.map((entry) => h("li", {}, card(entry, flow))));
    none.hidden = found.length > 0;
  };
  const search = h("input", { type: "search", class: "sf-input", placeholder: "Search actions", "aria-label": "Search actions", oninput: (event) => show(event.target.value) });
  show("");
  fill(place, h("p", { class: "muted palette-hint" }, "Drag into the flow, or press Enter."), h("div", { class: "palette-search" }, icon("search"), search), list, none, problems.map(problemNote));
}

function matches(entry, search) {
  const text = [entry.title, entry.summary, entry.connector, entry.action, ...entry.categories].join(" ").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function card(entry, flow) {
  const button = h(
    "button",
    { type: "button", class: "palette-card", "data-action": `${entry.connector}/${entry.action}`, onclick: () => flow.add(entry) },
    h("img", { class: "action-icon", src: entry.icon, alt: "", draggable: "false" }),
    h("span", { class: "palette-text" },
      h("span", { class: "palette-title" }, entry.title),
      h("span", { class: "palette-summary" }, entry.summary),
      h("span", { class: "palette-tags" }, entry.categories.map((category) => h("span", { class: "tag" }, category))),
    ),
    h("span", { class: "grip", "data-drag-handle": true }, icon("drag")),
  );
  makeDraggable(button, button, { label: entry.title, zone: flow.zone, drop: (index) => flow.add(entry, index) });
  return button;
}

function problemNote({ connector, message }) {
  return h("p", { class: "note note-warn" }, h("strong", {}, connector), `: ${message}`);
}
