/** A field that is not text and takes its value from another place. */

/** @import { FormNode, Part, Reference } from "../types.js" */
/** @import { SchemaForm } from "../schema-form.js" */

import { h, drawIcon } from "../dom.js";
import { pickReference } from "../mapping.js";
import { drawFrame } from "./frame.js";
import { drawToken, editToken } from "./tokens.js";

/**
 * Draw the value that a field takes, instead of its control.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {Part[]} parts
 */
export function drawTaken(form, node, parts) {
  const remove = () => put(form, node, undefined);
  const drawPart = (/** @type {Part} */ part) => {
    if (typeof part === "string") return part;
    const change = (/** @type {Reference} */ changed) =>
      put(
        form,
        node,
        parts.map((each) => (each === part ? changed : each)),
      );
    const edit = () => editToken(part, form.references, { remove, change });
    return drawToken(part, { remove, edit });
  };
  const attributes = { class: "sf-input sf-taken", role: "group", tabindex: "-1" };
  return drawFrame(form, node, h("div", attributes, parts.map(drawPart)));
}

/**
 * Draw the button that picks a value for a field.
 * @param {SchemaForm} form
 * @param {FormNode} node
 * @param {() => unknown} [onclick] picks a value for the whole field, if left out
 */
export function drawTakeButton(form, node, onclick = () => takeWhole(form, node)) {
  const label = `Use a value in ${node.title}`;
  const attributes = { class: "sf-map sf-map-small", title: label, "aria-label": label };
  return h("button", { type: "button", ...attributes, onclick }, drawIcon("link"));
}

/** @param {SchemaForm} form @param {FormNode} node */
async function takeWhole(form, node) {
  const target = { title: node.title, schema: node.whole ?? node.schema };
  const picked = await pickReference(form.references, target);
  if (picked) put(form, node, [picked.reference]);
}

/** @param {SchemaForm} form @param {FormNode} node @param {Part[] | undefined} parts */
function put(form, { pointer, blank }, parts) {
  form.put(pointer, blank, parts);
  form.draw(pointer);
  form.focusField(pointer);
}
