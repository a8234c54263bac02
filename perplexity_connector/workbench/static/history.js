/** The history: the old runs of the ledger, to search, to open, to run again and to go on with. */

/** @import { Child, HistoryEntry, OldFlow, OldRun } from "./types.js" */
/** @import { Bench } from "./bench.js" */

import { drawIcon, drawProblem, drawTextButton, fill, h, messageOf } from "./dom.js";
import * as flows from "./flow-api.js";
import { isSame } from "./form/pointer.js";
import { isErased, oldRun } from "./old-run.js";
import { drawChip, drawValues } from "./run-step.js";
import { RunView } from "./run-view.js";
import { shorten, writeValue } from "./text.js";
import { writeAmount, writeClock, writeDay, writeWhen } from "./writing.js";

const SEARCH_AFTER_MS = 250;
/** The most letters of an input in the list. */
const INPUT_LENGTH = 60;
const UNNAMED = "Unnamed flow";
const KINDS = { flow: "Flow", run: "Single run", table: "Table" };

export class HistoryView {
  /** The cursor of the next page; null when all is shown. @type {string | null} */
  #next = null;
  /** The day under which the last entry is. */
  #day = "";
  /** The number of the newest request: answers to older ones are dropped. */
  #count = 0;
  #timer = 0;
  /** The entry whose detail is shown. @type {HistoryEntry | null} */
  #opened = null;
  /** The detail that is shown, as the server has it. @type {OldFlow | OldRun | null} */
  #detail = null;
  #list = h("div", { class: "history-list" });
  #said = h("div", { role: "status" });
  #more = h(
    "button",
    { type: "button", class: "button", onclick: () => this.#load(this.#next), hidden: true },
    "Show more",
  );
  #search = h("input", {
    type: "search",
    class: "sf-input",
    dir: "auto",
    placeholder: "Search the history",
    "aria-label": "Search the history",
    oninput: () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.refresh(), SEARCH_AFTER_MS);
    },
  });
  #place;
  #bench;

  /** @param {HTMLElement} place @param {Bench} bench */
  constructor(place, bench) {
    this.#place = place;
    this.#bench = bench;
    this.#showList();
  }

  /** Read everything again, since a run may have changed it while this was hidden. */
  async show() {
    const entry = this.#opened;
    await this.refresh();
    if (entry && entry === this.#opened) await this.#open(entry, false);
  }

  /** Load the newest entries again. */
  async refresh() {
    await this.#load(null);
  }

  #showList() {
    this.#opened = null;
    const search = h("div", { class: "palette-search" }, drawIcon("search"), this.#search);
    fill(this.#place, search, this.#list, this.#said, this.#more);
  }

  /**
   * Load a page of entries. Without a cursor it takes the place of all others.
   * @param {string | null} before
   */
  async #load(before) {
    this.#count += 1;
    const number = this.#count;
    const isEmpty = this.#list.childElementCount === 0;
    if (isEmpty) fill(this.#said, h("p", { class: "muted" }, "Loading\u2026"));
    try {
      const search = this.#search.value.trim();
      const { entries, next } = await flows.loadHistory({ search, before });
      if (number !== this.#count) return;
      if (!before) this.#clear();
      this.#next = next;
      this.#more.hidden = next === null;
      this.#add(entries);
      fill(this.#said, this.#list.childElementCount === 0 && drawNothing(search));
    } catch (problem) {
      if (number !== this.#count) return;
      this.#clear();
      fill(this.#said, h("p", { class: "note" }, messageOf(problem)));
    }
  }

  #clear() {
    fill(this.#list);
    this.#day = "";
    this.#more.hidden = true;
  }

  /** @param {HistoryEntry[]} entries */
  #add(entries) {
    for (const entry of entries) {
      const day = writeDay(new Date(entry.at));
      if (day !== this.#day) {
        this.#list.append(h("h3", { class: "history-day" }, day), h("ul", { "aria-label": day }));
      }
      this.#day = day;
      this.#list.lastElementChild?.append(h("li", {}, this.#drawEntry(entry)));
    }
  }

  /** @param {HistoryEntry} entry */
  #drawEntry(entry) {
    const { kind, id, at, status, cost, summary, steps, inputs } = entry;
    const isOpenable = kind !== "table";
    const facts = [writeClock(new Date(at)), KINDS[kind]];
    if (kind === "flow") facts.push(steps.length === 1 ? "1 step" : `${steps.length} steps`);
    if (cost !== null) facts.push(writeAmount(cost));
    const name = h("strong", {}, this.#nameOf(entry));
    const head = h("span", { class: "history-head" }, name, drawChip(status));
    const values = Object.entries(inputs ?? {})
      .map(writeInput)
      .join(" · ");
    const lines = [
      head,
      values && h("span", { class: "muted" }, values),
      summary && h("span", { class: "history-summary" }, summary),
      h("span", { class: "muted" }, facts.join(" · ")),
    ];
    const attributes = { class: "history-entry", "data-id": id };
    if (!isOpenable) return h("div", attributes, lines);
    return h("button", { ...attributes, type: "button", onclick: () => this.#open(entry) }, lines);
  }

  /** Return a name to show: a run has that of its action. @param {HistoryEntry} entry */
  #nameOf({ kind, id, title, steps }) {
    if (kind === "flow" && title === id) return `${UNNAMED}: ${steps.join(" \u2192 ")}`;
    const dot = title.lastIndexOf(".");
    const action = { connector: title.slice(0, dot), action: title.slice(dot + 1) };
    return kind === "run" ? this.#bench.titleOf(action) : title;
  }

  /**
   * Draw an old run in the place of the list.
   * @param {HistoryEntry} entry
   * @param {boolean} [takesFocus]
   */
  async #open(entry, takesFocus = true) {
    const before = this.#opened;
    try {
      const old = await flows.loadOld(entry.id);
      if (before !== this.#opened) return;
      // A question in the detail stays, if the run is as it was.
      if (!takesFocus && isSame(old, this.#detail)) return;
      this.#opened = entry;
      this.#detail = old;
      const place = h("div", { class: "old-run" });
      const view = new RunView(place, this.#bench.runHooks);
      const name = this.#nameOf(entry);
      const run = oldRun(old, "old-run", name);
      const back = drawTextButton("Back to the history", () => this.#close(entry));
      const title = h("h3", { class: "old-title" }, name, " ", drawMoment(entry));
      const said = h("div", { role: "status" });
      const actions = this.#drawActions(entry, old, said);
      fill(this.#place, back, title, actions, said, drawValues(run.inputs), place);
      view.showAlone(run);
      if (takesFocus) back.focus();
    } catch (problem) {
      fill(this.#said, drawProblem(problem));
    }
  }

  /** Go back to the list, to the entry that was open. @param {HistoryEntry} entry */
  #close({ id }) {
    this.#showList();
    const button = this.#list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (button instanceof HTMLElement) button.focus();
    else this.#search.focus();
  }

  /**
   * @param {HistoryEntry} entry
   * @param {OldFlow | OldRun} old
   * @param {HTMLElement} said
   */
  #drawActions(entry, old, said) {
    if (isErased(old)) {
      return h(
        "p",
        { class: "note" },
        "The content of this run was erased, so it cannot be shown.",
      );
    }
    const label = old.status === "running" ? "Follow it" : "Open this flow";
    const open = drawTextButton(label, () => this.#openFlow(old, entry), "button-primary");
    const ask = () => this.#askToForget(entry, said, forget);
    const forget = drawTextButton("Erase it", ask);
    const goOn = old.kind === "flow" && this.#drawGoOn(old, entry);
    return h("div", { class: "inline-form old-actions" }, open, goOn, forget);
  }

  /**
   * Draw the way to go on with a flow that has not got to its end.
   * @param {OldFlow} old
   * @param {HistoryEntry} entry
   */
  #drawGoOn(old, entry) {
    if (old.status === "interrupted") return drawTextButton("Go on", () => this.#goOn(old, entry));
    if (old.status === "failed" || old.status === "cancelled") {
      return drawTextButton("Go on from the step that failed", () => this.#goOn(old, entry));
    }
    if (old.status !== "unsure") return null;
    const label = "Run the unsure step again (it may be paid twice)";
    return drawTextButton(label, () => this.#goOn(old, entry, "unsure"));
  }

  /** @param {OldFlow | OldRun} old @param {HistoryEntry} entry */
  async #openFlow(old, entry) {
    const bench = this.#bench;
    if (bench.isOnPage(old) || (await bench.mayLeave())) {
      await bench.openOld(old, proposalFor(entry));
    }
  }

  /** @param {OldFlow} old @param {HistoryEntry} entry @param {"unsure"} [retry] */
  async #goOn(old, entry, retry) {
    const bench = this.#bench;
    if (bench.runs.isRunning) {
      bench.complain("Another flow is running. Wait for its end, or stop it.");
      return;
    }
    if (bench.isOnPage(old) || (await bench.mayLeave())) {
      await bench.goOn(old, proposalFor(entry), retry);
    }
  }

  /** @param {HistoryEntry} entry @param {HTMLElement} said @param {HTMLElement} opener */
  #askToForget(entry, said, opener) {
    const forget = async () => {
      try {
        await flows.forgetOld(entry.id);
        this.#showList();
        await this.refresh();
        this.#search.focus();
      } catch (problem) {
        fill(said, drawProblem(problem));
      }
    };
    const keep = drawTextButton("Keep it", () => {
      fill(said);
      opener.focus();
    });
    const question = h("p", {}, "Erase the inputs and the answers of this run for good?");
    fill(
      said,
      h("div", { class: "inline-form" }, question, drawTextButton("Erase it now", forget), keep),
    );
    keep.focus();
  }
}

/**
 * Return the name to propose for the flow of an entry; "" if it never had one.
 * @param {HistoryEntry} entry
 */
const proposalFor = ({ kind, id, title }) => (kind === "flow" && title === id ? "" : title);

/** @param {[name: string, value: unknown]} input */
function writeInput([name, value]) {
  return `${name}: ${shorten(writeValue(value), INPUT_LENGTH)}`;
}

/** @param {HistoryEntry} entry */
function drawMoment({ at }) {
  const date = new Date(at);
  const attributes = { class: "muted", datetime: date.toISOString() };
  return h("time", attributes, writeWhen(date));
}

/** @param {string} search @returns {Child} */
function drawNothing(search) {
  const text = search
    ? "No run has these words."
    : "Nothing has run yet. Each run is kept here, also after the page is closed.";
  return h("p", { class: "muted" }, text);
}
