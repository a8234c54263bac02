/** The workbench: adds steps, opens flows, runs them, and puts the parts of the page together. */

/**
 * @import {
 *   Catalogue, Connection, Entry, FlowPart, JsonObject, OldFlow, OldRun, Run, SavedStep, Step,
 * } from "./types.js"
 */
/** @import { View } from "./steps.js" */
/** @import { PartName } from "./tabs.js" */

import * as api from "./api.js";
import { Checks } from "./checks.js";
import { openConnections } from "./connections.js";
import { Descriptions, makeOptions } from "./descriptions.js";
import { fill, findById, h, messageOf } from "./dom.js";
import { canRunExample, EXAMPLE } from "./example.js";
import * as flows from "./flow-api.js";
import { FlowFile } from "./flow-file.js";
import { FlowView } from "./flow.js";
import { FlowState } from "./flow-state.js";
import { makeStarter } from "./form/shape.js";
import { isSame } from "./form/pointer.js";
import { flowOf, oldRun, workOf } from "./old-run.js";
import { askForPart } from "./run-part.js";
import { stepsOf } from "./run-state.js";
import { RunView } from "./run-view.js";
import { Runs } from "./runs.js";
import { SavedFlows } from "./saved-flows.js";
import { Changes } from "./stale.js";

export class Bench {
  /** The flow, with undo and redo. */
  state = new FlowState();
  /** The name of the flow, and whether it is saved. */
  file = new FlowFile(this.state);
  saved = new SavedFlows(this);
  /** Called when the runs of the page are to be shown. */
  onShowRuns = () => {};
  #descriptions = new Descriptions();
  /** The stored connections. @type {Connection[]} */
  #stored = [];
  /**
   * Whether the user has tried to run this flow: from then on, empty required fields are errors.
   */
  #isTried = false;
  #changes = new Changes();
  #catalogue;
  #showPart;
  #statusLine;
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
    const complain = (/** @type {string} */ text) => this.complain(text);
    const say = (/** @type {string} */ text) => this.say(text);
    this.checks = new Checks(this.state, complain);
    const runHooks = { ...this.runHooks, goOn: (/** @type {Run} */ run) => this.#goOnWith(run) };
    this.runs = new Runs(new RunView(places.run, runHooks), {
      say,
      complain,
      refuse: (step, fields) => this.checks.refuse(step, fields),
    });
    this.#flowView = new FlowView(places.flow, this.state, {
      describe: (step) => this.#descriptions.load(step),
      descriptionOf: (step) => this.#descriptions.get(step),
      titleOf: (step) => this.titleOf(step),
      outputOf: (id) => this.runs.outputOf(id),
      runStep: (uid) => this.#runPart(uid, (only) => ({ only })),
      runFrom: (uid) => this.#runPart(uid, (from) => ({ from })),
      optionsFor: makeOptions,
      viewOf: (step, index) => this.#viewOf(step, index),
      manageConnections: (step) => this.manageConnections(step),
      environmentName: this.sandbox ? "The sandbox's own key" : "Environment",
      hasExample: canRunExample(catalogue.actions),
      tryExample: () => this.load(structuredClone(EXAMPLE), { proposal: "Example" }),
      say,
    });
    this.state.addEventListener("change", () => this.#onChange());
    for (const part of [this.checks, this.runs]) {
      part.addEventListener("change", () => this.#flowView.update());
    }
    this.#flowView.update();
  }

  get sandbox() {
    return this.#catalogue.sandbox;
  }

  /** The place where actions are dropped. */
  get zone() {
    return this.#flowView.zone;
  }

  /** Everything that a view of runs asks for. @returns {import("./run-view.js").RunHooks} */
  get runHooks() {
    return {
      titleOf: (step) => this.titleOf(step),
      goTo: (step, pointer) => this.#goTo(step, pointer),
      sandbox: this.sandbox,
    };
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

  /**
   * Open another flow. Throws a `TypeError` when it is not a flow.
   * @param {unknown} flow
   * @param {{name?: string, proposal?: string}} [names]
   */
  load(flow, names = {}) {
    this.state.load(flow);
    this.file.markOpened(names);
    this.#isTried = false;
    this.runs.forget();
    this.#flowView.update();
    this.#showPart("flow");
  }

  /** Open a saved flow, with the outputs of its last run. @param {string} name */
  async openSaved(name) {
    this.load(await flows.loadFlow(name), { name });
    const { entries } = await flows.loadHistory({ search: name }).catch(() => ({ entries: [] }));
    const last = entries.find(({ kind, title }) => kind === "flow" && title === name);
    const old = last && (await flows.loadOld(last.id).catch(() => null));
    if (!old || this.file.name !== name || this.runs.last) return;
    if (old.kind === "flow") this.inputs = old.inputs ?? undefined;
    await this.showOld(old);
  }

  /** Return whether the flow of an old run is the one on the page. @param {OldFlow | OldRun} old */
  isOnPage(old) {
    const { name } = this.file;
    const isOfName = old.kind === "flow" && name !== "" && old.source?.endsWith(`/${name}.json`);
    return isOfName || isSame(flowOf(old).steps, this.state.document.steps);
  }

  /**
   * Open the flow of an old run with its outputs. One that is under way is followed.
   * @param {OldFlow | OldRun} old
   * @param {string} title
   */
  async openOld(old, title) {
    this.#openFlowOf(old, title);
    await this.showOld(old);
  }

  /** The values of the flow's inputs for the next run; undefined where it declares none. */
  get inputs() {
    return this.#flowView.inputValues;
  }

  set inputs(/** @type {JsonObject | undefined} */ values) {
    if (values) this.#flowView.inputValues = values;
  }

  /** Show an old run of the flow on the page, or follow it. @param {OldFlow | OldRun} old */
  async showOld(old) {
    const flowId = old.kind === "flow" ? old.flow_id : "";
    if (old.kind === "flow" && old.status === "running") await this.runs.rejoin(workOf(old));
    else this.runs.adopt(oldRun(old, ...this.runs.nextName(flowId)));
  }

  /**
   * Go on with an old run. With "unsure", a run that may have been paid is run again.
   * @param {OldFlow} old
   * @param {string} title
   * @param {"unsure"} [retry]
   */
  async goOn(old, title, retry) {
    this.#openFlowOf(old, title);
    this.runs.keepOutputs(oldRun(old, "", ""));
    await this.runs.resume(workOf(old), retry);
  }

  /** Go on with a run that is shown. @param {Run} run */
  async #goOnWith(run) {
    if (this.runs.isRunning) return;
    this.runs.keepOutputs(run);
    await this.runs.resume(run);
  }

  /** @param {OldFlow | OldRun} old @param {string} title */
  #openFlowOf(old, title) {
    if (!this.isOnPage(old)) this.load(flowOf(old), { proposal: title });
    if (old.kind === "flow") this.inputs = old.inputs ?? undefined;
    this.showRuns();
  }

  /** Check the flow, and run it when nothing is wrong. */
  async run() {
    if (this.runs.isRunning || !(await this.#isReady(null))) return;
    this.showRuns();
    await this.runs.run(this.#work(null));
  }

  /** @param {number} uid @param {(id: string) => FlowPart} partOf */
  async #runPart(uid, partOf) {
    const step = this.state.steps[this.state.indexOf(uid)];
    if (step) await this.runPart(partOf(step.id));
  }

  /**
   * Ask about a part of the flow, then run it with the outputs of before.
   * @param {FlowPart} part
   */
  async runPart(part) {
    if (this.runs.isRunning || !(await this.#isReady(part))) return;
    const work = this.#work(part);
    const { steps } = this.state;
    const [first] = stepsOf(part, steps);
    const before = steps.slice(0, first && steps.indexOf(first));
    const source = this.runs.sourceFor(before.map(({ id }) => id));
    const answer = await askForPart({ work, part, source, titleOf: (step) => this.titleOf(step) });
    if (!answer || this.runs.isRunning) return;
    if (answer !== "yes") {
      await this.runPart(answer);
      return;
    }
    this.showRuns();
    await this.runs.run(work, source?.flowId);
  }

  /** Show the runs of the page, on a narrow screen too. */
  showRuns() {
    this.#showPart("run");
    this.onShowRuns();
  }

  /** Return whether another flow may take the place of this one; ask if it has changes. */
  mayLeave() {
    return this.saved.mayLeave();
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
      sandbox: this.sandbox,
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

  /** Return the title of an action. @param {Pick<SavedStep, "connector" | "action">} step */
  titleOf(step) {
    return this.#entryOf(step)?.title ?? step.action;
  }

  /** @param {Pick<SavedStep, "connector" | "action">} step */
  #entryOf({ connector, action }) {
    const { actions } = this.#catalogue;
    return actions.find((entry) => entry.connector === connector && entry.action === action);
  }

  /** @param {FlowPart | null} part */
  #work(part) {
    const { inputs, state, file } = this;
    return { flow: state.document, inputs, part, name: file.name || undefined };
  }

  /**
   * Check the steps that are to run. Go to the first error if there is one.
   * @param {FlowPart | null} part
   */
  async #isReady(part) {
    if (this.state.steps.length === 0) return false;
    this.#isTried = true;
    const ids = stepsOf(part, this.state.steps).map(({ id }) => id);
    const errors = await this.checks.check();
    const found = errors.filter((error) => ids.includes(this.checks.ownerOf(error) ?? ""));
    const [first] = found;
    this.#flowView.update();
    if (first) {
      this.say(`${found.length} to fix before it can run.`);
      this.#goTo(this.checks.ownerOf(first), first.pointer);
      return false;
    }
    this.#showPart("flow");
    const isUnfinished = this.#flowView.focusUnfinished();
    if (isUnfinished) this.say("This field is not JSON yet, so the flow cannot run.");
    const isReady = !isUnfinished && this.#flowView.checkInputs();
    if (!isReady && !isUnfinished) this.say("The flow needs its inputs before it can run.");
    return isReady;
  }

  /** @param {Step} step @param {number} index @returns {View} */
  #viewOf(step, index) {
    const stored = this.#stored.filter(({ connector }) => connector === step.connector);
    const last = this.runs.statusOf(step);
    const changed = this.#changes.since(this.state.steps, this.inputs ?? {}, this.runs.last);
    const isChanged = changed.has(step.id) && (last.status !== "" || last.kept !== "");
    return {
      index,
      count: this.state.steps.length,
      entry: this.#entryOf(step),
      connections: stored.map(({ connection_name: name }) => name),
      errors: this.checks.errorsOf(step.id),
      hints: this.checks.hintsOf(step.id),
      showAll: this.#isTried,
      status: last.status,
      answered: last.answered,
      kept: isChanged ? "changed" : last.kept,
    };
  }

  #onChange() {
    this.#flowView.update();
    this.checks.schedule();
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
}
