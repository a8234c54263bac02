/** Says why a kept output is stale: the server has found that it is. Does not touch the page. */

/** @import { Flow, JsonObject, Run, SavedStep } from "./types.js" */

import { isSame } from "./form/pointer.js";

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
function workOf({ connector, action, version, input, bindings, each }) {
  return { connector, action, version, input, bindings, each };
}

/** Return the ids of the steps whose values a step uses. @param {SavedStep} step */
function stepsIn({ bindings, each }) {
  const parts = [...Object.values(bindings).flat(), each];
  return parts.flatMap((part) =>
    typeof part === "object" && part !== null && "step" in part ? [part.step] : [],
  );
}
