/**
 * Draws an answer's text, which is not to be trusted: markdown-it reads it, and each of its tokens
 * becomes a node here. No text becomes markup.
 */

/** @import { MarkdownIt, StateCore, StateInline, Token } from "markdown-it" */
/** @import { Child } from "./types.js" */

import { fill, h } from "./dom.js";
import { clean, withoutUser } from "./text.js";

/**
 * Returns the id of a source's element by its number, or null.
 * @typedef {(number: number) => string | null} SourceIds
 */

/** Hostile signs take markdown-it a second at this length, and more than twice that at twice it. */
const MAX_LENGTH = 100_000;
/** The headings of an answer: the page has headings of its own above these. */
const HEADINGS = /** @type {const} */ (["h4", "h5", "h6"]);
const BLOCKS = /** @type {const} */ (["p", "ul", "ol", "li", "blockquote"]);
const TABLE_PARTS = /** @type {const} */ (["thead", "tbody", "tr", "th", "td"]);
const EMPHASIS = /** @type {const} */ (["strong", "em", "s"]);
/** The elements that a token may become by its tag. */
const TAGS = [...HEADINGS, ...BLOCKS, ...TABLE_PARTS, ...EMPHASIS];
/** Blocks with a direction of their own. An item and a quotation have that of their first word. */
const DIRECTED = "h4, h5, h6, p:not(li > p, blockquote > p), li, blockquote, .table";
const USER = /\/\/(?<user>[^\s/?#<>"'`]*@)/y;
const BREAK = /<br\s*\/?>/iy;
// `[1](address)` is a link.
const CITATION = /\[(?<number>\d{1,3})\](?!\()/y;

/** What a token's node is made of. */
const DRAWN_FIELDS = ["type", "tag", "nesting", "hidden", "attrs", "content", "info", "children"];

/** The tokens of each block that is drawn, by the element. @type {WeakMap<Element, string[]>} */
const blocksOf = new WeakMap();
/** @type {MarkdownIt | null} */
let reader = null;
/** The texts that wait for the reader, by their elements. @type {Map<Element, () => void>} */
const waiting = new Map();

/**
 * Show a text in an element. A source mark such as `[2]` becomes a link when the source has an
 * element. Blocks that do not change stay, with what the user has selected in them.
 * @param {HTMLElement} element
 * @param {string} text
 * @param {SourceIds} [sourceId]
 */
export function showMarkdown(element, text, sourceId = () => null) {
  if (reader && text.length <= MAX_LENGTH) {
    drawChanged(element, reader.parse(text, { sourceId }));
    return;
  }
  blocksOf.delete(element);
  fill(element, h("p", { dir: "auto" }, text));
  if (reader) return;
  waiting.set(element, () => showMarkdown(element, text, sourceId));
  loadMarkdown();
}

/** Load the reader, and draw the texts that wait for it. Without it they stay as they are. */
export async function loadMarkdown() {
  const library = await import("./vendor/markdown-it/markdown-it.esm.min.mjs").catch(() => null);
  if (!library) return;
  reader ??= makeReader(library.default);
  for (const draw of waiting.values()) draw();
  waiting.clear();
}

/**
 * Return a link, or only its content when the text is not a web address. A content that is an
 * address is shown without its user and password too.
 * @param {string} text
 * @param {string} content
 * @returns {Child}
 */
export function drawLink(text, content) {
  return drawAnchor(text, withoutUser(content)) ?? withoutUser(content);
}

/** @param {string} text @param {...Child} children */
function drawAnchor(text, ...children) {
  const href = webAddressOf(text);
  if (!href) return null;
  return h("a", { href, rel: "noopener noreferrer", target: "_blank" }, children);
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

/** @param {typeof import("markdown-it").default} Reader */
function makeReader(Reader) {
  const made = new Reader({ html: false, linkify: true });
  // It finds addresses without a scheme, in a time that grows with the square of a text.
  made.core.ruler.disable("linkify");
  for (const scheme of ["http:", "https:"]) made.linkify.add(scheme, { validate: measure });
  made.core.ruler.push("headings", lowerHeadings);
  made.inline.ruler.before("link", "citation", readCitation);
  made.inline.ruler.before("autolink", "break", readBreak);
  made.validateLink = (address) => webAddressOf(address) !== null;
  made.normalizeLink = (address) => address;
  made.normalizeLinkText = withoutUser;
  return made;
}

/**
 * Give each heading the level below the heading that it belongs to, so that none is left out.
 * @param {StateCore} state
 */
function lowerHeadings({ tokens }) {
  /** @type {string[]} */
  const above = [];
  for (const token of tokens.filter(({ type }) => type === "heading_open")) {
    while ((above.at(-1) ?? "") >= token.tag) above.pop();
    above.push(token.tag);
    token.tag = HEADINGS[above.length - 1] ?? "h6";
  }
}

/**
 * Return the length of an address after its scheme. The library's own pattern has no users.
 * @param {string} text
 * @param {number} at
 * @param {MarkdownIt["linkify"]} linkify
 */
function measure(text, at, { re }) {
  USER.lastIndex = at;
  const user = USER.exec(text)?.groups?.user ?? "";
  const pattern = re.get_http_validator();
  pattern.lastIndex = 0;
  const found = pattern.exec(`//${text.slice(at + user.length + 2)}`);
  return found ? found[0].length + user.length : 0;
}

/** @param {StateInline} state @param {boolean} silent */
function readCitation(state, silent) {
  // In silence the end of a link is looked for, which may have brackets in its words.
  if (silent || state.linkLevel > 0) return false;
  CITATION.lastIndex = state.pos;
  const number = CITATION.exec(state.src)?.groups?.number;
  if (!number) return false;
  const { sourceId } = /** @type {{sourceId: SourceIds}} */ (state.env);
  const id = sourceId(Number(number));
  if (!id) return false;
  Object.assign(state.push("citation", "a", 0), { content: number, info: id });
  state.pos = CITATION.lastIndex;
  return true;
}

/** @param {StateInline} state @param {boolean} silent */
function readBreak(state, silent) {
  BREAK.lastIndex = state.pos;
  if (!BREAK.test(state.src)) return false;
  if (!silent) state.push("hardbreak", "br", 0);
  state.pos = BREAK.lastIndex;
  return true;
}

/** Draw tokens, of which one opens an element and a later one closes it. @param {Token[]} tokens */
function drawTokens(tokens) {
  const fragment = document.createDocumentFragment();
  /** @type {(Element | DocumentFragment)[]} */
  const open = [fragment];
  const all = tokens.flatMap((token) => (token.type === "inline" && token.children) || [token]);
  // A paragraph is hidden in a list whose items have no space between them.
  for (const token of all.filter(({ hidden }) => !hidden)) {
    if (token.nesting < 0) {
      open.pop();
      continue;
    }
    const parent = open.at(-1) ?? fragment;
    if (token.nesting === 0) {
      parent.append(drawLeaf(token, parent));
      continue;
    }
    const element = drawOpen(token);
    parent.append(element);
    // The element around a table scrolls when the table is wider than the page.
    open.push(element.querySelector("table") ?? element);
  }
  // At the end: a browser looks for the first word again at each node that such a block gets.
  for (const block of fragment.querySelectorAll(DIRECTED)) block.setAttribute("dir", "auto");
  return fragment;
}

/** @param {Token} token */
function drawOpen(token) {
  if (token.type === "link_open") return drawAnchor(read(token, "href")) ?? h("span");
  if (token.type === "table_open") return drawTable();
  const tag = TAGS.find((each) => each === token.tag) ?? "span";
  const align = /^text-align:(?<side>left|center|right)$/.exec(read(token, "style"));
  const start = token.attrGet("start");
  return h(tag, { start, class: align && `align-${align.groups?.side}` });
}

/** Return an attribute of a token, or "". @param {Token} token @param {string} name */
function read(token, name) {
  return String(token.attrGet(name) ?? "");
}

function drawTable() {
  const around = { class: "table", tabindex: "0", role: "group", "aria-label": "Table" };
  return h("div", around, h("table"));
}

/** @param {Token} token @param {Element | DocumentFragment} parent */
function drawLeaf(token, parent) {
  const { content, info } = token;
  const isInLink = parent instanceof Element && parent.closest("a") !== null;
  const shown = isInLink ? withoutUser(content) : content;
  switch (token.type) {
    case "code_inline":
      return h("code", { dir: "ltr" }, shown);
    case "code_block":
    case "fence":
      return h("pre", { tabindex: "0", dir: "ltr" }, h("code", {}, content.replace(/\n$/, "")));
    case "hardbreak":
      return h("br");
    case "hr":
      return h("hr");
    case "citation":
      return h(
        "a",
        { class: "citation", href: `#${info}`, "aria-label": `Source ${content}` },
        content,
      );
    case "image":
      // A link has no place in a link.
      return isInLink ? document.createTextNode(clean(shown)) : drawImage(token);
    default:
      return document.createTextNode(token.type === "softbreak" ? "\n" : clean(shown));
  }
}

/** Draw an image as a link to it: the page loads nothing from elsewhere. @param {Token} token */
function drawImage(token) {
  const address = read(token, "src");
  return (
    drawAnchor(address, withoutUser(token.content) || withoutUser(address)) ??
    h("span", {}, token.content)
  );
}

/**
 * Draw the blocks of an element from the first one that differs on.
 * @param {Element} element
 * @param {Token[]} tokens
 */
function drawChanged(element, tokens) {
  const blocks = splitBlocks(tokens);
  const written = blocks.map((block) => JSON.stringify(block, DRAWN_FIELDS));
  const before = blocksOf.get(element) ?? [];
  const differing = written.findIndex((block, index) => block !== before[index]);
  const start = differing < 0 ? written.length : differing;
  while (element.childNodes.length > start) element.lastChild?.remove();
  element.append(drawTokens(blocks.slice(start).flat()));
  blocksOf.set(element, written);
}

/** Return the tokens of each outermost block. @param {Token[]} tokens */
function splitBlocks(tokens) {
  /** @type {Token[][]} */
  const blocks = [];
  for (const token of tokens) {
    if (token.level === 0 && token.nesting >= 0) blocks.push([]);
    blocks.at(-1)?.push(token);
  }
  return blocks;
}
