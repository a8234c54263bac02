/** The fields of a form as they are drawn, by the pointers of their places. */

/** @import { FormNode } from "../types.js" */

import { isWithin, parentOf } from "./pointer.js";

/** Return the pointer of the field around an element. @param {Element | null} element */
export function pointerAround(element) {
  return element?.closest("[data-pointer]")?.getAttribute("data-pointer") ?? undefined;
}

/**
 * Return the pointer of the field that the focus leaves. A switch and its text are one field.
 * @param {FocusEvent} event
 */
export function pointerLeft({ target, relatedTarget }) {
  const [left, next] = [target, relatedTarget].map((each) =>
    each instanceof Element ? pointerAround(each) : undefined,
  );
  return left === next ? undefined : left;
}

/**
 * A field as it is drawn.
 * @typedef {object} Field
 * @property {FormNode} node
 * @property {HTMLElement} wrapper the whole field
 * @property {HTMLElement} control the element that takes the focus
 */

export class FieldMap {
  /** @type {Map<string, Field>} */
  #fields = new Map();
  /**
   * The unions. Each registers the field of one branch, but is drawn again as a whole.
   * @type {Map<string, FormNode>}
   */
  #unions = new Map();

  /** @param {Field} field */
  register(field) {
    this.#fields.set(field.node.pointer, field);
  }

  /** Announce a union before the field of its branch is registered. @param {FormNode} node */
  registerUnion(node) {
    this.#unions.set(node.pointer, node);
  }

  /** @param {string} pointer */
  get(pointer) {
    return this.#fields.get(pointer);
  }

  /** Return the node to draw at a place: the union when there is one. @param {Field} field */
  nodeOf({ node }) {
    return this.#unions.get(node.pointer) ?? node;
  }

  /** Return the pointer of the nearest field around a place, or "". @param {string} pointer */
  nearest(pointer) {
    let place = pointer;
    while (place !== "" && !this.#fields.has(place)) place = parentOf(place);
    return place;
  }

  /** Return all fields with their pointers. */
  entries() {
    return [...this.#fields];
  }

  /** Remove the fields at a place and inside it. @param {string} pointer */
  remove(pointer) {
    for (const place of this.#fields.keys()) {
      if (isWithin(place, pointer)) this.#fields.delete(place);
    }
  }

  clear() {
    this.#fields.clear();
    this.#unions.clear();
  }
}

/**
 * Open the folds around an element, up to the root.
 * @param {HTMLElement} element
 * @param {HTMLElement} root
 */
export function openFolds(element, root) {
  let fold = element.closest("details");
  while (fold && root.contains(fold)) {
    fold.open = true;
    fold = fold.parentElement?.closest("details") ?? null;
  }
}
