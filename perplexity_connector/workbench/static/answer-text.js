/** Writes a drawn answer as plain text. */

const GAPPED = new Set(["P", "H4", "H5", "H6", "PRE", "BLOCKQUOTE", "UL", "OL", "HR", "DIV"]);

/** Write an element's content, with its lists, tables and citations. @param {Element} element */
export function writeText(element) {
  return writeInside(element, "\n\n").trim();
}

/** @param {Element} parent @param {string} gap what is between two blocks */
function writeInside(parent, gap) {
  let text = "";
  for (const node of parent.childNodes) {
    const isBlock = GAPPED.has(node.nodeName);
    text = isBlock && text ? text.trimEnd() + gap : text;
    text += node instanceof Element ? writeElement(node) : (node.nodeValue ?? "");
  }
  return text;
}

/** @param {Element} element */
function writeElement(element) {
  switch (element.nodeName) {
    case "BR":
      return "\n";
    case "HR":
      return "---";
    case "S":
      return `~~${writeInside(element, " ")}~~`;
    case "A":
      return writeLink(element);
    case "UL":
    case "OL":
      return writeList(element);
    case "TABLE":
      return [...element.querySelectorAll("tr")].map(writeRow).join("\n");
    default:
      return writeInside(element, "\n\n");
  }
}

/** @param {Element} link */
function writeLink(link) {
  const words = writeInside(link, " ");
  if (link.className === "citation") return `[${words}]`;
  const address = link.getAttribute("href") ?? "";
  return address === words || address === `${words}/` ? words : `${words} (${address})`;
}

/** @param {Element} list */
function writeList(list) {
  const start = Number(list.getAttribute("start") ?? 1);
  const items = [...list.children].map((item, index) => {
    const mark = list.nodeName === "OL" ? `${start + index}. ` : "- ";
    const lines = writeInside(item, "\n").trimEnd().split("\n");
    return mark + lines.join(`\n${" ".repeat(mark.length)}`);
  });
  return items.join("\n");
}

/** @param {Element} row */
function writeRow(row) {
  const cells = [...row.children].map((cell) => writeInside(cell, " ").replaceAll(/\s+/g, " "));
  return cells.join("\t");
}
