/** Runs as they go and as they went: searches, the answer while it is written, sources, cost, and what went wrong. */

import { fill, h, icon } from "./dom.js";
import { copyFold } from "./copy-view.js";
import { fold } from "./form/frame.js";
import { filledInput, stepTexts } from "./copy-as.js";
import { markdown, webAddress } from "./markdown.js";
import { totals } from "./run-state.js";
import { drawSources, placed, sourcesOf } from "./sources.js";

/** @typedef {ReturnType<typeof import("./run-state.js").newRun>} Run @typedef {import("./run-state.js").StepRun} StepRun */

/**
 * @param {HTMLElement} place
 * @param {{titleOf: (step: StepRun) => string, goTo: (stepId: string, pointer: string) => void, sandbox: boolean}} hooks
 */
export function createRunView(place, hooks) {
  const view = { hooks, runs: [], shown: null, followed: null, sections: new Map(), frames: new Set(), tabs: h("ul", { class: "run-list", "aria-label": "Runs since the page was opened" }), body: h("div", { class: "run-shown" }) };
  // Whoever scrolls wants to read something else than what is being written.
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) place.closest("section").addEventListener(name, () => (view.followed = null), { passive: true });
  fill(place, view.tabs, view.body);
  fill(view.body, emptyRuns());
  return {
    add: (run) => (view.runs.push(run), show(view, run)),
    stepBegan: (run, step) => (view.followed = step, follow(view, step)),
    stepChanged: (run, step) => run === view.shown && later(view, step),
    runChanged: (run) => (drawTabs(view), run === view.shown && drawHead(view)),
  };
}

function emptyRuns() {
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, "Nothing has run yet"),
    h("p", { class: "muted" }, "Press Run: the answer appears here as it is written, with its sources, what it cost and how long it took."),
  );
}

function drawTabs(view) {
  const tab = (run) =>
    h(
      "li",
      {},
      h("button", { type: "button", class: "run-tab", "aria-current": run === view.shown ? "true" : undefined, onclick: () => show(view, run) },
        h("span", { class: `dot dot-${run.status}` }), `Run ${run.number}`, h("span", { class: "visually-hidden" }, `, ${run.status}`),
        h("time", { datetime: run.startedAt.toISOString() }, run.startedAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }))),
    );
  fill(view.tabs, view.runs.length > 1 && view.runs.toReversed().map(tab));
  view.tabs.hidden = view.runs.length < 2;
}

function show(view, run) {
  view.shown = run;
  view.sections.clear();
  view.head = h("div", { class: "run-head" });
  const steps = run.steps.map((step, index) => {
    const section = h("article", { class: "run-step" });
    view.sections.set(step, { section, index });
    return section;
  });
  fill(view.body, view.head, steps);
  run.steps.forEach((step) => drawStep(view, step));
  drawTabs(view);
  drawHead(view);
}

function drawHead(view) {
  const { shown: run, head, hooks } = view;
  const { cost, tokens, duration } = totals(run);
  const facts = [["Cost", money(cost)], ["Tokens", tokens?.toLocaleString()], ["Time", run.status === "running" ? null : time(duration)]];
  fill(head, h("div", { class: "run-state" }, chip(run.status)), factList(facts), run.error && errorBox(run.error, "", hooks));
}

/** Draw a step with the next frame: a fast stream is more than eyes can follow. */
function later(view, step) {
  if (step.envelope) {
    drawStep(view, step);
    return;
  }
  if (view.frames.has(step)) return;
  view.frames.add(step);
  requestAnimationFrame(() => {
    view.frames.delete(step);
    if (view.sections.has(step) && !step.envelope) drawStep(view, step);
  });
}

/** Keep the step that is under way in sight while it grows. */
function follow(view, step) {
  if (step === view.followed) view.sections.get(step)?.section.scrollIntoView({ block: "start" });
}

function drawStep(view, step) {
  const { section, index } = view.sections.get(step);
  const key = `run-${view.shown.number}-${index + 1}`;
  section.setAttribute("aria-labelledby", `${key}-title`);
  section.setAttribute("aria-busy", String(step.status === "running"));
  section.dataset.status = step.status;
  section.dataset.step = step.id;
  const title = h("div", { class: "run-step-head" }, h("h3", { id: `${key}-title` }, h("span", { class: "step-count" }, index + 1), view.hooks.titleOf(step)), h("code", {}, step.id), chip(step.status));
  fill(section, title, step.envelope ? finished(view, step, key) : underWay(step, key));
  follow(view, step);
}

function underWay(step, key) {
  if (step.status === "waiting") return h("p", { class: "muted" }, "Waits for the steps before it.");
  if (step.status === "skipped") return h("p", { class: "muted" }, "Did not run, since the flow ended before it.");
  const sources = sourcesOf({ search_results: placed(step.found) });
  return [
    searches(step),
    step.message && h("p", { class: "muted" }, step.message),
    step.text ? answer(step.text, sources, key, true) : step.status === "running" && h("p", { class: "muted working" }, "Working\u2026"),
    sources.length > 0 && drawSources(sources, `${key}-source`, "Found so far"),
  ];
}

function searches({ queries }) {
  return queries.length > 0 && h("div", { class: "searches" }, icon("search"), h("span", {}, "Searched for"), queries.map((query) => h("span", { class: "tag" }, query)));
}

function finished(view, step, key) {
  const { envelope } = step;
  const output = envelope.output ?? envelope.partial ?? {};
  const sources = sourcesOf(output);
  const text = typeof output.content === "string" ? output.content : step.text;
  const isWhole = envelope.output !== null;
  return [
    searches(step),
    envelope.error && errorBox(envelope.error, step.id, view.hooks),
    !isWhole && (text || sources.length > 0) && h("p", { class: "note note-warn partial" }, "This is a part of the answer: what was received before the run ended."),
    isStructured(output) ? h("pre", { class: "answer", tabindex: "0", "aria-label": "Structured answer" }, JSON.stringify(output.parsed, null, 2)) : text && answer(text, sources, key, false),
    factList(stepFacts(envelope)),
    sources.length > 0 && drawSources(sources, `${key}-source`, output.results ? "Results" : "Sources"),
    !text && sources.length === 0 && isWhole && scalars(output),
    envelope.warnings.map((warning) => h("p", { class: "note note-warn" }, warning.message)),
    fold("Raw envelope", [h("pre", { class: "raw", tabindex: "0", "aria-label": "Raw envelope" }, JSON.stringify(envelope, null, 2))], { class: "fold raw-envelope" }),
    copyFold("Copy as", () => stepTexts(step.step, filledInput(step.step, outputsOf(view.shown)), view.hooks.sandbox)),
  ];
}

function outputsOf(run) {
  return Object.fromEntries(run.steps.map(({ id, envelope }) => [id, envelope?.output ?? null]));
}

function isStructured(output) {
  return typeof output.parsed === "object" && output.parsed !== null;
}

/** An answer; while it is written it has a caret. The page's status line tells of it, not a live region of its own. */
function answer(text, sources, key, isWriting) {
  const sourceId = (number) => (sources[number - 1] ? `${key}-source-${number}` : null);
  return h("div", { class: isWriting ? "answer is-writing" : "answer" }, markdown(text, sourceId));
}

/** What an output without an answer or pages says: its values by name. */
function scalars(output) {
  const shown = Object.entries(output).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  return factList(shown);
}

function errorBox(error, stepId, { goTo }) {
  const where = (field) =>
    h("li", {}, h("button", { type: "button", class: "link-button", onclick: () => goTo(...placeOf(field.pointer, stepId)) }, field.pointer || "The input"), ` ${field.message}`);
  return h(
    "div",
    { class: `note ${error.code === "cancelled" ? "note-warn" : "note-danger"} error`, "data-code": error.code },
    h("p", {}, h("strong", {}, error.user_message || error.message)),
    error.fields?.length > 0 && h("ul", {}, error.fields.map(where)),
    h("p", { class: "error-facts" }, [`Code: ${error.code}`, error.retryable && "It may work if you run it again", error.effect === "unknown" && "it may have cost something", error.retry_after && `try again in ${Math.ceil(error.retry_after)} s`].filter(Boolean).join(" \u00b7 ")),
    error.docs_url && webAddress(error.docs_url) && h("a", { href: webAddress(error.docs_url), rel: "noopener noreferrer", target: "_blank" }, "Read about it"),
  );
}

/** A failed flow points into the flow, a failed step into its input. */
function placeOf(pointer, stepId) {
  if (stepId) return [stepId, pointer];
  const inFlow = /^\/steps\/(\d+)(?:\/input)?(.*)$/.exec(pointer);
  return inFlow ? [Number(inFlow[1]), inFlow[2]] : ["", pointer];
}

function stepFacts({ usage, duration_ms: duration, attempts, meta }) {
  return [
    ["Cost", money(usage.cost?.total_cost ?? null)],
    ["Tokens", usage.total_tokens && `${usage.total_tokens.toLocaleString()} (${usage.prompt_tokens ?? "?"} in, ${usage.completion_tokens ?? "?"} out)`],
    ["Searches", usage.search_queries],
    ["Time", time(duration)],
    ["Answered by", meta.served_model],
    ["Attempts", attempts > 1 ? attempts : null],
  ];
}

function factList(facts) {
  const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return shown.length > 0 && h("dl", { class: "facts" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
}

function money(cost) {
  return cost === null ? null : `$${cost.toFixed(cost < 0.1 ? 4 : 2)}`;
}

function time(milliseconds) {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function chip(status) {
  return h("span", { class: `chip chip-${status}` }, status);
}
