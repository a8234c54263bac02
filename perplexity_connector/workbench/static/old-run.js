/** Turns an old run of the history into a run that can be drawn. Does not touch the page. */

/** @import { Flow, HistoryStep, ItemRun, OldFlow } from "./types.js" */
/** @import { OldRun, Run, StepRun, StepStatus } from "./types.js" */

import { EMPTY, received, startRun } from "./run-state.js";

/**
 * Return an old run as a run.
 * @param {OldFlow | OldRun} old
 * @param {string} key
 * @param {string} label
 * @returns {Run}
 */
export function oldRun(old, key, label) {
  const run = startRun(key, label, {
    flow: flowOf(old),
    flowId: old.kind === "flow" ? old.flow_id : "",
    inputs: (old.kind === "flow" && old.inputs) || {},
  });
  run.status = old.status;
  run.startedAt = new Date(old.at);
  const steps = old.kind === "flow" ? old.steps : [stepOf(old)];
  // The runs for the items come first, since a step gets its own state at last.
  for (const step of steps.toSorted((one, other) => rank(one) - rank(other))) fillIn(run, step);
  for (const step of run.steps) {
    if (step.status === "waiting" && run.status !== "running") step.status = "skipped";
  }
  return run;
}

/** Return everything that a run of an old flow needs. @param {OldFlow} old */
export function workOf(old) {
  return { flow: flowOf(old), flowId: old.flow_id, inputs: old.inputs ?? {} };
}

/** Return whether the content of an old run is erased. @param {OldFlow | OldRun} old */
export function isErased(old) {
  return (old.kind === "flow" ? old.flow : old.input) === null;
}

/**
 * Return the flow of an old run; that of a single run has one step.
 * @param {OldFlow | OldRun} old
 */
export function flowOf(old) {
  return old.kind === "flow" ? (old.flow ?? NOTHING) : flowOfRun(old);
}

/** The flow of a run whose content is erased. @type {Flow} */
const NOTHING = { flow_version: 1, steps: [] };

/** @param {OldRun} old @returns {Flow} */
function flowOfRun({ connector, action, version, connection, input }) {
  const id = action.slice(action.lastIndexOf("_") + 1);
  const step = { id, connector, action, version, connection, input: input ?? {}, bindings: {} };
  return { flow_version: 1, steps: [step] };
}

/** @param {OldRun} old @returns {HistoryStep} */
function stepOf(old) {
  const [step] = flowOfRun(old).steps;
  const { status, run_id, envelope } = old;
  const state = status === "running" ? "running" : "done";
  return { id: step?.id ?? "", state, run_id, kept_from: null, envelope };
}

/** @param {HistoryStep} step */
const rank = ({ item }) => (isOfItem(item) ? 0 : 1);

/** @param {number | null | undefined} item @returns {item is number} */
const isOfItem = (item) => typeof item === "number" && item >= 0;

/** @param {Run} run @param {HistoryStep} old */
function fillIn(run, old) {
  const step = run.steps.find(({ id }) => id === old.id);
  if (!step) return;
  const { run_id: runId } = old;
  // Of an output that was given for a step, nothing else is known.
  const envelope = old.envelope && { ...EMPTY, ...old.envelope };
  const change = { status: statusOf(old, run), runId: runId ?? "", envelope };
  if (isOfItem(old.item)) addItemRun(step, old.item, change);
  else Object.assign(step, change);
}

/** @param {HistoryStep} old @param {Run} run @returns {StepStatus} */
function statusOf({ state, envelope }, { status }) {
  if (state === "kept" || state === "skipped") return state;
  if (envelope) return envelope.status;
  if (state === "running") return status === "running" ? "running" : "interrupted";
  return state === "failed" ? "failed" : "succeeded";
}

/** @param {StepRun} step @param {number} index @param {Partial<ItemRun>} change */
function addItemRun(step, index, change) {
  const item = { index, ...received(), ...change };
  step.items = [...(step.items ?? []), item].toSorted((one, other) => one.index - other.index);
}
