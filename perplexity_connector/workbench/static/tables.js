/** The Table tab: runs the flow once for each row of a file. */

/** @import { TableEnd, TableItem, TablePlan, TableRow, TableWork } from "./types.js" */
/** @import { Bench } from "./bench.js" */

import { drawIcon, drawProblem, drawTextButton, fill, h, messageOf, saveBlob } from "./dom.js";
import * as flows from "./flow-api.js";
import { isSame } from "./form/pointer.js";
import { columnsFor, guessColumns, makeTemplate } from "./table-columns.js";
import {
  drawBar,
  drawEnd,
  drawFailed,
  drawHelp,
  drawInvalid,
  drawPlanFacts,
} from "./table-parts.js";

/** @typedef {{id: string, name: string, columns: string[]}} Table */

/** Fires `change` when the table that must outlive a reload is another one. */
export class TableView extends EventTarget {
  /** The file on the server. @type {Table | null} */
  #table = null;
  /** The column of each input; empty for none. @type {Record<string, string>} */
  #columns = {};
  /** The plan, and the work that it is for. @type {{plan: TablePlan, work: TableWork} | null} */
  #planned = null;
  /** The plan of the run that is shown. @type {TablePlan | null} */
  #begun = null;
  /** The rows that have ended in this run. @type {TableRow[]} */
  #rows = [];
  /** @type {TableEnd | null} */
  #end = null;
  #isRunning = false;
  #problem = "";
  #budget = h("input", {
    type: "number",
    class: "sf-input",
    id: "table-budget",
    min: "0",
    step: "any",
    placeholder: "No limit",
  });
  #file = h("input", {
    type: "file",
    accept: ".csv,.jsonl,.ndjson,text/csv",
    class: "table-file",
    id: "table-file",
    onchange: () => this.#send(),
  });
  #head = h("div", { class: "table-part" });
  #plan = h("div", { class: "table-part", role: "status" });
  #progress = h("div", { class: "table-part" });
  #bench;

  /** @param {HTMLElement} place @param {Bench} bench */
  constructor(place, bench) {
    super();
    this.#bench = bench;
    fill(place, this.#head, this.#plan, this.#progress);
    bench.state.addEventListener("change", () => this.#onFlowChange());
    this.#drawHead();
  }

  /** Return everything that must outlive a reload. */
  keep() {
    return this.#table && { table: this.#table, columns: this.#columns };
  }

  /** Show the table of before a reload, and follow it if it is running. @param {any} kept */
  async restore(kept) {
    if (!kept) return;
    this.#table = kept.table;
    this.#columns = kept.columns;
    this.#drawHead();
    try {
      await this.#read(flows.followTable(kept.table.id));
    } catch {
      // It does not run: the plan says what is left.
      await this.#makePlan();
    }
  }

  #onFlowChange() {
    if (this.#isRunning) return;
    if (this.#table) this.#columns = columnsFor(this.#inputs(), this.#table.columns, this.#columns);
    if (this.#planned && !isSame(this.#planned.work.flow, this.#bench.state.document)) {
      this.#planned = null;
      this.#drawPlan();
    }
    this.#drawHead();
  }

  #inputs() {
    return this.#bench.state.inputs?.properties ?? {};
  }

  #required() {
    return this.#bench.state.inputs?.required ?? [];
  }

  /** Draw the file, and the column of each input. */
  #drawHead() {
    const inputs = this.#inputs();
    if (Object.keys(inputs).length === 0) {
      fill(this.#head, drawHelp(this.#bench.state.steps.length > 0));
      return;
    }
    const label = h("label", { class: "sf-label", for: "table-file" }, "Table (CSV or JSON Lines)");
    const intro =
      "The flow runs once for each row. The first line of a CSV file names its columns.";
    const about = h("p", { class: "muted" }, intro);
    const table = this.#table;
    const count = table?.columns.length === 1 ? "1 column" : `${table?.columns.length} columns`;
    const name = table && h("p", {}, h("strong", {}, table.name), ` · ${count}`);
    fill(this.#head, about, h("div", {}, label, this.#file), name, table && this.#drawColumns());
  }

  #drawColumns() {
    const required = this.#required();
    const rows = Object.entries(this.#inputs()).map(([name, schema], index) => {
      const id = `table-column-${index}`;
      const title = `${schema.title ?? name}${required.includes(name) ? "\u00a0*" : ""}`;
      const label = h("label", { class: "sf-label", for: id }, title);
      return h("div", { class: "table-column" }, label, this.#drawSelect(name, id));
    });
    const budget = h("label", { class: "sf-label", for: "table-budget" }, "Most to spend (USD)");
    const again = () => this.#makePlan();
    const plan = drawTextButton("Plan", again);
    return h(
      "div",
      { class: "table-columns" },
      h("h3", {}, "Inputs and their columns"),
      rows,
      h("div", { class: "table-column" }, budget, this.#budget),
      h("div", { class: "dialog-buttons" }, plan),
    );
  }

  /** @param {string} input @param {string} id */
  #drawSelect(input, id) {
    const chosen = this.#columns[input] ?? "";
    const names = this.#table?.columns ?? [];
    const options = [
      h("option", { value: "", selected: chosen === "" }, "No column"),
      names.map((name) => h("option", { value: name, selected: name === chosen }, name)),
    ];
    const onchange = (/** @type {Event & {currentTarget: HTMLSelectElement}} */ event) => {
      this.#columns = { ...this.#columns, [input]: event.currentTarget.value };
      this.#makePlan();
      this.#fire();
    };
    return h("select", { class: "sf-input", id, onchange }, options);
  }

  /** Bring the chosen file to the server. */
  async #send() {
    const file = this.#file.files?.[0];
    if (!file) return;
    this.#forget();
    fill(this.#plan, h("p", { class: "muted working" }, "Reading the file…"));
    try {
      const { table, columns } = await flows.sendTable(file);
      this.#table = { id: table, name: file.name, columns };
      this.#columns = guessColumns(Object.keys(this.#inputs()), columns);
      this.#drawHead();
      this.#fire();
      await this.#makePlan();
    } catch (problem) {
      this.#fail(problem);
    }
  }

  #forget() {
    this.#table = null;
    this.#planned = null;
    this.#begun = null;
    this.#rows = [];
    this.#end = null;
    this.#problem = "";
    this.#drawHead();
    this.#drawProgress();
  }

  /** @returns {TableWork} */
  #work() {
    const { document } = this.#bench.state;
    const template = makeTemplate(this.#columns, this.#table?.columns ?? []);
    const budget = this.#budget.value === "" ? undefined : Number(this.#budget.value);
    return { flow: document, template, budget };
  }

  /** Ask the server what the table would cost. */
  async #makePlan() {
    if (!this.#table || this.#isRunning) return;
    const missing = this.#required().filter((name) => !this.#columns[name]);
    if (missing.length > 0) {
      this.#planned = null;
      this.#fail(`Choose a column for: ${missing.join(", ")}.`);
      return;
    }
    fill(this.#plan, h("p", { class: "muted working" }, "Making the plan…"));
    const work = this.#work();
    try {
      this.#planned = { plan: await flows.planTable(this.#table.id, work), work };
      this.#problem = "";
      this.#drawPlan();
    } catch (problem) {
      this.#planned = null;
      this.#fail(problem);
    }
  }

  /** @param {unknown} problem */
  #fail(problem) {
    this.#problem = messageOf(problem);
    this.#drawPlan();
  }

  #drawPlan() {
    if (this.#problem) {
      fill(this.#plan, drawProblem(this.#problem));
      return;
    }
    if (!this.#planned) {
      const help = this.#table && "The flow has changed. Press Plan.";
      fill(this.#plan, help && h("p", { class: "muted" }, help));
      return;
    }
    const { plan } = this.#planned;
    const run = h(
      "button",
      {
        type: "button",
        class: "button button-primary",
        id: "run-table",
        disabled: plan.runs === 0 || this.#isRunning,
        onclick: () => this.#run(),
      },
      drawIcon("play"),
      `Run ${plan.runs === 1 ? "1 row" : `${plan.runs} rows`}`,
    );
    const buttons = h("div", { class: "dialog-buttons" }, run);
    fill(this.#plan, h("h3", {}, "Plan"), drawPlanFacts(plan), drawInvalid(plan), buttons);
  }

  /** @param {"failed"} [retry] */
  async #run(retry) {
    if (!this.#table || this.#isRunning) return;
    const work = { ...this.#work(), retry };
    try {
      await this.#read(flows.runTable(this.#table.id, work));
      await this.#makePlan();
    } catch (problem) {
      this.#fail(problem);
    }
  }

  /** Follow the items of a table to its end. @param {AsyncGenerator<TableItem>} items */
  async #read(items) {
    this.#rows = [];
    this.#end = null;
    try {
      for await (const item of items) this.#onItem(item);
    } finally {
      this.#isRunning = false;
      this.#drawProgress();
    }
    this.#bench.say("The table has ended.");
  }

  /** @param {TableItem} item */
  #onItem(item) {
    this.#isRunning = item.type !== "table.finished";
    if (item.type === "table.planned") this.#onPlan(item);
    else if (item.type === "row.finished") this.#rows.push(item);
    else if (item.type === "table.finished") this.#end = item;
    this.#drawProgress();
  }

  /** @param {TablePlan} plan */
  #onPlan(plan) {
    this.#begun = plan;
    this.#planned = { plan, work: this.#work() };
    this.#drawPlan();
    this.#drawProgress();
    this.#progress.scrollIntoView({ block: "nearest" });
  }

  #drawProgress() {
    const plan = this.#begun;
    if (!plan) {
      fill(this.#progress);
      return;
    }
    const stop = h(
      "button",
      { type: "button", class: "button button-danger", onclick: () => this.#stop(plan.job_id) },
      drawIcon("stop"),
      "Stop the table",
    );
    fill(
      this.#progress,
      h("h3", {}, "Progress"),
      drawBar(plan, this.#rows, this.#end),
      this.#isRunning && h("div", { class: "dialog-buttons" }, stop),
      drawFailed(this.#rows),
      this.#end && drawEnd(this.#end),
      this.#end && this.#drawSave(this.#end),
    );
  }

  /** @param {TableEnd} end */
  #drawSave({ rows }) {
    const save = async () => {
      try {
        const { blob, name } = await flows.loadOutput(this.#table?.id ?? "");
        saveBlob(blob, name);
      } catch (problem) {
        this.#fail(problem);
      }
    };
    const attributes = { type: "button", class: "button button-primary", id: "save-table" };
    const button = h(
      "button",
      { ...attributes, onclick: save },
      drawIcon("save"),
      "Save the result",
    );
    const again = () => this.#run("failed");
    const retry = (rows.failed ?? 0) > 0 && drawTextButton("Run the failed rows again", again);
    return h("div", { class: "dialog-buttons" }, retry, button);
  }

  /** @param {string} jobId */
  async #stop(jobId) {
    await flows.cancelRun(jobId).catch((problem) => this.#fail(problem));
  }

  #fire() {
    this.dispatchEvent(new Event("change"));
  }
}
