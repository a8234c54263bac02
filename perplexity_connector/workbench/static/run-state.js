/** The state of a running flow: everything that its stream has brought. Does not touch the page. */

/**
 * @import {
 *   Envelope, ErrorData, Flow, FlowPart, ItemRun, JsonObject, Received, Run, RunEvent, RunItem,
 *   RunStatus, SavedStep, StepRun,
 * } from "./types.js"
 */

/** Return what a run has before anything arrives. @returns {Received} */
export const received = () => ({
  status: "waiting",
  runId: "",
  text: "",
  queries: [],
  found: [],
  message: "",
  envelope: null,
});

/**
 * Return a run that is about to begin.
 * @param {string} key
 * @param {string} label
 * @param {{flow: Flow, flowId?: string, inputs?: JsonObject, part?: FlowPart | null}} what
 * @returns {Run}
 */
export function startRun(key, label, { flow, flowId = "", inputs = {}, part = null }) {
  return {
    key,
    label,
    flowId,
    flow,
    inputs,
    part,
    steps: flow.steps.map(startStep),
    status: "running",
    startedAt: new Date(),
    error: null,
    stopping: false,
  };
}

/**
 * Return the steps that run: all of them without a part.
 * @template {{id: string}} Any
 * @param {FlowPart | null} part
 * @param {Any[]} steps
 */
export function stepsOf(part, steps) {
  if (!part) return steps;
  if ("only" in part) return steps.filter(({ id }) => id === part.only);
  return steps.slice(steps.findIndex(({ id }) => id === part.from));
}

/** Return whether a run of a part leaves a step out. @param {Run} run @param {StepRun} step */
export function isLeftOut({ part, steps }, step) {
  return !stepsOf(part, steps).includes(step);
}

/** @param {SavedStep} step @returns {StepRun} */
function startStep(step) {
  const { id, connector, action, each } = step;
  const items = each ? [] : null;
  const own = { missing: "", isStale: false, startedAt: null };
  return { id, connector, action, step, items, ...own, ...received() };
}

/**
 * Begin a run again from its first item, as its stream does when it is followed anew.
 * @param {Run} run
 */
export function rewindRun(run) {
  run.steps.forEach((step) => Object.assign(step, startStep(step.step)));
}

/**
 * Add an item of the stream to a run, and return the step that it is about. Items of an unknown
 * step or type are ignored.
 * @param {Run} run
 * @param {RunItem} item
 */
export function addItem(run, item) {
  const step = run.steps.find((each) => each.id === item.step);
  if (item.type === "flow.started") keepSteps(run, item);
  else if (item.type === "flow.finished") endRun(run, item.status);
  else if (step) addToStep(step, item);
  return step;
}

/** @param {Run} run @param {RunItem & {type: "flow.started"}} item */
function keepSteps(run, { flow_id: flowId, at, kept }) {
  run.flowId = flowId;
  run.startedAt = new Date(at);
  for (const { step: id, stale } of kept) {
    const step = run.steps.find((each) => each.id === id);
    if (step) Object.assign(step, { status: "kept", isStale: stale });
  }
}

/**
 * @param {StepRun} step
 * @param {Exclude<RunItem, {step?: undefined}>} item
 */
function addToStep(step, item) {
  switch (item.type) {
    case "step.started":
      Object.assign(step, { status: "running", runId: item.run_id, startedAt: item.at });
      if (item.items !== undefined) step.items = Array.from({ length: item.items }, startItem);
      break;
    case "item.started":
      Object.assign(itemOf(step, item.index), { status: "running", runId: item.run_id });
      break;
    case "item.finished":
      finish(itemOf(step, item.index), item.envelope);
      break;
    case "step.skipped":
      Object.assign(step, { status: "skipped", missing: item.missing });
      break;
    case "step.finished":
      finish(step, item.envelope);
      break;
    default:
      addEvent(item.item === undefined ? step : itemOf(step, item.item), item);
  }
}

/** @param {unknown} _ @param {number} index @returns {ItemRun} */
const startItem = (_, index) => ({ index, ...received() });

/** Return a step's run for an item. @param {StepRun} step @param {number} index */
function itemOf(step, index) {
  step.items ??= [];
  for (let at = step.items.length; at <= index; at += 1) step.items.push(startItem(null, at));
  return /** @type {ItemRun} */ (step.items[index]);
}

/** @param {Received} of @param {Envelope} envelope */
function finish(of, envelope) {
  Object.assign(of, { status: envelope.status, envelope, message: "" });
}

/** @param {Received} to @param {RunEvent} event */
function addEvent(to, event) {
  if (event.type === "text.delta") to.text += event.text;
  else if (event.type === "search.queries") to.queries = [...to.queries, ...event.queries];
  else if (event.type === "search.results") to.found = [...to.found, ...event.results];
  else if (event.type === "status") to.message = event.message;
}

/** End a run. Steps that still wait will never run. @param {Run} run @param {RunStatus} status */
function endRun(run, status) {
  run.status = status;
  for (const step of run.steps) if (step.status === "waiting") step.status = "skipped";
}

/** End a run whose stream never began or broke off. @param {Run} run @param {ErrorData} error */
export function failRun(run, error) {
  endRun(run, "failed");
  run.error = error;
  for (const step of run.steps) if (step.status === "running") step.status = "failed";
}

/** Return the step that is running. @param {Run} run */
export function currentStep(run) {
  return run.steps.find((step) => step.status === "running");
}

/**
 * Return a step's runs for its items. Those of a kept output, which did not run, come from the
 * output.
 * @param {StepRun} step
 * @returns {ItemRun[]}
 */
export function itemsOf({ items, envelope }) {
  const output = envelope?.output ?? envelope?.partial;
  if (!items || items.length > 0 || !output) return items ?? [];
  const { items: outputs, failed } = output;
  if (!Array.isArray(outputs)) return [];
  const errors = new Map(Array.isArray(failed) ? failed.map(indexAndError) : []);
  return outputs.map((one, index) => itemFrom(index, one, errors.get(index) ?? null));
}

/** @param {any} failed @returns {[number, ErrorData]} */
const indexAndError = ({ index, error }) => [index, error];

/** @param {number} index @param {any} output @param {ErrorData | null} error @returns {ItemRun} */
function itemFrom(index, output, error) {
  const item = { index, ...received() };
  if (output === null && error === null) return { ...item, status: "skipped" };
  const status = error ? "failed" : "succeeded";
  return { ...item, status, envelope: { ...EMPTY, status, output, error } };
}

/** The keys of an envelope of which only the output is known. @type {Envelope} */
export const EMPTY = {
  status: "succeeded",
  summary: "",
  output: null,
  partial: null,
  error: null,
  warnings: [],
  usage: {},
  attempts: 1,
  duration_ms: 0,
  meta: {},
};

/**
 * Return the cost in USD, the tokens and the milliseconds of all steps together. A list price in
 * the cost makes all of it an estimate. Kept steps cost nothing.
 * @param {Run} run
 */
export function sumUp(run) {
  const envelopes = run.steps.flatMap(({ status, envelope }) =>
    envelope && status !== "kept" ? [envelope] : [],
  );
  const sum = (/** @type {(envelope: Envelope) => unknown} */ read) =>
    envelopes.reduce((total, envelope) => total + (Number(read(envelope)) || 0), 0);
  const costs = envelopes.flatMap(({ usage }) => (usage.cost ? [usage.cost] : []));
  const basis = costs.find((cost) => cost.basis === "list_price")?.basis;
  const total = sum(({ usage }) => usage.cost?.total_cost);
  return {
    cost: costs.length > 0 ? { total_cost: total, basis } : undefined,
    tokens: sum(({ usage }) => usage.total_tokens) || null,
    duration: sum((envelope) => envelope.duration_ms),
  };
}
