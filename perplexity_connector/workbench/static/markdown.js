/** The text of an answer as nodes. It is not to be trusted: a small subset of Markdown, each piece a text node. */

import { h } from "./dom.js";

const LONGEST_SPAN = 600;
const INLINE = new RegExp(
  [
    "(?<tick>`+)(?<code>[^`]{1,LONG})\\k<tick>",
    "\\*\\*\\*(?<both>[^\\s*][^*]{0,LONG})\\*\\*\\*",
    "\\*\\*(?<strong>[^\\s*](?:[^*]|\\*(?!\\*)){0,LONG})\\*\\*",
    "\\*(?<em>[^\\s*][^*\\n]{0,LONG})\\*",
    "(?<![\\p{L}\\d_])_(?<em2>[^\\s_][^_\\n]{0,LONG})_(?![\\p{L}\\d_])",
    "\\[(?<label>[^\\]\\n]{1,LONG})\\]\\((?<url>(?:[^\\s()]|\\([^\\s()]{0,200}\\)){1,2000})\\)",
    "\\[(?<source>\\d{1,3})\\]",
    // The sign that ends a sentence is none of the address before it.
    "(?<bare>https?://(?:[^\\s<>()\\[\\]\"'`]{0,2000}[^\\s<>()\\[\\]\"'`.,;:!?*])(?:\\([^\\s<>()]{0,200}\\))?)",
  ].join("|").replaceAll("LONG", String(LONGEST_SPAN)),
  "gu",
);

/**
 * @param {string} text @param {(number: number) => string|null} [sourceId] the id of the n-th source's element, if there is one
 * @returns {DocumentFragment}
 */
export function markdown(text, sourceId = () => null) {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(text.split("\n"), sourceId));
  return fragment;
}

/** @param {string} text @param {unknown} content @returns {HTMLElement|string} a link, or the content alone where the address is no web address */
export function link(text, content) {
  const address = webAddress(text);
  return address ? h("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, content) : content;
}

/** @param {string} text @returns {string|null} */
export function webAddress(text) {
  const address = URL.canParse(text) ? new URL(text) : null;
  return address && ["http:", "https:"].includes(address.protocol) ? address.href : null;
}

function blocks(lines, sourceId) {
  const found = [];
  for (let at = 0; at < lines.length; ) {
    const [node, next] = block(lines, at, sourceId);
    if (node) found.push(node);
    at = next;
  }
  return found;
}

function block(lines, at, sourceId) {
  const line = lines[at];
  if (line.trim() === "") return [null, at + 1];
  if (/^\s*```/.test(line)) return fence(lines, at);
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading) return [h(`h${Math.min(6, heading[1].length + 3)}`, {}, inline(heading[2], sourceId)), at + 1];
  if (RULE.test(line)) return [h("hr"), at + 1];
  if (QUOTED.test(line)) return quote(lines, at, sourceId);
  if (isTable(lines, at)) return table(lines, at, sourceId);
  if (ITEM.test(line)) return list(lines, at, sourceId);
  return paragraph(lines, at, sourceId);
}

const RULE = /^\s{0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const QUOTED = /^\s{0,3}>\s?/;
const ROW = /^\s*\|.*\|\s*$/;
const ITEM = /^\s{0,6}(?:[-*+]|(\d{1,4})[.)])\s+(.*)$/;

function fence(lines, at) {
  const end = lines.findIndex((line, index) => index > at && /^\s*```\s*$/.test(line));
  const last = end < 0 ? lines.length : end;
  return [h("pre", { tabindex: "0" }, h("code", {}, lines.slice(at + 1, last).join("\n"))), last + 1];
}

function list(lines, at, sourceId) {
  const [, number] = ITEM.exec(lines[at]);
  const node = h(number ? "ol" : "ul", { start: number });
  let next = at;
  for (let match = ITEM.exec(lines[next] ?? ""); match; match = ITEM.exec(lines[next] ?? "")) {
    if ((match[1] === undefined) !== (number === undefined)) break;
    node.append(h("li", {}, inline(match[2], sourceId)));
    next += 1;
  }
  return [node, next];
}

/** The index behind the lines that have that form. */
function endOf(lines, at, form) {
  let end = at;
  while (end < lines.length && form.test(lines[end])) end += 1;
  return end;
}

function quote(lines, at, sourceId) {
  const end = endOf(lines, at, QUOTED);
  return [h("blockquote", {}, inline(lines.slice(at, end).map((line) => line.replace(QUOTED, "")).join("\n"), sourceId)), end];
}

function isTable(lines, at) {
  return ROW.test(lines[at]) && /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/.test(lines[at + 1] ?? "");
}

function table(lines, at, sourceId) {
  const end = endOf(lines, at, ROW);
  const row = (line, cell) => h("tr", {}, line.trim().slice(1, -1).split(/(?<!\\)\|/).map((text) => h(cell, {}, inline(text.trim().replaceAll("\\|", "|"), sourceId))));
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  // In a place of its own, which scrolls where the table is wider than the page.
  return [h("div", { class: "table", tabindex: "0" }, h("table", {}, h("thead", {}, row(lines[at], "th")), h("tbody", {}, body))), end];
}

function paragraph(lines, at, sourceId) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== "" && !/^\s*```|^#{1,6}\s/.test(lines[end]) && ![ITEM, RULE, QUOTED].some((begins) => begins.test(lines[end])) && !isTable(lines, end)) end += 1;
  return [h("p", {}, inline(lines.slice(at, end).join("\n"), sourceId)), end];
}

function inline(text, sourceId) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(at, match.index), span(match, sourceId));
    at = match.index + match[0].length;
  }
  return [...nodes, text.slice(at)];
}

function span({ 0: whole, groups }, sourceId) {
  if (groups.code !== undefined) return h("code", {}, groups.code);
  if (groups.both !== undefined) return h("strong", {}, h("em", {}, inline(groups.both, sourceId)));
  if (groups.strong !== undefined) return h("strong", {}, inline(groups.strong, sourceId));
  if (groups.em !== undefined || groups.em2 !== undefined) return h("em", {}, inline(groups.em ?? groups.em2, sourceId));
  if (groups.url !== undefined) return webAddress(groups.url) ? link(groups.url, groups.label) : whole;
  if (groups.source !== undefined) return citation(whole, Number(groups.source), sourceId);
  return link(whole, whole);
}

function citation(whole, number, sourceId) {
  const id = sourceId(number);
  return id ? h("a", { class: "citation", href: `#${id}`, "aria-label": `Source ${number}` }, number) : whole;
}
