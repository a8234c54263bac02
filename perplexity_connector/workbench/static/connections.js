/**
 * The dialog of the stored connections. A new one is made with its guide beside the form. A key
 * never comes back into the page.
 */

/** @import { Child, Connection, ConnectionStatus, Description, GuideStep } from "./types.js" */

import * as api from "./api.js";
import { fill, h, drawIcon, isComposing, messageOf, openDialog } from "./dom.js";
import { drawLink } from "./markdown.js";
import "./schema-form.js";

/**
 * @typedef {object} Connector
 * @property {string} id
 * @property {string} title
 * @property {() => Promise<Description>} describe
 */
/**
 * @typedef {object} Options
 * @property {Connector[]} connectors
 * @property {string} [connector] the id of the connector to begin with
 * @property {() => Promise<void>} onChange
 * @property {(name: string, newName: string) => void} onRename
 */

/** @type {Record<string, string>} */
const OUTCOMES = {
  ok: "Works",
  invalid_credentials: "Key refused",
  permission_denied: "Not allowed",
  quota_exhausted: "No credit left",
  rate_limited: "Too many requests",
  unreachable: "Not reachable",
  unknown: "Not clear",
};

/**
 * Open the dialog. Return the name of the connection that the user made, or null.
 * @param {Options} options
 * @returns {Promise<string | null>}
 */
export function openConnections(options) {
  return new Promise((resolve) => {
    const body = h("div", { class: "dialog-body" });
    const dialog = openDialog("Connections", [body], "dialog dialog-wide");
    const view = new ConnectionsView(dialog, body, options);
    dialog.addEventListener("close", () => resolve(view.made));
    view.showList();
  });
}

class ConnectionsView {
  /** The name of the connection that was made last. @type {string | null} */
  made = null;
  #dialog;
  #body;
  #options;

  /** @param {HTMLDialogElement} dialog @param {HTMLElement} body @param {Options} options */
  constructor(dialog, body, options) {
    this.#dialog = dialog;
    this.#body = body;
    this.#options = options;
  }

  /** Show the stored connections. @param {Child} [note] */
  async showList(note = null) {
    const stored = await this.#load(() => api.listConnections());
    if (!stored) return;
    const { connector, connectors } = this.#options;
    const first = connector ?? connectors[0]?.id ?? "";
    const add = h(
      "button",
      { type: "button", class: "button button-primary", onclick: () => this.#showNew(first) },
      drawIcon("add"),
      "New connection",
    );
    const rows = stored.map((connection) => this.#drawRow(connection));
    const list = rows.length > 0 ? h("ul", { class: "connection-list" }, rows) : drawEmpty();
    fill(this.#body, note, list, h("div", { class: "dialog-buttons" }, add));
    // The element that had the focus may be gone.
    if (!this.#dialog.contains(document.activeElement)) add.focus();
  }

  /**
   * Load something for the dialog. A failure is shown instead.
   * @template T
   * @param {() => Promise<T>} load
   * @returns {Promise<T | null>}
   */
  async #load(load) {
    try {
      return await load();
    } catch (problem) {
      fill(this.#body, drawFailure(problem));
      return null;
    }
  }

  /** @param {Connection} connection */
  #drawRow({ connection_name: name, connector, fingerprint }) {
    const place = h("div", { class: "connection-said", role: "status" });
    const test = async () => drawOutcome(await api.testConnection(connector, name));
    const testButton = drawButton("Test", () => showResult(place, test));
    const rename = drawButton("Rename", () => ask(place, this.#drawRenaming(name, place)));
    const remove = drawButton("Delete", () => ask(place, this.#drawRemoving(name, place, remove)));
    remove.classList.add("button-danger");
    for (const button of [testButton, rename, remove]) {
      button.setAttribute("aria-label", `${button.textContent} ${name}`);
    }
    const facts = fingerprint ? `${connector} \u00b7 ${fingerprint}` : connector;
    const about = h("div", {}, h("strong", {}, name), h("p", { class: "muted" }, facts));
    return h(
      "li",
      { class: "connection", "data-name": name },
      h("div", { class: "connection-name" }, drawIcon("key"), about),
      h("div", { class: "connection-tools" }, testButton, rename, remove),
      place,
    );
  }

  /** @param {string} name @param {HTMLElement} place */
  #drawRenaming(name, place) {
    const input = h("input", {
      class: "sf-input",
      value: name,
      "aria-label": `New name for ${name}`,
      maxlength: "100",
      "data-first": true,
    });
    const rename = async () => {
      const newName = input.value.trim();
      await api.renameConnection(name, newName);
      this.#options.onRename(name, newName);
      return this.#refresh();
    };
    const onRename = () => showResult(place, rename);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !isComposing(event)) onRename();
    });
    const button = drawButton("Rename", onRename);
    button.classList.add("button-primary");
    return h("div", { class: "inline-form" }, input, button);
  }

  /** @param {string} name @param {HTMLElement} place @param {HTMLElement} opener */
  #drawRemoving(name, place, opener) {
    const remove = async () => {
      await api.removeConnection(name);
      return this.#refresh();
    };
    const keep = () => {
      fill(place);
      opener.focus();
    };
    const removeButton = drawButton("Delete it", () => showResult(place, remove));
    removeButton.classList.add("button-danger");
    const keepButton = drawButton("Keep it", keep);
    keepButton.setAttribute("data-first", "");
    const question = `Delete ${name}? The key is deleted; steps that name it will not run.`;
    return h("div", { class: "inline-form" }, h("p", {}, question), removeButton, keepButton);
  }

  /** @returns {Promise<Child>} */
  async #refresh() {
    await this.#options.onChange();
    await this.showList();
    return null;
  }

  /** Show the form of a new connection. @param {string} connectorId */
  async #showNew(connectorId) {
    fill(this.#body, h("p", { class: "muted working" }, "One moment\u2026"));
    const connector = this.#options.connectors.find(({ id }) => id === connectorId);
    const description = connector && (await this.#load(() => connector.describe()));
    if (!description) return;
    const form = h("schema-form");
    form.schema = description.schemas.connection;
    const place = h("div", { role: "status" });
    const save = () => this.#save(connectorId, form, place, true);
    form.addEventListener("keydown", (event) => {
      const isLine = event.target instanceof HTMLInputElement;
      if (event.key === "Enter" && isLine && !isComposing(event)) save();
    });
    const saveButton = drawButton("Test and save", save);
    saveButton.classList.add("button-primary");
    const back = drawButton("Back", () => this.showList());
    const buttons = h("div", { class: "dialog-buttons" }, back, saveButton);
    const guide = drawGuide(description.connector.connection?.guide ?? []);
    const right = h("div", {}, form, place, buttons);
    fill(this.#body, this.#drawPicker(connectorId), h("div", { class: "beside" }, guide, right));
    form.focusField("/connection_name");
  }

  /** @param {string} connectorId */
  #drawPicker(connectorId) {
    const { connectors } = this.#options;
    if (connectors.length < 2) return null;
    const options = connectors.map(({ id, title }) =>
      h("option", { value: id, selected: id === connectorId }, title),
    );
    const select = h("select", { class: "sf-input" }, options);
    select.addEventListener("change", () => this.#showNew(select.value));
    return h("label", { class: "inline-form" }, "Service", select);
  }

  /**
   * Store a new connection when its fields are right, and the test too if there is one.
   * @param {string} connector
   * @param {HTMLElementTagNameMap["schema-form"]} form
   * @param {HTMLElement} place
   * @param {boolean} test
   */
  async #save(connector, form, place, test) {
    form.showAll = true;
    const [first] = form.errors;
    if (first) {
      form.focusField(first.pointer);
      return;
    }
    await showResult(place, async () => {
      const { connection, status } = await api.connect(connector, form.value, test);
      const outcome = status && drawOutcome(status);
      if (!connection) {
        const save = () => this.#save(connector, form, place, false);
        return [outcome, h("p", {}, drawButton("Save anyway", save))];
      }
      this.made = connection.connection_name;
      await this.#options.onChange();
      await this.showList(outcome ?? h("div", { class: "note" }, "Saved without a test."));
      return null;
    });
  }
}

/** @param {string} label @param {() => unknown} onclick */
function drawButton(label, onclick) {
  return h("button", { type: "button", class: "button", onclick }, label);
}

function drawEmpty() {
  const help =
    "A connection keeps a key, encrypted on this machine. Without one, steps run with the key of " +
    "the environment.";
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, "No connection is stored yet"),
    h("p", { class: "muted" }, help),
  );
}

/**
 * Ask a question below a connection. The harmless answer has the focus.
 * @param {HTMLElement} place
 * @param {HTMLElement} question
 */
function ask(place, question) {
  fill(place, question);
  const first = question.querySelector("[data-first]");
  if (first instanceof HTMLElement) first.focus();
}

/**
 * Show that something is going on, then its result or its failure.
 * @param {HTMLElement} place
 * @param {() => Promise<Child>} act
 */
async function showResult(place, act) {
  fill(place, h("p", { class: "muted working" }, "One moment\u2026"));
  fill(place, await act().catch(drawFailure));
}

/** @param {ConnectionStatus} status */
function drawOutcome({ outcome, message, next_step: nextStep }) {
  const tone = outcome === "ok" ? "note-ok" : "note-danger";
  return h(
    "div",
    { class: `note ${tone}`, "data-outcome": outcome },
    h("p", {}, h("strong", {}, `${OUTCOMES[outcome] ?? outcome}. `), message),
    nextStep && h("p", {}, nextStep),
  );
}

/** Draw a failure with its fields. @param {unknown} problem */
function drawFailure(problem) {
  const fields = (problem instanceof api.ApiError && problem.data.fields) || [];
  const items = fields.map(({ message }) => h("li", {}, message));
  return h(
    "div",
    { class: "note note-danger" },
    h("p", {}, messageOf(problem)),
    items.length > 0 && h("ul", {}, items),
  );
}

/** @param {GuideStep[]} guide */
function drawGuide(guide) {
  const items = guide.map(({ title, text, link: address }) =>
    h(
      "li",
      {},
      h("strong", {}, title),
      h("p", {}, text),
      address && h("p", {}, drawLink(address, new URL(address).hostname)),
    ),
  );
  const title = "How to get a key";
  const attributes = { class: "guide", "aria-label": title };
  return h("section", attributes, h("h3", {}, title), h("ol", {}, items));
}
