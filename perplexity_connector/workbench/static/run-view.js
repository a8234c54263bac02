/** The runs: a list of them, and the one that is shown, with its steps while they run and after. */

/** @import { Run, StepRun } from "./types.js" */
/** @import { GoTo } from "./run-step.js" */

import { drawTextButton, fill, h } from "./dom.js";
import { ItemsView } from "./run-items.js";
import { drawChip, drawError, drawFacts, drawState, drawStep } from "./run-step.js";
import { isLeftOut, sumUp } from "./run-state.js";
import { writeClock, writeCost, writeSeconds, writeTime } from "./writing.js";

/**
 * What the runs ask of the workbench.
 * @typedef {object} RunHooks
 * @property {(step: StepRun) => string} titleOf
 * @property {GoTo} goTo
 * @property {boolean} sandbox
 * @property {(run: Run) => void} [goOn] goes on with a run that was interrupted
 */

/**
 * The places of a step's section. The items stay while the body is drawn again, so they keep the
 * focus and stay open.
 * @typedef {{section: HTMLElement, body: HTMLElement, items: ItemsView, index: number}} Place
 */

/** Events by which the user shows that they look at something else than the running step. */
const LOOKING_AWAY = ["wheel", "touchmove", "keydown", "pointerdown"];

const SECOND_MS = 1000;

const CLOSING =
  "If you close this page, the step under way runs to its end. " +
  "The next one waits until a page is open again.";

export class RunView {
  /** All runs, the newest last. @type {Run[]} */
  #runs = [];
  /** @type {Run | null} */
  #shown = null;
  /**
   * The step that is kept in sight while it grows; null when the user looks elsewhere.
   * @type {StepRun | null}
   */
  #followed = null;
  /**
   * The sections of the steps of the shown run, and the places in them.
   * @type {Map<StepRun, Place>}
   */
  #sections = new Map();
  /** The steps that wait for the next frame to be drawn. @type {Set<StepRun>} */
  #waiting = new Set();
  /** Counts the seconds of a run that is under way. */
  #timer = 0;
  #tabs = h("ul", { class: "run-list", "aria-label": "Runs since the page was opened" });
  #head = h("div", { class: "run-head" });
  #body = h("div", { class: "run-shown" }, drawEmpty());
  #hooks;

  /** @param {HTMLElement} place @param {RunHooks} hooks */
  constructor(place, hooks) {
    this.#hooks = hooks;
    const stopFollowing = () => {
      this.#followed = null;
    };
    for (const name of LOOKING_AWAY) {
      place.closest("section")?.addEventListener(name, stopFollowing, { passive: true });
    }
    fill(place, this.#tabs, this.#body);
  }

  /** Show one run alone. @param {Run} run */
  showAlone(run) {
    this.#runs = [run];
    this.#show(run);
  }

  /** Add a run in the place of an earlier look at it, and show it. @param {Run} run */
  add(run) {
    this.#runs = [...this.#runs.filter(({ key }) => key !== run.key), run];
    this.#show(run);
  }

  /** Keep a step in sight from now on. @param {StepRun} step */
  followStep(step) {
    this.#followed = step;
    this.#scrollToFollowed(step);
  }

  /** Draw a step again, if its run is shown. @param {Run} run @param {StepRun} step */
  updateStep(run, step) {
    if (run !== this.#shown) return;
    if (step.envelope) this.#drawStep(step);
    else this.#drawNextFrame(step);
  }

  /** Draw the state of a run again. @param {Run} run */
  updateRun(run) {
    this.#drawTabs();
    if (run === this.#shown) this.#drawHead(run);
  }

  /** @param {Run} run */
  #show(run) {
    this.#shown = run;
    this.#sections.clear();
    clearInterval(this.#timer);
    if (run.status === "running") this.#timer = setInterval(() => this.#count(run), SECOND_MS);
    run.steps.forEach((step, index) => {
      const body = h("div", { class: "run-step-body" });
      const items = new ItemsView(run, `${run.key}-${index + 1}`, this.#hooks);
      const section = h("article", { class: "run-step" }, body, items.element);
      this.#sections.set(step, { section, body, items, index });
    });
    const sections = [...this.#sections.values()].map(({ section }) => section);
    fill(this.#body, this.#head, sections);
    for (const step of run.steps) this.#drawStep(step);
    this.#drawTabs();
    this.#drawHead(run);
  }

  /**
   * Write the seconds of a run and of its step again, and nothing else. Stop with the run, or when
   * it is not on the page any more.
   * @param {Run} run
   */
  #count(run) {
    if (run.status !== "running" || !this.#body.isConnected) clearInterval(this.#timer);
    for (const place of this.#body.querySelectorAll("[data-since]")) {
      place.textContent = writeSince(Number(place.getAttribute("data-since")));
    }
  }

  #drawTabs() {
    const newestFirst = this.#runs.toReversed();
    const tabs = newestFirst.map((run) => h("li", {}, this.#drawTab(run)));
    this.#tabs.hidden = tabs.length < 2;
    fill(this.#tabs, tabs.length > 1 && tabs);
  }

  /** @param {Run} run */
  #drawTab(run) {
    return h(
      "button",
      {
        type: "button",
        class: "run-tab",
        "aria-current": run === this.#shown ? "true" : undefined,
        onclick: () => this.#show(run),
      },
      h("span", { class: `dot dot-${run.status}` }),
      run.label,
      h("span", { class: "visually-hidden" }, `, ${run.status}`),
      h("time", { datetime: run.startedAt.toISOString() }, writeClock(run.startedAt)),
    );
  }

  /** @param {Run} run */
  #drawHead(run) {
    const { cost, tokens, duration } = sumUp(run);
    const facts = drawFacts([
      ["Cost", writeCost(cost)],
      ["Tokens", tokens?.toLocaleString()],
      ["Time", duration > 0 && run.status !== "running" ? writeTime(duration) : null],
    ]);
    const since = run.status === "running" && drawSince(run.startedAt.getTime());
    const state = h(
      "div",
      { class: "run-state" },
      drawChip(run.status),
      since,
      this.#drawGoOn(run),
    );
    const waits = waitsForPage(run) && h("p", { class: "muted" }, CLOSING);
    fill(this.#head, state, facts, waits, run.error && drawError(run.error, "", this.#hooks.goTo));
  }

  /** @param {Run} run */
  #drawGoOn(run) {
    const { goOn } = this.#hooks;
    if (run.status !== "interrupted" || !goOn) return null;
    return drawTextButton("Go on", () => goOn(run));
  }

  /**
   * Draw a step with the next frame: a fast stream has more events than the screen has frames.
   * @param {StepRun} step
   */
  #drawNextFrame(step) {
    if (this.#waiting.has(step)) return;
    this.#waiting.add(step);
    requestAnimationFrame(() => {
      this.#waiting.delete(step);
      if (!step.envelope) this.#drawStep(step);
    });
  }

  /** @param {StepRun} step */
  #drawStep(step) {
    const place = this.#sections.get(step);
    if (!place || !this.#shown) return;
    const { section, body, items, index } = place;
    const key = `${this.#shown.key}-${index + 1}`;
    section.setAttribute("aria-labelledby", `${key}-title`);
    section.setAttribute("aria-busy", String(step.status === "running"));
    section.dataset.status = step.status;
    section.dataset.step = step.id;
    const count = h("span", { class: "step-count" }, index + 1);
    const title = h("h3", { id: `${key}-title` }, count, this.#hooks.titleOf(step));
    const id = h("code", {}, step.id);
    const isOut = step.status === "waiting" && isLeftOut(this.#shown, step);
    const { startedAt } = step;
    const since = step.status === "running" && startedAt !== null && drawSince(startedAt);
    const chips = [since, step.isStale && drawChip("stale"), !isOut && drawState(step)];
    const end = section.querySelector(".answer-end");
    // The reader has scrolled, or reads the answer whose end was just written.
    const isLeft = end && (step.envelope || !isInSight(end));
    if (isLeft && step === this.#followed) this.#followed = null;
    const head = h(
      "div",
      { class: "run-step-head" },
      title,
      id,
      h("span", { class: "chips" }, chips),
    );
    fill(body, head, drawStep(this.#shown, step, key, this.#hooks));
    items.show(step);
    this.#scrollToFollowed(step);
  }

  /** Scroll to the end of an answer that grows, else to the step. @param {StepRun} step */
  #scrollToFollowed(step) {
    if (step !== this.#followed) return;
    const section = this.#sections.get(step)?.section;
    const end = section?.querySelector(".answer-end");
    if (end) end.scrollIntoView({ block: "nearest" });
    else section?.scrollIntoView({ block: "start" });
  }
}

/** @param {Element} element */
function isInSight(element) {
  const { top } = element.getBoundingClientRect();
  return top >= 0 && top <= window.innerHeight;
}

/** Draw the time since a moment; the view of the runs counts it. @param {number} since */
function drawSince(since) {
  return h("span", { class: "since", "data-since": since }, writeSince(since));
}

/** @param {number} since */
const writeSince = (since) => writeSeconds(Date.now() - since);

/** Return whether the steps to come need an open page. @param {Run} run */
function waitsForPage(run) {
  const own = run.steps.filter((step) => step.status !== "kept" && !isLeftOut(run, step));
  return run.status === "running" && own.length > 1;
}

function drawEmpty() {
  const help =
    "Press Run: the answer appears here as it is written, with its sources, its cost and its time.";
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, "Nothing has run yet"),
    h("p", { class: "muted" }, help),
  );
}
