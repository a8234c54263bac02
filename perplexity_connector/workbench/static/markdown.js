/**
 * Draws an answer's text, which is not to be trusted: a small subset of Markdown, in which every
 * text becomes a text node.
 */

/** @import { Child } from "./types.js" */

import { h } from "./dom.js";
import { withoutUser } from "./text.js";

/**
 * Returns the id of a source's element by its number, or null.
 * @typedef {(number: number) => string | null} SourceIds
 */
/**
 * A block, and the index of the line after it.
 * @typedef {[node: Node | null, next: number]} Block
 */

const HEADINGS = /** @type {const} */ (["h4", "h5", "h6"]);
const MAX_SPAN = 600;
const SPANS = [
  "(?<tick>`+)(?<code>[^`]{1,MAX})\\k<tick>",
  "\\*\\*\\*(?<both>[^\\s*][^*]{0,MAX})\\*\\*\\*",
  "\\*\\*(?<strong>[^\\s*](?:[^*]|\\*(?!\\*)){0,MAX})\\*\\*",
  "\\*(?<em>[^\\s*][^*\\n]{0,MAX})\\*",
  "(?<![\\p{L}\\d_])_(?<em2>[^\\s_][^_\\n]{0,MAX})_(?![\\p{L}\\d_])",
  "\\[(?<label>[^\\]\\n]{1,MAX})\\]\\((?<url>(?:[^\\s()]|\\([^\\s()]{0,200}\\)){1,2000})\\)",
  "\\[(?<source>\\d{1,3})\\]",
  // A bare address does not include the sign that ends the sentence.
  "https?://[^\\s<>()\\[\\]\"'`]{0,2000}[^\\s<>()\\[\\]\"'`.,;:!?*](?:\\([^\\s<>()]{0,200}\\))?",
];
const SPAN = new RegExp(SPANS.join("|").replaceAll("MAX", String(MAX_SPAN)), "gu");

const FENCE = /^\s*```/;
const FENCE_END = /^\s*```\s*$/;
const HEADING = /^(?<marks>#{1,6})\s+(?<text>.*)$/;
const RULE = /^\s{0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const QUOTED = /^\s{0,3}>\s?/;
const ROW = /^\s*\|.*\|\s*$/;
const ROW_RULE = /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/;
const ITEM = /^\s{0,6}(?:[-*+]|(?<number>\d{1,4})[.)])\s+(?<text>.*)$/;
const PARAGRAPH_ENDS = [/^\s*$/, FENCE, /^#{1,6}\s/, ITEM, RULE, QUOTED];

/**
 * Draw a text. A source mark such as `[2]` becomes a link when the source has an element.
 * @param {string} text
 * @param {SourceIds} [sourceId]
 */
export function drawMarkdown(text, sourceId = () => null) {
  const fragment = document.createDocumentFragment();
  const lines = text.split("\n");
  for (let at = 0; at < lines.length;) {
    const [node, next] = drawBlock(lines, at, sourceId);
    if (node) fragment.append(node);
    at = next;
  }
  return fragment;
}

/**
 * Return a link, or only its content when the text is not a web address. A content that is an
 * address is shown without its user and password too.
 * @param {string} text
 * @param {string} content
 * @returns {Child}
 */
export function drawLink(text, content) {
  const href = webAddressOf(text);
  const shown = withoutUser(content);
  return href ? h("a", { href, rel: "noopener noreferrer", target: "_blank" }, shown) : shown;
}

/**
 * Return the address, without a user and a password, when it is one of the web, else null.
 * @param {string} text
 */
export function webAddressOf(text) {
  const plain = withoutUser(text);
  const address = URL.canParse(plain) ? new URL(plain) : null;
  return address && ["http:", "https:"].includes(address.protocol) ? address.href : null;
}

/** @param {string[]} lines @param {number} at @param {SourceIds} sourceId @returns {Block} */
function drawBlock(lines, at, sourceId) {
  const line = lines[at] ?? "";
  if (line.trim() === "") return [null, at + 1];
  if (FENCE.test(line)) return drawFence(lines, at);
  const heading = HEADING.exec(line)?.groups;
  if (heading) return [drawHeading(heading, sourceId), at + 1];
  if (RULE.test(line)) return [h("hr"), at + 1];
  if (QUOTED.test(line)) return drawQuote(lines, at, sourceId);
  if (isTable(lines, at)) return drawTable(lines, at, sourceId);
  if (ITEM.test(line)) return drawList(lines, at, sourceId);
  return drawParagraph(lines, at, sourceId);
}

/** @param {Record<string, string>} heading @param {SourceIds} sourceId */
function drawHeading({ marks = "", text = "" }, sourceId) {
  const tag = HEADINGS[marks.length - 1] ?? "h6";
  return h(tag, {}, drawSpans(text, sourceId));
}

/** @param {string[]} lines @param {number} at @returns {Block} */
function drawFence(lines, at) {
  const end = lines.findIndex((line, index) => index > at && FENCE_END.test(line));
  const last = end < 0 ? lines.length : end;
  const code = h("code", {}, lines.slice(at + 1, last).join("\n"));
  return [h("pre", { tabindex: "0" }, code), last + 1];
}

/** @param {string[]} lines @param {number} at @param {SourceIds} sourceId @returns {Block} */
function drawList(lines, at, sourceId) {
  const start = ITEM.exec(lines[at] ?? "")?.groups?.number;
  const list = h(start ? "ol" : "ul", { start });
  for (let next = at; ; next += 1) {
    const item = ITEM.exec(lines[next] ?? "")?.groups;
    const isOfList = item && (item.number === undefined) === (start === undefined);
    if (!isOfList) return [list, next];
    list.append(h("li", {}, drawSpans(item.text ?? "", sourceId)));
  }
}

/**
 * Return the index after the lines that have this form.
 * @param {string[]} lines
 * @param {number} at
 * @param {RegExp} form
 */
function endOf(lines, at, form) {
  let end = at;
  while (form.test(lines[end] ?? "")) end += 1;
  return end;
}

/** @param {string[]} lines @param {number} at @param {SourceIds} sourceId @returns {Block} */
function drawQuote(lines, at, sourceId) {
  const end = endOf(lines, at, QUOTED);
  const texts = lines.slice(at, end).map((line) => line.replace(QUOTED, ""));
  return [h("blockquote", {}, drawSpans(texts.join("\n"), sourceId)), end];
}

/** @param {string[]} lines @param {number} at */
function isTable(lines, at) {
  return ROW.test(lines[at] ?? "") && ROW_RULE.test(lines[at + 1] ?? "");
}

/** @param {string[]} lines @param {number} at @param {SourceIds} sourceId @returns {Block} */
function drawTable(lines, at, sourceId) {
  const end = endOf(lines, at, ROW);
  const head = drawRow(lines[at] ?? "", "th", sourceId);
  const body = lines.slice(at + 2, end).map((line) => drawRow(line, "td", sourceId));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, body));
  // The element around the table scrolls when the table is wider than the page.
  return [h("div", { class: "table", tabindex: "0" }, table), end];
}

/** @param {string} line @param {"th" | "td"} tag @param {SourceIds} sourceId */
function drawRow(line, tag, sourceId) {
  const texts = line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/);
  const cells = texts.map((text) => {
    return h(tag, {}, drawSpans(text.trim().replaceAll("\\|", "|"), sourceId));
  });
  return h("tr", {}, cells);
}

/** @param {string[]} lines @param {number} at @param {SourceIds} sourceId @returns {Block} */
function drawParagraph(lines, at, sourceId) {
  const isEnd = (/** @type {number} */ index) =>
    isTable(lines, index) || PARAGRAPH_ENDS.some((form) => form.test(lines[index] ?? ""));
  let end = at + 1;
  while (end < lines.length && !isEnd(end)) end += 1;
  return [h("p", {}, drawSpans(lines.slice(at, end).join("\n"), sourceId)), end];
}

/** @param {string} text @param {SourceIds} sourceId @returns {Child[]} */
function drawSpans(text, sourceId) {
  /** @type {Child[]} */
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(SPAN)) {
    nodes.push(text.slice(at, match.index), drawSpan(match[0], match.groups ?? {}, sourceId));
    at = match.index + match[0].length;
  }
  return [...nodes, text.slice(at)];
}

/**
 * @param {string} whole
 * @param {Record<string, string | undefined>} groups
 * @param {SourceIds} sourceId
 * @returns {Child}
 */
function drawSpan(whole, { code, both, strong, em, em2, label, url, source }, sourceId) {
  const italic = em ?? em2;
  if (code !== undefined) return h("code", {}, code);
  if (both !== undefined) return h("strong", {}, h("em", {}, drawSpans(both, sourceId)));
  if (strong !== undefined) return h("strong", {}, drawSpans(strong, sourceId));
  if (italic !== undefined) return h("em", {}, drawSpans(italic, sourceId));
  if (url !== undefined) return webAddressOf(url) ? drawLink(url, label ?? url) : whole;
  if (source !== undefined) return drawCitation(whole, Number(source), sourceId);
  return drawLink(whole, whole);
}

/** @param {string} whole @param {number} number @param {SourceIds} sourceId */
function drawCitation(whole, number, sourceId) {
  const id = sourceId(number);
  if (!id) return whole;
  const attributes = { class: "citation", href: `#${id}`, "aria-label": `Source ${number}` };
  return h("a", attributes, number);
}
