/** The workbench: adds steps, checks the flow while the user writes, runs it, stops it. */

/**
 * @import {
 *   Catalogue, Connection, Description, Entry, FieldError, FlowCheck, FlowError, Hint,
 *   JsonObject, Run, RunItem, SavedStep, Step, StepRun, Suggest,
 * } from "./types.js"
 */
/** @import { View } from "./steps.js" */
/** @import { PartName } from "./tabs.js" */

import * as api from "./api.js";
import { openConnections } from "./connections.js";
import { Descriptions, makeOptions } from "./descriptions.js";
import { fill, findById, h, messageOf } from "./dom.js";
import { canRunExample, EXAMPLE } from "./example.js";
import { FlowView } from "./flow.js";
import { FlowState } from "./flow-state.js";
import { makeStarter } from "./form/shape.js";
import { addItem, currentStep, failRun, startRun } from "./run-state.js";
import { RunView } from "./run-view.js";

const CHECK_AFTER_MS = 150;

export class Bench {
  /** The flow, with undo and redo. */
  state = new FlowState();
  #descriptions = new Descriptions();
  /** The stored connections. @type {Connection[]} */
  #stored = [];
  /**
   * The errors of the last check or run, by step id.
   * @type {Map<string | undefined, FieldError[]>}
   */
  #errors = new Map();
  /** The hints of the last check, by step id. @type {Map<string, Hint[]>} */
  #hints = new Map();
  /** The outputs of the last run, by step id. @type {Map<string, JsonObject | null>} */
  #outputs = new Map();
  /**
   * Whether the user has tried to run this flow: from then on, empty required fields are errors.
   */
  #isTried = false;
  /** The newest run. @type {Run | null} */
  #run = null;
  /**
   * The newest run when another flow was opened: its results are not those of this flow.
   * @type {Run | null}
   */
  #foreignRun = null;
  #runCount = 0;
  /** The number of the newest check: answers to older ones are dropped. */
  #checkCount = 0;
  /** The timer of the next check, which waits until the user pauses. */
  #checkTimer = 0;
  /** Called when a run begins, changes or ends. @type {(() => void)[]} */
  #runListeners = [];
  #catalogue;
  #showPart;
  #statusLine;
  #runView;
  #flowView;

  /**
   * @param {{flow: HTMLElement, run: HTMLElement, status: HTMLElement}} places
   * @param {Catalogue} catalogue
   * @param {(part: PartName) => void} showPart shows a part on a narrow screen
   */
  constructor(places, catalogue, showPart) {
    this.#catalogue = catalogue;
    this.#showPart = showPart;
    this.#statusLine = places.status;
    this.#runView = new RunView(places.run, {
      titleOf: (step) => this.#titleOf(step),
      goTo: (step, pointer) => this.#goTo(step, pointer),
      sandbox: this.sandbox,
    });
    this.#flowView = new FlowView(places.flow, this.state, {
      describe: (step) => this.#descriptions.load(step),
      descriptionOf: (step) => this.#descriptions.get(step),
      titleOf: (step) => this.#titleOf(step),
      outputOf: (id) => this.#outputs.get(id) ?? null,
      runStep: () => {},
      runFrom: () => {},
      optionsFor: makeOptions,
      viewOf: (step, index) => this.#viewOf(step, index),
      manageConnections: (step) => this.manageConnections(step),
      environmentName: this.sandbox ? "The sandbox's own key" : "Environment",
      hasExample: canRunExample(catalogue.actions),
      tryExample: () => this.load(structuredClone(EXAMPLE)),
      say: (text) => this.say(text),
    });
    this.state.addEventListener("change", () => this.#onChange());
    this.#flowView.update();
  }

  get sandbox() {
    return this.#catalogue.sandbox;
  }

  /** The place where actions are dropped. */
  get zone() {
    return this.#flowView.zone;
  }

  get isRunning() {
    return this.#run?.status === "running";
  }

  get isStopping() {
    return this.#run?.stopping === true;
  }

  /** Add an action as a step. @param {Entry} entry @param {number} [index] */
  async add(entry, index) {
    const { connector, action, version, title } = entry;
    try {
      const { schemas } = await this.#descriptions.load(entry);
      const input = makeStarter(schemas.input);
      const saved = { connector, action, version, connection: null, input, bindings: {} };
      const step = this.state.add(saved, index);
      this.#showPart("flow");
      this.#flowView.focusStep(step.uid);
      const { steps } = this.state;
      this.say(`${title} is step ${this.state.indexOf(step.uid) + 1} of ${steps.length}.`);
    } catch (problem) {
      this.complain(messageOf(problem));
    }
  }

  /** Open another flow. Throws a `TypeError` when it is not a flow. @param {unknown} flow */
  load(flow) {
    this.state.load(flow);
    this.#isTried = false;
    this.#foreignRun = this.#run;
    this.#outputs.clear();
    this.#flowView.update();
    this.#showPart("flow");
  }

  /** Check the flow, and run it when nothing is wrong. */
  async run() {
    if (this.isRunning || this.state.steps.length === 0) return;
    this.#isTried = true;
    const found = await this.#check();
    const [first] = found;
    if (first) {
      this.say(`${found.length} to fix before it can run.`);
      this.#goTo(this.#ownerOf(first), first.pointer);
      return;
    }
    this.#showPart("flow");
    if (this.#flowView.focusUnfinished()) {
      this.say("This field is not JSON yet, so the flow cannot run.");
      return;
    }
    if (!this.#flowView.checkInputs()) {
      this.say("The flow needs its inputs before it can run.");
      return;
    }
    this.#runCount += 1;
    this.#run = startRun(this.#runCount, this.state.document);
    this.#runView.add(this.#run);
    this.#showPart("run");
    this.say("The flow is running.");
    await this.#follow(this.#run);
  }

  /**
   * Ask the provider to stop the run. Between two steps, the next one is stopped when it begins.
   */
  async stop() {
    if (!this.#run || !this.isRunning) return;
    this.#run.stopping = true;
    this.#onRunChange(this.#run);
    await this.#cancelCurrent(this.#run);
  }

  /** @param {() => void} listener */
  addRunListener(listener) {
    this.#runListeners.push(listener);
  }

  /** Open the connections. A new one is chosen for the step. @param {Step} [step] */
  async manageConnections(step) {
    const { actions } = this.#catalogue;
    const ids = new Set(actions.map(({ connector }) => connector));
    const connectors = [...ids].flatMap((id) => {
      const entry = actions.find(({ connector }) => connector === id);
      return entry ? [{ id, title: id, describe: () => this.#descriptions.load(entry) }] : [];
    });
    const made = await openConnections({
      connectors,
      connector: step?.connector,
      onChange: () => this.loadConnections(),
      onRename: (name, newName) => this.state.renameConnection(name, newName),
    });
    if (made && step) this.state.edit(step.uid, { connection: made });
    this.#flowView.update();
  }

  async loadConnections() {
    try {
      this.#stored = await api.listConnections();
    } catch (problem) {
      this.#stored = [];
      this.complain(messageOf(problem));
    }
    this.#onChange();
  }

  /** Say something in the status line, which screen readers read out. @param {string} text */
  say(text) {
    this.#statusLine.textContent = text;
  }

  /** Show a problem above the page. @param {string} text */
  complain(text) {
    const place = findById("banners");
    const attributes = { type: "button", class: "link-button", onclick: () => fill(place) };
    const close = h("button", attributes, "Close");
    const banner = { class: "banner banner-danger", role: "alert" };
    fill(place, h("p", banner, h("span", {}, text), close));
  }

  /** @param {Pick<SavedStep, "connector" | "action">} step */
  #entryOf({ connector, action }) {
    const { actions } = this.#catalogue;
    return actions.find((entry) => entry.connector === connector && entry.action === action);
  }

  /** @param {Pick<SavedStep, "connector" | "action">} step */
  #titleOf(step) {
    return this.#entryOf(step)?.title ?? step.action;
  }

  /** @param {Step} step @param {number} index @returns {View} */
  #viewOf(step, index) {
    const stored = this.#stored.filter(({ connector }) => connector === step.connector);
    return {
      index,
      count: this.state.steps.length,
      entry: this.#entryOf(step),
      connections: stored.map(({ connection_name: name }) => name),
      errors: this.#errors.get(step.id) ?? [],
      hints: this.#hints.get(step.id) ?? [],
      showAll: this.#isTried,
      status: this.#statusOf(step),
      kept: "",
    };
  }

  /** @param {Step} step */
  #statusOf({ id, action }) {
    if (!this.#run || this.#run === this.#foreignRun) return "";
    const last = this.#run.steps.find((each) => each.id === id && each.action === action);
    return last && last.status !== "waiting" ? last.status : "";
  }

  #onChange() {
    this.#flowView.update();
    clearTimeout(this.#checkTimer);
    this.#checkTimer = setTimeout(() => this.#check(), CHECK_AFTER_MS);
  }

  /** Let the server check the flow, show errors and hints at their fields. Return the errors. */
  async #check() {
    clearTimeout(this.#checkTimer);
    this.#checkCount += 1;
    const number = this.#checkCount;
    const { errors, hints } = await this.#validate();
    if (number !== this.#checkCount) return errors;
    this.#errors = Map.groupBy(errors, (error) => this.#ownerOf(error));
    this.#hints = Map.groupBy(hints, ({ step }) => step);
    this.#flowView.update();
    return errors;
  }

  /** @returns {Promise<FlowCheck>} */
  async #validate() {
    if (this.state.steps.length === 0) return NOTHING;
    try {
      return await api.validate(this.state.document);
    } catch (problem) {
      this.complain(messageOf(problem));
      return NOTHING;
    }
  }

  /**
   * Return the id of the step that an error belongs to: the first step for one of the whole flow.
   * @param {FlowError} error
   */
  #ownerOf({ step, pointer }) {
    const index = /^\/steps\/(\d+)/.exec(pointer)?.[1] ?? 0;
    return step ?? this.state.steps[Number(index)]?.id;
  }

  /**
   * Move the focus to a field of a step, given by its id or its index.
   * @param {string | number | undefined} step
   * @param {string} pointer
   */
  #goTo(step, pointer) {
    const id = typeof step === "number" ? this.state.steps[step]?.id : step;
    this.#showPart("flow");
    this.#flowView.focusField(id, pointer);
  }

  /** @param {Run} run */
  async #follow(run) {
    this.#onRunChange(run);
    try {
      for await (const item of api.runFlow(run.flow)) this.#onItem(run, item);
      if (run.status === "running") failRun(run, BROKEN_STREAM);
    } catch (problem) {
      failRun(run, errorOf(problem));
    }
    for (const step of run.steps) this.#runView.updateStep(run, step);
    this.say(`The flow has ${run.status}.`);
    this.#onRunChange(run);
  }

  /** @param {Run} run @param {RunItem} item */
  #onItem(run, item) {
    const step = addItem(run, item);
    if (!step) return;
    const isFirstText = item.type === "text.delta" && step.text === item.text;
    if (isFirstText) this.say("The answer is being written.");
    this.#runView.updateStep(run, step);
    if (item.type === "step.started") this.#onStepStart(run, step);
    if (item.type === "step.finished") this.#onStepEnd(run, step);
  }

  /** @param {Run} run @param {StepRun} step */
  #onStepStart(run, step) {
    this.#runView.followStep(step);
    if (run.stopping) this.#cancelCurrent(run);
    this.#onRunChange(run);
  }

  /**
   * Keep the output for later steps, and show the refused fields.
   * @param {Run} run
   * @param {StepRun} step
   */
  #onStepEnd(run, { id, status, envelope }) {
    const fields = envelope?.error?.fields ?? [];
    if (run !== this.#foreignRun) {
      this.#outputs.set(id, envelope?.output ?? null);
      if (fields.length > 0) this.#errors.set(id, fields);
    }
    this.say(`Step ${id} has ${status}. ${envelope?.summary ?? ""}`);
    this.#onRunChange(run);
  }

  /** @param {Run} run */
  #onRunChange(run) {
    this.#runView.updateRun(run);
    this.#flowView.update();
    for (const listener of this.#runListeners) listener();
  }

  /** @param {Run} run */
  async #cancelCurrent(run) {
    const step = currentStep(run);
    if (!step) return;
    await api.cancelRun(step.runId).catch((problem) => this.complain(messageOf(problem)));
  }
}

/** The check of a flow in which nothing is found. @type {FlowCheck} */
const NOTHING = { errors: [], hints: [] };

const BROKEN_STREAM = {
  code: "unavailable",
  message: "",
  user_message: "The stream of the run ended early. Check that the workbench is still running.",
};

/** Return an error as data. @param {unknown} problem */
function errorOf(problem) {
  if (problem instanceof api.ApiError) return problem.data;
  const message = messageOf(problem);
  return { code: "internal", message, user_message: message };
}
