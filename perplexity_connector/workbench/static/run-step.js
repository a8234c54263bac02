/** Draws a step of a run: searches, the answer, sources, cost, and errors. */

/** @import { Child, Envelope, ErrorData, ItemRun, JsonObject, Received, Run } from "./types.js" */
/** @import { Source, StepRun } from "./types.js" */

import { drawAnswer } from "./answer.js";
import { applyBindings, writeStep } from "./copy-as.js";
import { drawCopyFold } from "./copy-view.js";
import { h, drawIcon } from "./dom.js";
import { drawLateFold } from "./form/frame.js";
import { webAddressOf } from "./markdown.js";
import { isLeftOut } from "./run-state.js";
import { drawGroups, readGroups, writeAnswered } from "./query-results.js";
import { drawSources, isSource, placeById, readSources } from "./sources.js";
import { writeJson, writeValue } from "./text.js";
import { writeCost, writeTime, writeWait } from "./writing.js";

/**
 * Goes to a field of a step. The step is given by its id or its index.
 * @typedef {(step: string | number, pointer: string) => void} GoTo
 */
/** @typedef {[name: string, value: string | number | null | undefined][]} Facts */

/**
 * Draw a step as it is now.
 * @param {Run} run
 * @param {StepRun} step
 * @param {string} key the start of the ids in the step
 * @param {{goTo: GoTo, sandbox: boolean}} hooks
 * @returns {Child}
 */
export function drawStep(run, step, key, hooks) {
  if (step.status === "waiting") return drawNote(whyWaiting(run, step));
  if (step.status === "skipped") return drawNote(whySkipped(run, step));
  if (step.status === "kept") return drawKept(step, key, hooks.goTo);
  if (step.items) return drawEach(step, hooks);
  if (!step.envelope) return drawRunning(step, key);
  return [
    drawSearches(step),
    drawFinished(step, step.id, key, hooks.goTo),
    drawDetails(run, step, hooks.sandbox),
  ];
}

/**
 * Draw the run for one item of a step as it is now.
 * @param {StepRun} step
 * @param {ItemRun} item
 * @param {string} key
 * @param {{goTo: GoTo}} hooks
 * @returns {Child}
 */
export function drawItem(step, item, key, hooks) {
  if (item.status === "waiting") return drawNote("Waits for the items before it.");
  if (item.status === "skipped")
    return drawNote("Did not run, since an item before it has failed.");
  if (!item.envelope) return drawRunning(item, key);
  return [drawSearches(item), drawFinished(item, step.id, key, hooks.goTo), drawRaw(item.envelope)];
}

/** @param {Run} run @param {StepRun} step */
function whyWaiting(run, step) {
  return isLeftOut(run, step) ? "Not a part of this run." : "Waits for the steps before it.";
}

/** @param {Run} run @param {StepRun} step */
function whySkipped({ part, status }, { missing }) {
  if (missing) return `Did not run: it needs the step “${missing}”, which has no answer.`;
  if (part) return "Not a part of this run.";
  if (status === "interrupted") return "Did not run yet.";
  return "Did not run, since the flow ended before it.";
}

/**
 * Draw an output of before. Its fold draws it when it is opened.
 * @param {StepRun} step
 * @param {string} key
 * @param {GoTo} goTo
 * @returns {Child}
 */
function drawKept(step, key, goTo) {
  const stale = "This answer is stale: the step, or a value that it uses, has changed since.";
  const note = step.isStale
    ? h("p", { class: "note note-warn" }, stale)
    : drawNote("Did not run again: its earlier answer is used.");
  if (!step.envelope) return note;
  const draw = () => drawFinished(step, step.id, key, goTo);
  return [note, !step.items && drawLateFold("Earlier answer", draw, "fold kept-answer")];
}

/**
 * Draw a step that runs for each item; its items are drawn below it.
 * @param {StepRun} step
 * @param {{goTo: GoTo}} hooks
 */
function drawEach(step, { goTo }) {
  const { envelope, message } = step;
  if (!envelope) return message && drawNote(message);
  const { error, warnings } = envelope;
  const isEmpty = step.items?.length === 0 && !error;
  return [
    error && drawError(error, step.id, goTo),
    isEmpty && drawNote("The list was empty, so nothing was sent."),
    // Each item has attempts of its own, so their sum says nothing.
    drawFacts(factsOf({ ...envelope, attempts: 0 })),
    warnings.map(({ message: text }) => h("p", { class: "note note-warn" }, text)),
    drawRaw(envelope),
  ];
}

/** @param {string} text */
function drawNote(text) {
  return h("p", { class: "muted" }, text);
}

/** @param {Received} step @param {string} key @returns {Child} */
function drawRunning(step, key) {
  const sources = placeById(step.found.filter(isSource));
  const working = h("p", { class: "muted working" }, "Working\u2026");
  const isSilent = step.text === "" && step.status === "running";
  return [
    drawSearches(step),
    step.message && drawNote(step.message),
    isSilent ? working : step.text && drawAnswer(step, step.text, sources, key),
    sources.length > 0 && drawSources(sources, `${key}-source`, "Found so far", true),
  ];
}

/** @param {Received} step */
function drawSearches({ queries }) {
  if (queries.length === 0) return null;
  const tags = queries.map((query) => h("span", { class: "tag" }, query));
  const label = h("span", {}, "Searched for");
  return h("div", { class: "searches" }, drawIcon("search"), label, tags);
}

/**
 * @param {Received} step
 * @param {string} id the id of the step
 * @param {string} key
 * @param {GoTo} goTo
 * @returns {Child}
 */
function drawFinished(step, id, key, goTo) {
  const { envelope } = step;
  if (!envelope) return null;
  const { error, warnings } = envelope;
  const output = envelope.output ?? envelope.partial ?? {};
  const sources = readSources(output);
  const found = drawFound(output, sources, warnings, key);
  const text = typeof output.content === "string" ? output.content : step.text;
  const isEmpty = !text && !found;
  const isPartial = envelope.output === null && !isEmpty;
  return [
    error && drawError(error, id, goTo),
    warnings.map(({ message }) => h("p", { class: "note note-warn" }, message)),
    isPartial && drawPartialNote(),
    drawText(step, output, text, sources, key),
    drawFacts(factsOf(envelope)),
    found,
    isEmpty && envelope.output && drawValues(envelope.output),
  ];
}

/**
 * Draw the pages of an output; those of a search by query.
 * @param {JsonObject} output
 * @param {Source[]} sources
 * @param {Envelope["warnings"]} warnings
 * @param {string} key
 */
function drawFound(output, sources, warnings, key) {
  const groups = readGroups(output);
  if (groups.length > 0) return drawGroups(groups, `${key}-query`, warnings);
  return sources.length > 0 && drawSources(sources, `${key}-source`, titleOfSources(output));
}

function drawPartialNote() {
  const text = "This is a part of the answer: everything received before the run ended.";
  return h("p", { class: "note note-warn partial" }, text);
}

/** @param {JsonObject} output */
function titleOfSources(output) {
  return output.results ? "Results" : "Sources";
}

/**
 * Draw a structured answer, or a written one.
 * @param {Received} step
 * @param {JsonObject} output
 * @param {string} text
 * @param {Source[]} sources
 * @param {string} key
 */
function drawText(step, { parsed }, text, sources, key) {
  if (typeof parsed === "object" && parsed !== null) {
    const attributes = { class: "answer", tabindex: "0", "aria-label": "Structured answer" };
    return h("pre", attributes, writeJson(parsed, 2));
  }
  return text ? drawAnswer(step, text, sources, key) : null;
}

/** Draw values by their names. @param {JsonObject} values */
export function drawValues(values) {
  return drawFacts(Object.entries(values).map(([name, value]) => [name, writeValue(value)]));
}

/**
 * Draw the folds below a finished step.
 * @param {Run} run
 * @param {StepRun} step
 * @param {boolean} sandbox
 */
function drawDetails(run, { step, envelope }, sandbox) {
  const values = () => ({ outputs: outputsOf(run), inputs: run.inputs });
  const write = () => writeStep(step, applyBindings(step, values()), sandbox);
  return [drawRaw(envelope), drawCopyFold("Copy as", write)];
}

/** @param {Envelope | null} envelope */
function drawRaw(envelope) {
  const label = "Raw envelope";
  const draw = () => {
    const text = writeJson(envelope, 2);
    return h("pre", { class: "raw", tabindex: "0", "aria-label": label }, text);
  };
  return drawLateFold(label, draw, "fold raw-envelope");
}

/** Return the outputs of a run by step id. @param {Run} run */
function outputsOf({ steps }) {
  return Object.fromEntries(steps.map(({ id, envelope }) => [id, envelope?.output ?? null]));
}

/**
 * Draw an error with a way to each of its fields.
 * @param {ErrorData} error
 * @param {string} stepId the step of the error; "" for an error of the whole flow
 * @param {GoTo} goTo
 */
export function drawError(error, stepId, goTo) {
  const { code, message, user_message: userMessage, fields = [], docs_url: docsUrl } = error;
  const items = fields.map((field) => {
    const onclick = () => goTo(...placeOf(field.pointer, stepId));
    const attributes = { type: "button", class: "link-button", onclick };
    const button = h("button", attributes, field.pointer || "The input");
    return h("li", {}, button, ` ${field.message}`);
  });
  const tone = code === "cancelled" ? "note-warn" : "note-danger";
  const href = docsUrl && webAddressOf(docsUrl);
  return h(
    "div",
    { class: `note ${tone} error`, "data-code": code },
    h("p", {}, h("strong", {}, userMessage || message)),
    items.length > 0 && h("ul", {}, items),
    h("p", { class: "error-facts" }, describeError(error)),
    href && h("a", { href, rel: "noopener noreferrer", target: "_blank" }, "Read about it"),
  );
}

/** @param {ErrorData} error */
function describeError({ code, retryable, effect, retry_after: seconds }) {
  const facts = [`Code: ${code}`];
  if (retryable) facts.push("It may work if you run it again");
  if (effect === "unknown") facts.push("it may have cost something");
  if (seconds) facts.push(`try again in ${writeWait(seconds)}`);
  return facts.join(" \u00b7 ");
}

/**
 * Return the step and the pointer of a field: a failed flow points into its steps, a failed step
 * into its input.
 * @param {string} pointer
 * @param {string} stepId
 * @returns {[step: string | number, pointer: string]}
 */
function placeOf(pointer, stepId) {
  if (stepId) return [stepId, pointer];
  const inFlow = /^\/steps\/(?<index>\d+)(?:\/input)?(?<rest>.*)$/.exec(pointer)?.groups;
  return inFlow ? [Number(inFlow.index), inFlow.rest ?? ""] : ["", pointer];
}

/** @param {Envelope} envelope @returns {Facts} */
function factsOf({ usage, duration_ms: duration, attempts, meta }) {
  const tokens =
    usage.total_tokens &&
    `${usage.total_tokens.toLocaleString()} (${usage.prompt_tokens ?? "?"} in, ` +
      `${usage.completion_tokens ?? "?"} out)`;
  return [
    ["Cost", writeCost(usage.cost)],
    ["Tokens", tokens],
    ["Searches", usage.search_queries],
    ["Time", writeTime(duration)],
    ["Answered by", meta.served_model],
    ["Attempts", attempts > 1 ? attempts : null],
  ];
}

/** Draw facts; those without a value are left out. @param {Facts} facts */
export function drawFacts(facts) {
  const rows = facts.flatMap(([name, value]) => {
    if (value === null || value === undefined || value === "") return [];
    return [h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))];
  });
  return rows.length > 0 && h("dl", { class: "facts" }, rows);
}

/** Draw the state of a step, or of its run for an item. @param {Received} step */
export function drawState({ status, envelope }) {
  const answered = writeAnswered(envelope);
  const isWhole = status !== "succeeded" || !answered;
  return isWhole ? drawChip(status) : h("span", { class: "chip chip-partly" }, answered);
}

/** Draw a status. @param {string} status */
export function drawChip(status) {
  return h("span", { class: `chip chip-${status}` }, status);
}
