/**
 * The dialog of the stored connections. A new one is made with its guide beside the form. A key
 * never comes back into the page.
 */

/** @import { Changed, Child, Connection, Description } from "./types.js" */

import * as api from "./api.js";
import { drawIcon, drawTextButton, fill, guardDialog, h, isComposing, openDialog } from "./dom.js";
import { KeyForm } from "./key-form.js";
import { drawFailure, drawOutcome, showResult } from "./outcomes.js";

/** @import { Options as KeyFormOptions } from "./key-form.js" */
/**
 * @typedef {object} Connector
 * @property {string} id
 * @property {string} title
 * @property {() => Promise<Description>} describe
 */
/**
 * @typedef {object} Options
 * @property {Connector[]} connectors
 * @property {boolean} sandbox
 * @property {string} [connector] the id of the connector to begin with
 * @property {() => Promise<void>} onChange
 * @property {(name: string, newName: string) => void} onRename
 */

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
    const question = "Leave without saving? The key in the form is lost.";
    guardDialog(dialog, () => (view.isDirty ? question : null));
    view.showList();
  });
}

class ConnectionsView {
  /** The name of the connection that was made last. @type {string | null} */
  made = null;
  /** The form on the screen. @type {KeyForm | null} */
  #form = null;
  #dialog;
  #body;
  #options;

  /** @param {HTMLDialogElement} dialog @param {HTMLElement} body @param {Options} options */
  constructor(dialog, body, options) {
    this.#dialog = dialog;
    this.#body = body;
    this.#options = options;
  }

  get isDirty() {
    return this.#form?.isDirty ?? false;
  }

  /** Show the stored connections. @param {Child} [note] */
  async showList(note = null) {
    this.#form = null;
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
    const list =
      rows.length > 0
        ? h("ul", { class: "connection-list" }, rows)
        : drawEmpty(this.#options.sandbox);
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
  #drawRow(connection) {
    const { connection_name: name, connector, fingerprint } = connection;
    const place = h("div", { class: "connection-said", role: "status" });
    const test = async () => drawOutcome(await api.testConnection(connector, name));
    const testButton = drawTextButton("Test", () => showResult(place, test));
    const rename = drawTextButton("Rename", () =>
      fillAndFocus(place, this.#drawRenaming(name, place)),
    );
    const replace = drawTextButton("Replace key", () => this.#showReplacing(connection));
    const askToRemove = () => fillAndFocus(place, this.#drawRemoving(name, place, remove));
    const remove = drawTextButton("Delete", askToRemove, "button-danger");
    for (const button of [testButton, rename, replace, remove]) {
      button.setAttribute("aria-label", `${button.textContent} ${name}`);
    }
    const facts = fingerprint ? `${connector} \u00b7 ${fingerprint}` : connector;
    const about = h("div", {}, h("strong", {}, name), h("p", { class: "muted" }, facts));
    return h(
      "li",
      { class: "connection", "data-name": name },
      h("div", { class: "connection-name" }, drawIcon("key"), about),
      h("div", { class: "connection-tools" }, testButton, rename, replace, remove),
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
    const button = drawTextButton("Rename", onRename, "button-primary");
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
    const onRemove = () => showResult(place, remove);
    const removeButton = drawTextButton("Delete it", onRemove, "button-danger");
    const keepButton = drawTextButton("Keep it", keep);
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
    await this.#showForm(connectorId, {
      isNew: true,
      above: this.#drawPicker(connectorId),
      save: (form, test) => this.#saveNew(connectorId, form, test),
    });
  }

  /** Show the form of another key. @param {Connection} connection */
  async #showReplacing({ connector, connection_name: name }) {
    await this.#showForm(connector, {
      isNew: false,
      above: h("h3", {}, `Another key for ${name}`),
      save: async (form, test) => {
        const answer = await api.replaceKey(connector, name, form.value, test);
        return this.#finish(form, answer);
      },
    });
  }

  /**
   * @param {string} connectorId
   * @param {Pick<KeyFormOptions, "isNew" | "above" | "save">} options
   */
  async #showForm(connectorId, options) {
    fill(this.#body, h("p", { class: "muted working" }, "One moment\u2026"));
    const connector = this.#options.connectors.find(({ id }) => id === connectorId);
    const description = connector && (await this.#load(() => connector.describe()));
    if (!description) return;
    const back = () => this.showList();
    const isSandbox = this.#options.sandbox;
    this.#form = new KeyForm({ ...options, description, isSandbox, back });
    fill(this.#body, this.#form.draw());
    this.#form.focus();
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
   * Store a new connection. With a test, only if it is good.
   * @param {string} connector
   * @param {KeyForm} form
   * @param {boolean} test
   */
  async #saveNew(connector, form, test) {
    const answer = await api.connect(connector, form.value, test);
    if (answer.connection) this.made = answer.connection.connection_name;
    return this.#finish(form, answer);
  }

  /**
   * Show the list after a change, or the reason against it.
   * @param {KeyForm} form
   * @param {Changed} answer
   * @returns {Promise<Child>}
   */
  async #finish(form, { connection, status }) {
    const outcome = status && drawOutcome(status);
    if (!connection) {
      const save = () => form.save(false);
      return [outcome, h("p", {}, drawTextButton("Save anyway", save))];
    }
    await this.#options.onChange();
    await this.showList(outcome ?? h("div", { class: "note" }, "Saved without a test."));
    return null;
  }
}

/** @param {boolean} isSandbox */
function drawEmpty(isSandbox) {
  const owner = isSandbox ? "the sandbox" : "the environment";
  const help =
    "A connection keeps a key, encrypted on this machine. Without one, steps run with the key of " +
    `${owner}.`;
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
function fillAndFocus(place, question) {
  fill(place, question);
  const first = question.querySelector("[data-first]");
  if (first instanceof HTMLElement) first.focus();
}
