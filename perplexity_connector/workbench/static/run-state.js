/** What a running flow has told so far. Nothing here touches the page. */

/**
 * @typedef {object} StepRun @property {string} id @property {string} connector @property {string} action
 * @property {string} status waiting, running, succeeded, failed, cancelled or skipped @property {string} runId
 * @property {string} text the answer as far as it is written @property {string[]} queries @property {object[]} found
 * @property {string} message @property {object|null} envelope @property {object} step the saved step
 */

/** A run that is about to begin. @param {number} number @param {object} flow */
export function newRun(number, flow) {
  const steps = flow.steps.map((step) => ({
    id: step.id, connector: step.connector, action: step.action, step, status: "waiting", runId: "", text: "", queries: [], found: [], message: "", envelope: null,
  }));
  return { number, flow, steps, status: "running", startedAt: new Date(), error: null, stopping: false };
}

const TAKERS = {
  "step.started": (run, step, item) => Object.assign(step, { status: "running", runId: item.run_id }),
  "text.delta": (run, step, item) => Object.assign(step, { text: step.text + item.text }),
  "search.queries": (run, step, item) => Object.assign(step, { queries: [...step.queries, ...item.queries] }),
  "search.results": (run, step, item) => Object.assign(step, { found: [...step.found, ...item.results] }),
  status: (run, step, item) => Object.assign(step, { message: item.message }),
  "step.finished": (run, step, item) => Object.assign(step, { status: item.envelope.status, envelope: item.envelope, message: "" }),
  "flow.finished": (run, step, item) => ended(run, item.status),
};

/** The steps that are waiting still will never run. */
function ended(run, status) {
  run.status = status;
  for (const step of run.steps) if (step.status === "waiting") step.status = "skipped";
}

/**
 * Take an item of the stream in.
 * @param {ReturnType<typeof newRun>} run @param {{type: string, step?: string}} item @returns {StepRun|undefined} the step that it is about
 */
export function take(run, item) {
  const step = run.steps.find((each) => each.id === item.step);
  if (step || item.type === "flow.finished") TAKERS[item.type]?.(run, step, item);
  return step;
}

/** The stream broke off or never began. @param {ReturnType<typeof newRun>} run @param {object} error */
export function broke(run, error) {
  ended(run, "failed");
  run.error = error;
  for (const step of run.steps) if (step.status === "running") Object.assign(step, { status: "failed" });
}

/** The step under way. @param {ReturnType<typeof newRun>} run @returns {StepRun|undefined} */
export function current(run) {
  return run.steps.find((step) => step.status === "running");
}

/** Cost in USD, tokens and milliseconds of all steps together. @param {ReturnType<typeof newRun>} run */
export function totals(run) {
  const sum = (read) => run.steps.reduce((total, { envelope }) => total + (Number(read(envelope ?? {})) || 0), 0);
  const costs = run.steps.filter(({ envelope }) => envelope?.usage?.cost).length;
  return {
    cost: costs > 0 ? sum((envelope) => envelope.usage?.cost?.total_cost) : null,
    tokens: sum((envelope) => envelope.usage?.total_tokens) || null,
    duration: sum((envelope) => envelope.duration_ms),
  };
}
