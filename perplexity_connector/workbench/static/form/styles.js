/** Brings the look of the form into a page that has no form.css. */

/* global FORM_CSS */

/** The styles, in the one file that is bundled; else the page links form.css. */
const CSS = typeof FORM_CSS === "string" ? FORM_CSS : "";

/** @type {CSSStyleSheet | undefined} */
let sheet;

/**
 * Give the styles to the document, for the dialogs, and to the shadow tree around an element.
 * @param {Element} element
 */
export function addStyles(element) {
  if (CSS === "") return;
  sheet ??= makeSheet();
  const root = element.getRootNode();
  for (const place of new Set([document, root])) {
    const isPlace = place instanceof Document || place instanceof ShadowRoot;
    if (!isPlace || place.adoptedStyleSheets.includes(sheet)) continue;
    place.adoptedStyleSheets.push(sheet);
  }
}

function makeSheet() {
  const made = new CSSStyleSheet();
  made.replaceSync(CSS);
  return made;
}
