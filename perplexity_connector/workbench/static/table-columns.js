/** Finds a table's column for each input of a flow. Does not touch the page. */

/** @import { Schema } from "./types.js" */

/** Write a name as it is compared. @param {string} name */
const plain = (name) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

/**
 * Return the column for each input: that of the same name, else one that differs only in its case,
 * its spaces and signs; empty for none.
 * @param {string[]} inputs
 * @param {string[]} columns
 * @returns {Record<string, string>}
 */
export function guessColumns(inputs, columns) {
  const find = (/** @type {string} */ input) => {
    if (columns.includes(input)) return input;
    return columns.find((column) => plain(column) === plain(input)) ?? "";
  };
  return Object.fromEntries(inputs.map((input) => [input, find(input)]));
}

/**
 * Return the columns for the inputs that a flow has now: those that were chosen stay.
 * @param {Record<string, Schema>} inputs
 * @param {string[]} columns
 * @param {Record<string, string>} chosen
 */
export function columnsFor(inputs, columns, chosen) {
  const guessed = guessColumns(Object.keys(inputs), columns);
  const entries = Object.entries(guessed).map(([name, column]) => [name, chosen[name] ?? column]);
  return Object.fromEntries(entries);
}

/**
 * Return the template of a table, as `run-table` has it; undefined where it would choose the same
 * columns by itself, those with the names of inputs.
 * @param {Record<string, string>} columns the column of each input
 * @param {string[]} all the columns of the table
 * @returns {Record<string, string> | undefined}
 */
export function makeTemplate(columns, all) {
  const chosen = Object.entries(columns).filter(([, column]) => column !== "");
  const byName = Object.keys(columns).filter((input) => all.includes(input));
  const isByName = chosen.every(([input, column]) => input === column);
  if (isByName && chosen.length === byName.length) return undefined;
  return Object.fromEntries(chosen.map(([input, column]) => [input, `{${column}}`]));
}
