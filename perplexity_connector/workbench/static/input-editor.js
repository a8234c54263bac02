/** The editor of a flow's inputs: rows where they can show all of the schema, JSON always. */

/** @import { Json, JsonObject, Schema } from "./types.js" */
/** @import { FlowState } from "./flow-state.js" */
/** @import { Row } from "./input-rows.js" */

import { fill, h } from "./dom.js";
import { findErrors } from "./form/check.js";
import { drawFold } from "./form/frame.js";
import { isObject, isSame } from "./form/pointer.js";
import { drawJsonArea } from "./form/structures.js";
import {
  findRowErrors,
  renamedIn,
  ROW_LABELS,
  rowsIn,
  rowsOf,
  ROWS_SCHEMA,
  schemaOf,
} from "./input-rows.js";
import { keyOfEdit } from "./step-body.js";

const OTHER = "This schema has more than the rows can show, so it is edited as JSON.";

export class InputEditor {
  /** The place of the rows, or of the note that there are none. */
  #place = h("div");
  /** The rows, which become the flow's inputs while nothing is wrong with them. */
  #form = h("schema-form");
  /** The rows that the flow has last got from here. @type {Row[]} */
  #rows = [];
  #jsonNote = h("p", { class: "sf-error", hidden: true });
  #otherNote = h("p", { class: "muted" }, OTHER);
  /** The area with the schema as JSON; drawn again when the schema changes elsewhere. */
  #area = h("textarea");
  #json = drawFold("JSON Schema", [this.#area, this.#jsonNote]);
  element = h("div", { class: "input-editor" }, this.#place, this.#json);
  /** The schema that is shown. @type {Schema | null | undefined} */
  #shown = undefined;
  #state;

  /** @param {FlowState} state */
  constructor(state) {
    this.#state = state;
    Object.assign(this.#form, { schema: ROWS_SCHEMA, labels: ROW_LABELS, plain: true });
    this.#form.addEventListener("edit", () => this.#onRows());
  }

  /** Whether the rows or the JSON are not in the flow yet, because something is wrong with them. */
  get isUnfinished() {
    return !this.#jsonNote.hidden || this.#form.errors.length > 0;
  }

  /** Show the flow's inputs as they are now. */
  show() {
    const { inputs } = this.#state;
    if (isSame(inputs, this.#shown)) return;
    this.#shown = inputs;
    const rows = inputs ? rowsOf(inputs) : [];
    // Rows that are still without a name stay: the schema does not have them.
    const isOwn = rows && isSame(schemaOf(this.#rows), inputs);
    if (rows && !isOwn) this.#setRows(rows);
    this.#draw(inputs, rows !== null);
  }

  /** Show no row but a new one. */
  begin() {
    if (!this.#state.inputs) this.#setRows([{ type: "text" }]);
    this.#form.focusField("/inputs/0/name");
  }

  focus() {
    if (this.#form.isConnected) this.#form.focusField("/inputs");
    else this.#area.focus();
  }

  /** @param {Row[]} rows */
  #setRows(rows) {
    this.#rows = rows;
    this.#form.value = /** @type {JsonObject} */ ({ inputs: rows });
    this.#form.errors = this.#errorsIn(rows);
  }

  /** @param {Schema | null} inputs @param {boolean} hasRows */
  #draw(inputs, hasRows) {
    if (document.activeElement !== this.#area) this.#drawArea(inputs);
    const shown = hasRows ? this.#form : this.#otherNote;
    if (shown.isConnected) return;
    if (!hasRows) this.#json.open = true;
    fill(this.#place, shown);
  }

  /** @param {Schema | null} inputs */
  #drawArea(inputs) {
    const value = /** @type {JsonObject | undefined} */ (inputs ?? undefined);
    const area = drawJsonArea(value, (json, problem) => this.#onJson(json, problem));
    area.setAttribute("aria-label", "Inputs as JSON Schema");
    this.#area.replaceWith(area);
    this.#area = area;
    this.#jsonNote.hidden = true;
  }

  #onRows() {
    const rows = rowsIn(this.#form.value);
    const errors = this.#errorsIn(rows);
    this.#form.errors = errors;
    if (errors.some(({ code }) => code !== "required")) return;
    const names = renamedIn(this.#rows, rows);
    this.#rows = rows;
    const inputs = schemaOf(rows);
    this.#state.setInputs(inputs, keyOfEdit(), names);
  }

  /** @param {Row[]} rows */
  #errorsIn(rows) {
    const value = /** @type {JsonObject} */ ({ inputs: rows });
    return [...findErrors(ROWS_SCHEMA, value), ...findRowErrors(rows)];
  }

  /** @param {Json | undefined} value @param {string} problem */
  #onJson(value, problem) {
    const isObjectSchema = value === undefined || (isObject(value) && value.type === "object");
    const note = problem || (isObjectSchema ? "" : 'The inputs are an object: "type": "object".');
    this.#jsonNote.textContent = note;
    this.#jsonNote.hidden = note === "";
    this.#area.setAttribute("aria-invalid", String(note !== ""));
    if (!note) this.#state.setInputs(/** @type {Schema | null} */ (value ?? null), "json");
  }
}
