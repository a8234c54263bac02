/** The descriptions of actions. Each is asked for once, however many steps need it. */

/** @import { Description, SavedStep, Suggest } from "./types.js" */

import * as api from "./api.js";

/** @typedef {Pick<SavedStep, "connector" | "action" | "version">} Action */

export class Descriptions {
  /**
   * The requests, by action and version. A failed one is removed, so that it can be repeated.
   * @type {Map<string, Promise<Description>>}
   */
  #requests = new Map();
  /** The descriptions that have arrived, by the same keys. @type {Map<string, Description>} */
  #arrived = new Map();

  /**
   * Describe an action.
   * @param {Action} action
   */
  load(action) {
    const key = keyOf(action);
    const earlier = this.#requests.get(key);
    if (earlier) return earlier;
    const request = api.describe(action.connector, action.action, action.version);
    this.#requests.set(key, request);
    request.then(
      (description) => this.#arrived.set(key, description),
      () => this.#requests.delete(key),
    );
    return request;
  }

  /**
   * Return a description if it has arrived.
   * @param {Action} action
   */
  get(action) {
    return this.#arrived.get(keyOf(action));
  }
}

/** @param {Action} action */
function keyOf({ connector, action, version }) {
  return `${connector}/${action}/${version}`;
}

/**
 * Return the sources of suggestions for a step's form, by pointer.
 * @param {Description} description
 * @param {() => SavedStep} step returns the step as it is now
 * @returns {Record<string, Suggest>}
 */
export function makeOptions({ action }, step) {
  const suggestFrom = (/** @type {string} */ source) => (/** @type {string} */ search) => {
    const { connector, connection } = step();
    return api.loadOptions(connector, source, search, connection);
  };
  const entries = Object.entries(action.options ?? {});
  return Object.fromEntries(entries.map(([pointer, source]) => [pointer, suggestFrom(source)]));
}
