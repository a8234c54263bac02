/** Places a list beside a field, where there is room for it. */

/** The space between the field and the list, and between the list and the edge of the screen. */
const GAP = 4;
const HIGHEST = 320;
const NARROWEST = 240;

/**
 * Place an open list below a field, or above it where there is more room. It is never higher than
 * the room.
 * @param {HTMLElement} list in the top layer, with a fixed position
 * @param {HTMLElement} field
 */
export function placeBeside(list, field) {
  const { left, top, bottom, width } = field.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const { start, end } = shownHeight(clientHeight);
  const above = top - start - 2 * GAP;
  const below = end - bottom - 2 * GAP;
  const wanted = Math.min(HIGHEST, list.scrollHeight + 2);
  const isBelow = below >= Math.min(wanted, above);
  const shownWidth = Math.min(Math.max(width, NARROWEST), clientWidth - 2 * GAP);
  const shownLeft = Math.max(GAP, Math.min(left, clientWidth - GAP - shownWidth));
  Object.assign(list.style, {
    left: `${shownLeft}px`,
    width: `${shownWidth}px`,
    maxHeight: `${Math.min(HIGHEST, isBelow ? below : above)}px`,
    top: isBelow ? `${bottom + GAP}px` : "auto",
    bottom: isBelow ? "auto" : `${clientHeight - top + GAP}px`,
  });
}

/**
 * Return the part of the page's height that is on the screen: a keyboard may cover some of it.
 * @param {number} height
 */
function shownHeight(height) {
  const seen = window.visualViewport;
  if (!seen) return { start: 0, end: height };
  return { start: seen.offsetTop, end: Math.min(height, seen.offsetTop + seen.height) };
}
