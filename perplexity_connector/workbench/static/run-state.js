/** The state of a running flow: everything that its stream has brought. Does not touch the page. */

/** @import { Envelope, ErrorData, Flow, Run, RunItem, RunStatus, StepRun } from "./types.js" */

/**
 * Return a run that is about to begin.
 * @param {number} number
 * @param {Flow} flow
 * @returns {Run}
 */
export function startRun(number, flow) {
  return {
    number,
    flow,
    steps: flow.steps.map((step) => ({
      id: step.id,
      connector: step.connector,
      action: step.action,
      step,
      status: "waiting",
      runId: "",
      text: "",
      queries: [],
      found: [],
      message: "",
      envelope: null,
    })),
    status: "running",
    startedAt: new Date(),
    error: null,
    stopping: false,
  };
}

/**
 * Add an item of the stream to a run, and return the step that it is about. Items of an unknown
 * step or type are ignored.
 * @param {Run} run
 * @param {RunItem} item
 */
export function addItem(run, item) {
  const step = run.steps.find((each) => each.id === item.step);
  if (item.type === "flow.finished") endRun(run, item.status);
  else if (step) Object.assign(step, changeOf(step, item));
  return step;
}

/**
 * Return the fields of a step that an item changes.
 * @param {StepRun} step
 * @param {Exclude<RunItem, {type: "flow.finished"}>} item
 * @returns {Partial<StepRun>}
 */
function changeOf(step, item) {
  switch (item.type) {
    case "step.started":
      return { status: "running", runId: item.run_id };
    case "text.delta":
      return { text: step.text + item.text };
    case "search.queries":
      return { queries: [...step.queries, ...item.queries] };
    case "search.results":
      return { found: [...step.found, ...item.results] };
    case "status":
      return { message: item.message };
    case "step.finished":
      return { status: item.envelope.status, envelope: item.envelope, message: "" };
    default:
      return {};
  }
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
 * Return the cost in USD, the tokens and the milliseconds of all steps together. A list price in
 * the cost makes all of it an estimate.
 * @param {Run} run
 */
export function sumUp(run) {
  const envelopes = run.steps.flatMap(({ envelope }) => (envelope ? [envelope] : []));
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
