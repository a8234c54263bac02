/** Draws an answer, while it is written and after, and copies it. */

/** @import { Received, Source } from "./types.js" */

import { writeText } from "./answer-text.js";
import { h, drawIcon, messageOf } from "./dom.js";
import { showMarkdown, webAddressOf } from "./markdown.js";
import { drawMenu } from "./menu.js";
import { clean, withoutUser } from "./text.js";

/**
 * The element of each answer. It grows with its answer, so that what the user has selected in it
 * stays selected.
 * @type {WeakMap<Received, HTMLElement>}
 */
const drawn = new WeakMap();

/**
 * Draw an answer; while it is written it has a caret. The status line reports it to screen readers.
 * @param {Received} step
 * @param {string} text
 * @param {Source[]} sources
 * @param {string} key the start of the ids of the sources
 */
export function drawAnswer(step, text, sources, key) {
  const place = drawn.get(step) ?? h("div", { class: "answer" });
  const sourceId = (/** @type {number} */ number) =>
    sources[number - 1] ? `${key}-source-${number}` : null;
  drawn.set(step, place);
  place.classList.toggle("is-writing", !step.envelope);
  showMarkdown(place, text, sourceId);
  const tools = step.envelope && drawCopyMenu(place, text, sources);
  return [place, tools ?? h("div", { class: "answer-end" })];
}

/** @param {HTMLElement} place @param {string} text @param {Source[]} sources */
function drawCopyMenu(place, text, sources) {
  const said = h("span", { class: "muted", role: "status" });
  const copy = (/** @type {string} */ written) => copyText(written, said);
  const menu = drawMenu(
    "Copy answer",
    [
      ["Text", () => copy(writeText(place))],
      ["Markdown", () => copy(text)],
      ["Markdown with sources", () => copy(writeWithSources(text, sources))],
    ],
    (label, onclick) =>
      h("button", { type: "button", class: "button", onclick }, drawIcon("copy"), label),
  );
  return h("div", { class: "answer-tools" }, menu, said);
}

/** @param {string} text @param {HTMLElement} said */
async function copyText(text, said) {
  said.textContent = "";
  said.textContent = await navigator.clipboard.writeText(text).then(
    () => "Copied",
    (problem) => `The browser did not copy it: ${messageOf(problem)}`,
  );
}

/**
 * Write an answer with the list that its marks count in.
 * @param {string} text
 * @param {Source[]} sources
 */
export function writeWithSources(text, sources) {
  if (sources.length === 0) return text;
  const lines = sources.map((source, index) => `${index + 1}. ${writeSource(source)}`);
  return [text.trimEnd(), "Sources:", lines.join("\n")].join("\n\n");
}

/** @param {Source} source */
function writeSource({ url, title }) {
  const words = clean(withoutUser(title || url))
    .replaceAll(/\s+/g, " ")
    .trim();
  const label = words.replaceAll(/[\\[\]<>*_`]/g, "\\$&");
  const address = webAddressOf(url)?.replaceAll("(", "%28").replaceAll(")", "%29");
  return address ? `[${label}](${address})` : label || "Never sent by the provider";
}
