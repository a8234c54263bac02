/** Finds what has changed since a run, and why a kept output is stale. Does not touch the page. */

/** @import { Flow, JsonObject, Run, SavedStep } from "./types.js" */

import { get, isSame } from "./form/pointer.js";

const NOTHING = new Set();

/** Finds the steps that have changed since a run. Finds them again only after a change. */
export class Changes {
  /** The steps, the inputs and the run of the last answer. @type {unknown[]} */
  #known = [];
  /** The last answer. @type {Set<string>} */
  #ids = NOTHING;

  /**
   * Return the ids of the steps that have changed since a run, and of those that use them.
   * @param {SavedStep[]} steps
   * @param {JsonObject} inputs
   * @param {Run | null} run
   */
  since(steps, inputs, run) {
    const now = [steps, JSON.stringify(inputs), run];
    if (now.some((one, index) => one !== this.#known[index])) {
      this.#ids = run ? changedSince(steps, inputs, run) : NOTHING;
    }
    this.#known = now;
    return this.#ids;
  }
}

/** @param {SavedStep[]} steps @param {JsonObject} inputs @param {Run} run */
function changedSince(steps, inputs, run) {
  const before = new Map(run.flow.steps.map((step) => [step.id, step]));
  const isNew = (/** @type {string} */ pointer) =>
    !isSame(get(inputs, pointer), get(run.inputs, pointer));
  const changed = new Set();
  for (const step of steps) {
    const old = before.get(step.id);
    const isOther = old && !isSame(workOf(step), workOf(old));
    const usesOther = stepsIn(step).some((id) => changed.has(id)) || inputsIn(step).some(isNew);
    if (isOther || usesOther) changed.add(step.id);
  }
  return changed;
}

/**
 * Return the reason why the output of a step is stale.
 * @param {string} id
 * @param {{flow: Flow}} now
 * @param {Run | null} then the run that has brought the output
 * @param {(id: string) => boolean} isStale
 */
export function reasonOf(id, now, then, isStale) {
  const step = now.flow.steps.find((each) => each.id === id);
  const before = then?.flow.steps.find((each) => each.id === id);
  if (!step || !before || !isSame(workOf(step), workOf(before))) {
    return "This step has changed since.";
  }
  const earlier = stepsIn(step).find(isStale);
  if (earlier) return `It uses “${earlier}”, which is stale.`;
  return "An input of the flow has changed since.";
}

/** Return the parts of a step that make its output. @param {SavedStep} step */
function workOf({ connector, action, version, input = {}, bindings = {}, each }) {
  return { connector, action, version, input, bindings, each };
}

/** Return the ids of the steps whose values a step uses. @param {SavedStep} step */
function stepsIn(step) {
  return placesIn(step).flatMap((part) => ("step" in part ? [part.step] : []));
}

/** Return the pointers of the flow's inputs that a step uses. @param {SavedStep} step */
function inputsIn(step) {
  return placesIn(step).flatMap((part) => ("input" in part ? [part.input] : []));
}

/** @param {SavedStep} step */
function placesIn({ bindings = {}, each }) {
  const parts = [...Object.values(bindings).flat(), each];
  return parts.filter((part) => typeof part === "object");
}
