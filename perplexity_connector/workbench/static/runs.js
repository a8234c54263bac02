/**
 * The runs of the page's flow: begins one, follows its stream, stops it, and keeps the outputs for
 * later steps.
 */

/**
 * @import {
 *   Envelope, ErrorData, FieldError, Flow, FlowPart, JsonObject, Run, RunItem, RunRequest, StepRun,
 *   StepStatus,
 * } from "./types.js"
 */
/** @import { RunView } from "./run-view.js" */

import { ApiError } from "./api.js";
import { messageOf } from "./dom.js";
import * as flows from "./flow-api.js";
import { oldRun } from "./old-run.js";
import { writeAnswered } from "./query-results.js";
import { addItem, currentStep, failRun, rewindRun, startRun } from "./run-state.js";

/**
 * What the runs ask of the workbench.
 * @typedef {object} RunsHooks
 * @property {(text: string) => void} say
 * @property {(text: string) => void} complain
 * @property {(step: string, fields: FieldError[]) => void} refuse shows refused fields at a step
 */
/** @typedef {{flow: Flow, inputs?: JsonObject, part?: FlowPart | null, name?: string}} Work */

/** Fires `change` when a run begins, changes or ends. */
export class Runs extends EventTarget {
  /** The newest run. @type {Run | null} */
  #newest = null;
  /** The runs of the flow on the page, the newest last. @type {Run[]} */
  #own = [];
  /** The newest envelopes of the page's flow, by step id. @type {Map<string, Envelope | null>} */
  #envelopes = new Map();
  #count = 0;
  /** The numbers of the runs that are listed, by flow id. @type {Map<string, number>} */
  #numbers = new Map();
  #view;
  #hooks;

  /** @param {RunView} view @param {RunsHooks} hooks */
  constructor(view, hooks) {
    super();
    this.#view = view;
    this.#hooks = hooks;
  }

  get isRunning() {
    return this.#newest?.status === "running";
  }

  get isStopping() {
    return this.#newest?.stopping === true;
  }

  /** The newest run of the page's flow. */
  get last() {
    return this.#own.at(-1) ?? null;
  }

  /** Another flow is on the page: earlier results are not those of this flow. */
  forget() {
    this.#own = [];
    this.#envelopes.clear();
  }

  /** Return the newest output of a step of the page's flow. @param {string} id */
  outputOf(id) {
    return this.#envelopes.get(id)?.output ?? null;
  }

  /**
   * Return how a step of the page's flow ended last, and whether its kept output was used.
   * @param {{id: string, action: string}} step
   * @returns {{status: StepStatus | "", answered: string, kept: "" | "kept" | "stale"}}
   */
  statusOf({ id, action }) {
    const last = this.last?.steps.find((each) => each.id === id && each.action === action);
    const none = /** @type {const} */ ({ status: "", answered: "", kept: "" });
    if (!last || last.status === "waiting") return none;
    if (last.status === "kept") return { ...none, kept: last.isStale ? "stale" : "kept" };
    return { status: last.status, answered: writeAnswered(last.envelope), kept: "" };
  }

  /**
   * Return the newest run of the page's flow that has an output of each of these steps, else the
   * newest one.
   * @param {string[]} ids
   */
  sourceFor(ids) {
    const hasAll = (/** @type {Run} */ run) =>
      ids.every((id) => run.steps.find((step) => step.id === id)?.envelope?.output);
    return this.#own.findLast(hasAll) ?? this.last;
  }

  /** Run a flow or a part of it. @param {Work} work @param {RunRequest["outputs"]} [outputs] */
  async run({ flow, inputs, part = null, name }, outputs) {
    const flowId = `flow_${crypto.randomUUID().replaceAll("-", "")}`;
    const run = this.#start({ flow, flowId, inputs, part });
    const request = { flow, flow_id: flowId, name, inputs, ...part, outputs };
    this.#hooks.say(part ? "A part of the flow is running." : "The flow is running.");
    await this.#follow(run, flows.runFlow(request));
  }

  /**
   * Follow a run that is under way on the server, from its first item.
   * @param {{flow: Flow, flowId: string, inputs: JsonObject, part?: FlowPart | null}} what
   */
  async rejoin(what) {
    const run = this.#start(what);
    this.#hooks.say("A run under way is shown.");
    await this.#follow(run, flows.followFlow(what.flowId));
  }

  /**
   * Go on with a run that was interrupted or has failed. Its flow is on the page.
   * @param {{flow: Flow, flowId: string, inputs: JsonObject}} what
   * @param {"unsure"} [retry]
   */
  async resume(what, retry) {
    const run = this.#start(what);
    this.#hooks.say("The flow goes on.");
    await this.#follow(run, flows.resumeFlow(what.flowId, retry));
  }

  /** Show an old run of the page's flow, and use its outputs. @param {Run} run */
  adopt(run) {
    this.#own.push(run);
    this.keepOutputs(run);
    this.#view.add(run);
    this.#onChange(run);
  }

  /** Use the outputs of a run for later steps. @param {Run} run */
  keepOutputs({ steps }) {
    for (const { id, envelope } of steps) if (envelope) this.#envelopes.set(id, envelope);
  }

  /**
   * Return the key and the label of a run. A run of a flow that is shown again keeps them.
   * @param {string} [flowId]
   */
  nextName(flowId = "") {
    const count = this.#numbers.get(flowId) ?? this.#count + 1;
    this.#count = Math.max(this.#count, count);
    if (flowId) this.#numbers.set(flowId, count);
    return /** @type {const} */ ([`run-${count}`, `Run ${count}`]);
  }

  /** Ask the server to stop the newest run. */
  async stop() {
    const run = this.#newest;
    if (!run || !this.isRunning) return;
    run.stopping = true;
    this.#onChange(run);
    await this.#cancel(run);
  }

  /** Cancel the step that is running; between two steps, the flow. @param {Run} run */
  async #cancel(run) {
    const id = currentStep(run)?.runId || run.flowId;
    await flows.cancelRun(id).catch((problem) => this.#hooks.complain(messageOf(problem)));
  }

  /** @param {Parameters<typeof startRun>[2]} what */
  #start(what) {
    const run = startRun(...this.nextName(what.flowId), what);
    this.#newest = run;
    this.#own.push(run);
    this.#view.add(run);
    return run;
  }

  /** @param {Run} run @param {AsyncGenerator<RunItem>} stream */
  async #follow(run, stream) {
    this.#onChange(run);
    const problem = await this.#read(run, stream);
    if (run.status === "running") await this.#find(run, problem);
    for (const step of run.steps) this.#view.updateStep(run, step);
    this.#hooks.say(`The flow has ${run.status}. ${writeLosses(run)}`.trim());
    this.#onChange(run);
  }

  /**
   * Read a stream to its end. Return the error that broke it off.
   * @param {Run} run
   * @param {AsyncGenerator<RunItem>} stream
   * @returns {Promise<ErrorData>}
   */
  async #read(run, stream) {
    try {
      for await (const item of stream) this.#onItem(run, item);
      return BROKEN_STREAM;
    } catch (problem) {
      return errorOf(problem);
    }
  }

  /**
   * Look for a run whose stream broke off: it may be under way still, or have ended meanwhile.
   * @param {Run} run
   * @param {ErrorData} problem
   */
  async #find(run, problem) {
    const isLost = ["not_found", "unavailable"].includes(problem.code);
    if (isLost && run.steps.some(({ status }) => status !== "waiting")) {
      rewindRun(run);
      await this.#read(run, flows.followFlow(run.flowId));
    }
    if (isLost && run.status === "running") await this.#readOld(run);
    if (run.status === "running") failRun(run, problem);
  }

  /** Take the steps of a run from the history, if it has ended. @param {Run} run */
  async #readOld(run) {
    const found = await flows.loadOld(run.flowId).catch(() => null);
    const old = found?.kind === "flow" ? oldRun(found, run.key, run.label) : null;
    if (!old || old.status === "running") return;
    run.steps.forEach((step, index) => Object.assign(step, old.steps[index]));
    run.status = old.status;
  }

  /** @param {Run} run @param {RunItem} item */
  #onItem(run, item) {
    const step = addItem(run, item);
    if (item.type === "flow.started") this.#onFlowStart(run);
    if (!step) return;
    const isFirstText = item.type === "text.delta" && step.text === item.text;
    if (isFirstText) this.#hooks.say("The answer is being written.");
    this.#view.updateStep(run, step);
    if (item.type === "step.started") this.#onStepStart(run, step);
    if (item.type === "step.skipped") this.#onChange(run);
    if (item.type === "step.finished") this.#onStepEnd(run, step);
  }

  /** @param {Run} run @param {StepRun} step */
  #onStepStart(run, step) {
    this.#view.followStep(step);
    // The stop may have come between two steps.
    if (run.stopping) this.#cancel(run);
    this.#onChange(run);
  }

  /** Show the kept outputs. @param {Run} run */
  #onFlowStart(run) {
    for (const step of run.steps) {
      if (step.status === "kept") step.envelope = this.#envelopes.get(step.id) ?? null;
      this.#view.updateStep(run, step);
    }
    this.#onChange(run);
  }

  /**
   * Keep the output for later steps, and show the refused fields.
   * @param {Run} run
   * @param {StepRun} step
   */
  #onStepEnd(run, { id, status, envelope }) {
    if (this.#own.includes(run)) {
      this.#envelopes.set(id, envelope);
      this.#hooks.refuse(id, envelope?.error?.fields ?? []);
    }
    this.#hooks.say(`Step ${id} has ${status}. ${envelope?.summary ?? ""}`);
    this.#onChange(run);
  }

  /** @param {Run} run */
  #onChange(run) {
    this.#view.updateRun(run);
    this.dispatchEvent(new Event("change"));
  }
}

const BROKEN_STREAM = {
  code: "unavailable",
  message: "",
  user_message: "The stream of the run ended early. Check that the workbench is still running.",
};

/** Write which steps have lost queries. @param {Run} run */
function writeLosses({ steps }) {
  const all = steps.map(({ id, envelope }) => ({ id, answered: writeAnswered(envelope) }));
  const lost = all.filter(({ answered }) => answered !== "");
  return lost.map(({ id, answered }) => `Step ${id}: ${answered}.`).join(" ");
}

/** Return an error as data. @param {unknown} problem @returns {ErrorData} */
function errorOf(problem) {
  if (problem instanceof ApiError) return problem.data;
  const message = messageOf(problem);
  return { code: "internal", message, user_message: message };
}
