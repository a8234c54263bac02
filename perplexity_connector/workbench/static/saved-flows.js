/** The saved flows: opens, saves, renames and deletes them, and reads and writes flow files. */

/** @import { Flow, SavedFlow } from "./types.js" */
/** @import { Bench } from "./bench.js" */

import {
  ask,
  drawIcon,
  drawProblem,
  drawTextButton,
  fill,
  h,
  isComposing,
  messageOf,
  openDialog,
  saveBlob,
} from "./dom.js";
import * as flows from "./flow-api.js";
import { FlowState } from "./flow-state.js";
import { writeWhen } from "./writing.js";

/** With more saved flows than this, the list has a search. */
const SEARCH_FROM = 8;

export class SavedFlows {
  /** Where the browser asks for a file. It is not seen: a button opens it. */
  fileInput = h("input", {
    type: "file",
    accept: ".json,application/json",
    class: "visually-hidden",
    id: "open-file",
    tabindex: "-1",
    "aria-label": "Flow file",
    onchange: () => this.#openFile(),
  });
  #bench;

  /** @param {Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    addEventListener("beforeunload", (event) => {
      if (bench.file.isDirty) event.preventDefault();
    });
  }

  /** Show the saved flows. */
  async open() {
    const body = h("div", { class: "dialog-body" });
    const dialog = openDialog("Open a flow", [body]);
    const view = new ListView(body, {
      open: async (name) => {
        dialog.close();
        await this.#openSaved(name);
      },
      openFile: () => {
        dialog.close();
        this.fileInput.click();
      },
      renamed: (name, newName) => {
        const { file } = this.#bench;
        if (file.name === name) file.rename(newName);
      },
      removed: (name) => {
        const { file } = this.#bench;
        if (file.name === name) file.rename("");
      },
    });
    await view.load();
  }

  /** Save the flow under its name; ask for one if it has none. Return whether it is saved. */
  async save() {
    const { file, state } = this.#bench;
    if (!file.name) return this.saveAs();
    try {
      await flows.saveFlow(file.name, state.document, true);
      file.markSaved();
      this.#bench.say(`${file.name} is saved.`);
      return true;
    } catch (problem) {
      this.#bench.complain(messageOf(problem));
      return false;
    }
  }

  /** Save the flow under a name that the user gives. @returns {Promise<boolean>} */
  saveAs() {
    const { file, state } = this.#bench;
    return new Promise((resolve) => {
      const proposal = file.name || file.proposal;
      const asked = askName("Save the flow", proposal, async (name, replace) => {
        file.markSaved(await flows.saveFlow(name, state.document, replace));
        this.#bench.say(`${name} is saved.`);
      });
      asked.addEventListener("close", () => resolve(asked.returnValue === "done"));
    });
  }

  /** Write the flow to a file on the user's disk. */
  download() {
    const { file, state } = this.#bench;
    const text = `${JSON.stringify(state.document, null, 2)}\n`;
    const name = file.name || file.proposal || "flow";
    saveBlob(new Blob([text], { type: "application/json" }), `${name}.json`);
  }

  /** Begin an empty flow. */
  async begin() {
    if (await this.mayLeave()) this.#bench.load({ flow_version: 1, steps: [] });
  }

  /** @param {string} name */
  async #openSaved(name) {
    if (!(await this.mayLeave())) return;
    try {
      await this.#bench.openSaved(name);
    } catch (problem) {
      this.#bench.complain(messageOf(problem));
    }
  }

  async #openFile() {
    const file = this.fileInput.files?.[0];
    if (!file) return;
    try {
      const document = JSON.parse(await file.text());
      // What is not a flow is refused before anything is asked.
      new FlowState().load(document);
      if (!(await this.mayLeave())) return;
      this.#bench.load(document, { proposal: file.name.replace(/\.json$/i, "") });
      this.#bench.say(`${file.name} is open.`);
    } catch (problem) {
      const isSyntax = problem instanceof SyntaxError;
      const text = isSyntax ? `${file.name} is not a JSON document.` : messageOf(problem);
      this.#bench.complain(text);
    } finally {
      // Emptied, so that the same file can be chosen again.
      this.fileInput.value = "";
    }
  }

  /** Return whether another flow may take the place of this one; ask if it has changes. */
  mayLeave() {
    return mayLeave(this.#bench.file, () => this.save());
  }
}

/**
 * Return whether another flow may be opened. If this one has changes, ask whether to save them.
 * @param {{isDirty: boolean, title: string}} file
 * @param {() => Promise<boolean>} save
 * @returns {Promise<boolean>}
 */
async function mayLeave(file, save) {
  if (!file.isDirty) return true;
  const answer = await ask("Save the changes?", (/** @type {(value: string) => void} */ choose) => {
    const keep = drawTextButton("Save", () => choose("save"), "button-primary");
    keep.autofocus = true;
    const buttons = [
      drawTextButton("Cancel", () => choose("cancel")),
      drawTextButton("Do not save", () => choose("leave"), "button-danger"),
      keep,
    ];
    const text = `“${file.title}” has changes that are not saved.`;
    return [h("p", {}, text), h("div", { class: "dialog-buttons" }, buttons)];
  });
  return answer === "save" ? save() : answer === "leave";
}

/**
 * Ask for a name, and use it. A name that is taken is asked about. The dialog returns "done".
 * @param {string} title
 * @param {string} proposal
 * @param {(name: string, replace: boolean) => Promise<void>} use
 */
function askName(title, proposal, use) {
  const said = h("div", { role: "status" });
  const field = h("input", {
    class: "sf-input",
    dir: "auto",
    id: "name-field",
    value: proposal,
    maxlength: 100,
  });
  const act = async (/** @type {boolean} */ replace) => {
    const name = field.value.trim();
    if (!name) {
      fill(said, drawProblem("A saved flow needs a name."));
      field.focus();
      return;
    }
    try {
      const isTaken = !replace && (await flows.listFlows()).some((saved) => saved.name === name);
      if (isTaken) {
        fill(
          said,
          drawTaken(name, () => act(true)),
        );
        return;
      }
      await use(name, replace);
      dialog.close("done");
    } catch (problem) {
      fill(said, drawProblem(problem));
    }
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !isComposing(event)) act(false);
  });
  const attributes = { type: "button", class: "button button-primary", onclick: () => act(false) };
  const label = h("label", { class: "sf-label", for: "name-field" }, "Name");
  const buttons = h("div", { class: "dialog-buttons" }, h("button", attributes, "Save"));
  const body = h("div", { class: "dialog-body" }, h("div", {}, label, field), said, buttons);
  const dialog = openDialog(title, [body]);
  field.select();
  return dialog;
}

/** Ask whether to replace a saved flow. @param {string} name @param {() => void} replace */
function drawTaken(name, replace) {
  const attributes = { type: "button", class: "button button-danger", onclick: replace };
  return h(
    "div",
    { class: "note note-warn inline-form" },
    h("p", {}, `A flow with the name “${name}” is saved already.`),
    h("button", attributes, "Replace it"),
  );
}

/**
 * @typedef {object} ListHooks
 * @property {(name: string) => void} open
 * @property {() => void} openFile
 * @property {(name: string, newName: string) => void} renamed
 * @property {(name: string) => void} removed
 */

/** The list of the saved flows in its dialog. */
class ListView {
  #list = h("ul", { class: "saved-list" });
  #body;
  #hooks;

  /** @param {HTMLElement} body @param {ListHooks} hooks */
  constructor(body, hooks) {
    this.#body = body;
    this.#hooks = hooks;
  }

  async load() {
    const attributes = { type: "button", class: "button", id: "open-from-file" };
    const fromFile = h(
      "button",
      { ...attributes, onclick: () => this.#hooks.openFile() },
      drawIcon("open"),
      "From a file\u2026",
    );
    const buttons = h("div", { class: "dialog-buttons" }, fromFile);
    try {
      const saved = await flows.listFlows();
      fill(this.#body, this.#drawSearch(saved), this.#list, buttons);
      this.#show(saved);
    } catch (problem) {
      fill(this.#body, drawProblem(problem), buttons);
    }
    if (!this.#body.contains(document.activeElement)) {
      const first = this.#body.querySelector("input, button");
      if (first instanceof HTMLElement) first.focus();
    }
  }

  /** @param {SavedFlow[]} saved */
  #drawSearch(saved) {
    if (saved.length < SEARCH_FROM) return null;
    return h("input", {
      type: "search",
      class: "sf-input",
      dir: "auto",
      placeholder: "Search flows",
      "aria-label": "Search flows",
      oninput: ({ currentTarget }) => {
        const words = currentTarget.value.toLowerCase();
        this.#show(saved.filter(({ name }) => name.toLowerCase().includes(words)));
      },
    });
  }

  /** @param {SavedFlow[]} saved */
  #show(saved) {
    const help = "No flow is saved here. Save gives the flow on the page a name.";
    const rows = saved.map((flow) => this.#drawRow(flow));
    fill(this.#list, rows.length > 0 ? rows : h("li", { class: "muted" }, help));
  }

  /** @param {SavedFlow} flow */
  #drawRow({ name, changed_at: changedAt, steps }) {
    const place = h("div", { class: "saved-said", role: "status" });
    const count = steps === 1 ? "1 step" : `${steps} steps`;
    const facts = `${count} · ${writeWhen(new Date(changedAt))}`;
    const open = h(
      "button",
      { type: "button", class: "saved-open", onclick: () => this.#hooks.open(name) },
      h("strong", {}, name),
      h("span", { class: "muted" }, facts),
    );
    const rename = drawSmall(`Rename ${name}`, "Rename", () => this.#askRename(name, place));
    const remove = drawSmall(`Delete ${name}`, "Delete", () => this.#askRemove(name, place));
    return h("li", { "data-name": name }, open, rename, remove, place);
  }

  /** @param {string} name @param {HTMLElement} place */
  #askRename(name, place) {
    const label = `New name for ${name}`;
    const field = h("input", { class: "sf-input", dir: "auto", value: name, "aria-label": label });
    const act = () =>
      this.#act(place, async () => {
        const newName = field.value.trim();
        this.#hooks.renamed(name, await flows.renameFlow(name, newName));
      });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !isComposing(event)) act();
    });
    fill(
      place,
      h("div", { class: "inline-form" }, field, drawSmall("Rename to this name", "Rename", act)),
    );
    field.select();
  }

  /** @param {string} name @param {HTMLElement} place */
  #askRemove(name, place) {
    const act = () =>
      this.#act(place, async () => {
        await flows.removeFlow(name);
        this.#hooks.removed(name);
      });
    const keep = drawSmall(`Keep it: ${name}`, "Keep it", () => fill(place));
    const remove = drawSmall(`Delete it: ${name}`, "Delete it", act);
    remove.classList.add("button-danger");
    const question = h("p", {}, `Delete “${name}”?`);
    fill(place, h("div", { class: "inline-form" }, question, remove, keep));
    keep.focus();
  }

  /** @param {HTMLElement} place @param {() => Promise<void>} act */
  async #act(place, act) {
    try {
      await act();
      await this.load();
    } catch (problem) {
      fill(place, drawProblem(problem));
    }
  }
}

/** @param {string} label @param {string} text @param {() => unknown} onclick */
function drawSmall(label, text, onclick) {
  return h("button", { type: "button", class: "button", "aria-label": label, onclick }, text);
}
