/** The flow at work: adding steps, checking while somebody writes, running, stopping. */

import * as api from "./api.js";
import { openConnections } from "./connections.js";
import { fill, h } from "./dom.js";
import { EXAMPLE, fits } from "./example.js";
import { createFlow } from "./flow.js";
import { FlowState } from "./flow-state.js";
import { starter } from "./form/shape.js";
import { broke, current, newRun, take } from "./run-state.js";
import { createRunView } from "./run-view.js";

const CHECK_AFTER_MS = 150;

/**
 * @param {{flow: HTMLElement, run: HTMLElement, said: HTMLElement}} places @param {object} catalogue @param {(part: string) => void} showPart
 */
export function createBench(places, catalogue, showPart) {
  const bench = {
    places, catalogue, showPart, state: new FlowState(), descriptions: new Map(), stored: [], errors: new Map(), tried: false, run: null, foreign: null, runs: 0, outputs: new Map(), checks: 0, timer: 0, runListeners: [],
  };
  bench.runView = createRunView(places.run, {
    titleOf: (step) => entryOf(bench, step)?.title ?? step.action, sandbox: catalogue.sandbox,
    goTo: (step, pointer) => goTo(bench, typeof step === "number" ? bench.state.steps[step]?.id : step, pointer),
  });
  bench.flow = createFlow(places.flow, bench.state, flowHooks(bench));
  bench.state.addEventListener("change", () => changed(bench));
  bench.flow.update();
  return surface(bench);
}

function surface(bench) {
  return {
    state: bench.state, zone: bench.flow.zone, sandbox: bench.catalogue.sandbox, say: (text) => say(bench, text), complain: (text) => complain(bench, text),
    add: (entry, index) => add(bench, entry, index), load: (flow) => load(bench, flow), run: () => run(bench), isRunning: () => isRunning(bench), stop: () => stop(bench), isStopping: () => bench.run?.stopping === true,
    addRunListener: (listener) => bench.runListeners.push(listener), manageConnections: () => manageConnections(bench), loadConnections: () => loadConnections(bench),
  };
}

function flowHooks(bench) {
  return {
    describe: (step) => describe(bench, step), say: (text) => say(bench, text), viewOf: (step, index) => viewOf(bench, step, index),
    optionsFor: (description, step) => optionsFor(description, step), manageConnections: (step) => manageConnections(bench, step),
    environmentName: bench.catalogue.sandbox ? "The sandbox's own key" : "Environment", example: fits(bench.catalogue.actions),
    tryExample: () => load(bench, structuredClone(EXAMPLE)),
  };
}

function describe(bench, { connector, action, version }) {
  const key = `${connector}/${action}/${version}`;
  if (!bench.descriptions.has(key)) {
    const asked = api.describe(connector, action, version);
    asked.then((description) => (asked.found = description), () => bench.descriptions.delete(key));
    bench.descriptions.set(key, asked);
  }
  return bench.descriptions.get(key);
}

function optionsFor(description, step) {
  const ask = (source) => (search) => api.options(step().connector, source, search, step().connection);
  return Object.fromEntries(Object.entries(description.action.options ?? {}).map(([pointer, source]) => [pointer, ask(source)]));
}

function entryOf(bench, { connector, action }) {
  return bench.catalogue.actions.find((entry) => entry.connector === connector && entry.action === action);
}

function viewOf(bench, step, index) {
  const last = bench.run !== bench.foreign && bench.run?.steps.find((each) => each.id === step.id && each.action === step.action);
  return {
    index, count: bench.state.steps.length, entry: entryOf(bench, step), connections: bench.stored.filter((each) => each.connector === step.connector).map((each) => each.connection_name),
    references: bench.state.steps.slice(0, index).map((earlier) => referenceTo(bench, earlier)), errors: bench.errors.get(step.id) ?? [], showAll: bench.tried,
    status: last && last.status !== "waiting" ? last.status : "",
  };
}

function referenceTo(bench, step) {
  const asked = describe(bench, step);
  // The schema may not be there yet; the card is drawn again when it is.
  if (!asked.found) asked.then(() => bench.flow.update(), () => {});
  return { step: step.id, title: entryOf(bench, step)?.title ?? step.action, schema: asked.found?.schemas.output ?? {}, result: bench.outputs.get(step.id) ?? null };
}

async function add(bench, entry, index) {
  const description = await describe(bench, entry).catch((problem) => complain(bench, problem.message));
  if (!description) return;
  const step = bench.state.add({ connector: entry.connector, action: entry.action, version: entry.version, connection: null, input: starter(description.schemas.input), bindings: {} }, index);
  bench.showPart("flow");
  bench.flow.focusStep(step.uid);
  say(bench, `${entry.title} is step ${bench.state.index(step.uid) + 1} of ${bench.state.steps.length}.`);
}

function load(bench, flow) {
  bench.state.load(flow);
  bench.tried = false;
  // What another flow did says nothing of this one, though its steps may have the same names.
  bench.foreign = bench.run;
  bench.outputs.clear();
  bench.flow.update();
  bench.showPart("flow");
}

function changed(bench) {
  bench.flow.update();
  clearTimeout(bench.timer);
  bench.timer = setTimeout(() => check(bench), CHECK_AFTER_MS);
}

/** Ask what is wrong, and show it at the fields. @returns {Promise<object[]>} */
async function check(bench) {
  clearTimeout(bench.timer);
  bench.checks += 1;
  const turn = bench.checks;
  const found = bench.state.steps.length === 0 ? [] : await api.validate(bench.state.document).catch((problem) => (complain(bench, problem.message), []));
  if (turn !== bench.checks) return found;
  bench.errors = Map.groupBy(found, (error) => ownerOf(bench, error));
  bench.flow.update();
  return found;
}

function ownerOf(bench, error) {
  const inFlow = /^\/steps\/(\d+)/.exec(error.pointer);
  return error.step ?? bench.state.steps[inFlow?.[1] ?? 0]?.id;
}

async function run(bench) {
  if (isRunning(bench) || bench.state.steps.length === 0) return;
  bench.tried = true;
  const found = await check(bench);
  if (found.length > 0) {
    say(bench, `${found.length} to mend before it can run.`);
    goTo(bench, ownerOf(bench, found[0]), found[0].pointer);
    return;
  }
  bench.showPart("flow");
  if (bench.flow.focusUnfinished()) {
    say(bench, "What is written there is no JSON yet: it cannot run like this.");
    return;
  }
  bench.runs += 1;
  bench.run = newRun(bench.runs, bench.state.document);
  bench.runView.add(bench.run);
  bench.showPart("run");
  say(bench, "The flow is running.");
  await follow(bench, bench.run);
}

async function follow(bench, running) {
  tell(bench, running);
  try {
    for await (const item of api.run(running.flow)) {
      const step = take(running, item);
      if (item.type === "text.delta" && step.text === item.text) say(bench, "The answer is being written.");
      if (step) bench.runView.stepChanged(running, step);
      if (item.type.startsWith("step.")) stepTold(bench, running, step, item);
    }
    if (running.status === "running") broke(running, { code: "unavailable", message: "", user_message: "The stream of the run broke off. Look whether the workbench is still running." });
  } catch (problem) {
    broke(running, problem.data ?? { code: "internal", message: problem.message, user_message: problem.message });
  }
  running.steps.forEach((step) => bench.runView.stepChanged(running, step));
  say(bench, `The flow has ${running.status}.`);
  tell(bench, running);
}

function stepTold(bench, running, step, item) {
  if (item.type === "step.started") {
    bench.runView.stepBegan(running, step);
    if (running.stopping) cancelCurrent(bench, running);
  }
  if (item.type === "step.finished") {
    if (running !== bench.foreign) keep(bench, step);
    say(bench, `Step ${step.id} has ${step.status}. ${step.envelope.summary}`);
  }
  tell(bench, running);
}

/** What a step gave is there to pick from; what it refused is shown at the fields, as what the check finds is. */
function keep(bench, step) {
  bench.outputs.set(step.id, step.envelope.output);
  const fields = step.envelope.error?.fields ?? [];
  if (fields.length > 0) bench.errors.set(step.id, fields);
}

function tell(bench, running) {
  bench.runView.runChanged(running);
  bench.flow.update();
  bench.runListeners.forEach((listener) => listener());
}

function isRunning(bench) {
  return bench.run?.status === "running";
}

async function stop(bench) {
  if (!isRunning(bench)) return;
  bench.run.stopping = true;
  tell(bench, bench.run);
  await cancelCurrent(bench, bench.run);
}

/** Between two steps there is none to cancel: then the next one is, as soon as it begins. */
async function cancelCurrent(bench, running) {
  const step = current(running);
  if (step) await api.cancelRun(step.runId).catch((problem) => complain(bench, problem.message));
}

function goTo(bench, stepId, pointer) {
  bench.showPart("flow");
  bench.flow.focusField(stepId, pointer);
}

async function manageConnections(bench, step) {
  const ids = [...new Set(bench.catalogue.actions.map((entry) => entry.connector))];
  const connectors = ids.map((id) => {
    const entry = bench.catalogue.actions.find((each) => each.connector === id);
    return { id, title: id, describe: () => describe(bench, entry) };
  });
  const renamed = (name, newName) => bench.state.reconnect(name, newName);
  const made = await openConnections({ connectors, connector: step?.connector, changed: () => loadConnections(bench), renamed });
  if (made && step) bench.state.edit(step.uid, { connection: made });
  bench.flow.update();
}

async function loadConnections(bench) {
  bench.stored = await api.connections().catch((problem) => (complain(bench, problem.message), []));
  changed(bench);
}

function say(bench, text) {
  bench.places.said.textContent = text;
}

function complain(bench, text) {
  const place = document.getElementById("banners");
  const close = h("button", { type: "button", class: "link-button", onclick: () => fill(place) }, "Close");
  fill(place, h("p", { class: "banner banner-danger", role: "alert" }, h("span", {}, text), close));
}
