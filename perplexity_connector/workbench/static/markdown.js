/** The text of an answer as nodes. It is not to be trusted: a small subset of Markdown, each piece a text node. */

import { h } from "./dom.js";

const LONGEST_SPAN = 600;
const INLINE = new RegExp(
  [
    "(?<tick>`+)(?<code>[^`]{1,LONG})\\k<tick>",
    "\\*\\*(?<strong>[^\\s*](?:[^*]|\\*(?!\\*)){0,LONG})\\*\\*",
    "\\*(?<em>[^\\s*][^*\\n]{0,LONG})\\*",
    "(?<![\\p{L}\\d_])_(?<em2>[^\\s_][^_\\n]{0,LONG})_(?![\\p{L}\\d_])",
    "\\[(?<label>[^\\]\\n]{1,LONG})\\]\\((?<url>[^\\s)]{1,2000})\\)",
    "\\[(?<source>\\d{1,3})\\]",
    "(?<bare>https?://[^\\s<>()\\[\\]\"'`]{1,2000})",
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
  if (ITEM.test(line)) return list(lines, at, sourceId);
  return paragraph(lines, at, sourceId);
}

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

function paragraph(lines, at, sourceId) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== "" && !/^\s*```|^#{1,6}\s/.test(lines[end]) && !ITEM.test(lines[end])) end += 1;
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
