/** The question before a part of a flow runs: the outputs of before that it uses, and its price. */

/** @import { Child, Flow, FlowPart, JsonObject } from "./types.js" */
/** @import { KeptStep, Price, Run, SavedStep } from "./types.js" */

import { ApiError } from "./api.js";
import { ask, drawIcon, drawProblem, drawTextButton, fill, h } from "./dom.js";
import * as flows from "./flow-api.js";
import { stepsOf } from "./run-state.js";
import { drawError } from "./run-step.js";
import { reasonOf } from "./stale.js";
import { writePrice, writeWhen } from "./writing.js";

/**
 * @typedef {object} Question
 * @property {{flow: Flow, inputs: JsonObject | undefined}} work
 * @property {FlowPart} part
 * @property {Run | null} source the run whose outputs are used
 * @property {(step: SavedStep) => string} titleOf
 */
/** Run it, or ask about another part. @typedef {"yes" | FlowPart} Answer */

/**
 * Ask whether a part of a flow should run. Return null when the dialog is closed without an answer.
 * @param {Question} question
 * @returns {Promise<Answer | null>}
 */
export function askForPart(question) {
  const title = "only" in question.part ? "Run this step" : "Run from here";
  return ask(title, (answer) => {
    const waiting = h("p", { class: "muted working" }, "One moment…");
    const body = h("div", { class: "dialog-body" }, waiting);
    showQuestion(body, question, answer);
    return [body];
  });
}

/** @param {HTMLElement} body @param {Question} question @param {(answer: Answer) => void} close */
async function showQuestion(body, question, close) {
  const { work, part, source } = question;
  try {
    const request = { ...work, ...part, outputs: source?.flowId };
    const { price, kept } = await flows.loadPrice(request);
    const run = h(
      "button",
      { type: "button", class: "button button-primary", onclick: () => close("yes") },
      drawIcon("play"),
      "Run",
    );
    const buttons = h("div", { class: "dialog-buttons" }, drawInstead(question, kept, close), run);
    fill(body, drawSteps(question), drawKept(question, kept), drawPrice(price), buttons);
    run.focus();
  } catch (problem) {
    fill(body, drawRefusal(problem));
  }
}

/** @param {Question} question */
function drawSteps({ work, part, titleOf }) {
  const steps = stepsOf(part, work.flow.steps);
  const names = steps.map((step) => h("li", {}, titleOf(step), " ", h("code", {}, step.id)));
  return h("div", {}, h("h3", {}, "Runs now"), h("ul", { class: "part-list" }, names));
}

/** @param {Question} question @param {KeptStep[]} kept @returns {Child} */
function drawKept(question, kept) {
  if (kept.length === 0) return null;
  const { source } = question;
  const when = source ? ` from ${source.label}, ${writeWhen(source.startedAt)}` : "";
  const rows = kept.map((each) => drawKeptStep(question, each, kept));
  const list = h("ul", { class: "part-list" }, rows);
  return h("div", {}, h("h3", {}, `Answers that are used again${when}`), list);
}

/** @param {Question} question @param {KeptStep} one @param {KeptStep[]} kept */
function drawKeptStep({ work, source, titleOf }, { step: id, stale }, kept) {
  const step = work.flow.steps.find((each) => each.id === id);
  const isStale = (/** @type {string} */ other) =>
    kept.some((each) => each.step === other && each.stale);
  const reason = stale && reasonOf(id, work, source, isStale);
  return h(
    "li",
    { "data-kept": id },
    step && `${titleOf(step)} `,
    h("code", {}, id),
    stale && [" ", h("span", { class: "chip chip-stale" }, "stale")],
    reason && h("p", { class: "muted" }, reason),
  );
}

/**
 * Offer to run the stale steps too.
 * @param {Question} question
 * @param {KeptStep[]} kept
 * @param {(answer: Answer) => void} close
 */
function drawInstead({ work }, kept, close) {
  const isStale = (/** @type {SavedStep} */ { id }) =>
    kept.some(({ step, stale }) => step === id && stale);
  const first = work.flow.steps.find(isStale);
  if (!first) return null;
  return drawTextButton(`Run from “${first.id}” instead`, () => close({ from: first.id }));
}

/** @param {Price} price */
function drawPrice(price) {
  return h("p", { class: "part-price" }, h("strong", {}, "Cost: "), writePrice(price));
}

/** @param {unknown} problem @returns {Child} */
function drawRefusal(problem) {
  if (!(problem instanceof ApiError)) return drawProblem(problem);
  const isMissing = problem.data.fields?.some(({ code }) => code === "no_output");
  const help = "Run the whole flow once. Then its answers are kept, and each step can run alone.";
  return [drawError(problem.data, "", () => {}), isMissing && h("p", { class: "note" }, help)];
}
