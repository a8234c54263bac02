/** Connections: the stored ones, and the way to a new one with its guide beside it. No key ever comes back into the page. */

import * as api from "./api.js";
import { fill, h, icon } from "./dom.js";
import { link } from "./markdown.js";
import "./schema-form.js";

const OUTCOMES = {
  ok: "Works", invalid_credentials: "Key refused", permission_denied: "Not allowed", quota_exhausted: "No credit left", rate_limited: "Too many requests", unreachable: "Not reachable", unknown: "Not clear",
};

/**
 * Open the dialog. It resolves with the name of the connection that was made, if one was.
 * @param {{connectors: {id: string, title: string, describe: () => Promise<object>}[], connector?: string, changed: () => Promise<void>, renamed: (name: string, newName: string) => void}} how
 * @returns {Promise<string|null>}
 */
export function openConnections(how) {
  return new Promise((resolve) => {
    const view = { how, made: null, body: h("div", { class: "dialog-body" }), dialog: null };
    const title = h("h2", { id: "connections-title" }, "Connections");
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => view.dialog.close() }, icon("close"));
    view.dialog = h("dialog", { class: "dialog dialog-wide", "aria-labelledby": "connections-title" }, h("header", { class: "dialog-head" }, title, close), view.body);
    view.dialog.addEventListener("close", () => (view.dialog.remove(), resolve(view.made)));
    document.body.append(view.dialog);
    view.dialog.showModal();
    showList(view);
  });
}

async function showList(view, said = null) {
  const stored = await api.connections().catch((problem) => (fill(view.body, failure(problem)), null));
  if (!stored) return;
  const add = h("button", { type: "button", class: "button button-primary", onclick: () => showNew(view, view.how.connector ?? view.how.connectors[0].id) }, icon("add"), "New connection");
  const none = h("div", { class: "empty" }, h("p", { class: "empty-title" }, "No connection is stored yet"), h("p", { class: "muted" }, "A connection keeps a key, encrypted on this machine. Without one, steps run with the key of the environment."));
  fill(view.body, said, stored.length > 0 ? h("ul", { class: "connection-list" }, stored.map((connection) => row(view, connection))) : none, h("div", { class: "dialog-buttons" }, add));
  // What had the focus may be gone.
  if (!view.dialog.contains(document.activeElement)) add.focus();
}

function row(view, connection) {
  const name = connection.connection_name;
  const place = h("div", { class: "connection-said", role: "status" });
  const test = () => told(place, async () => outcome(await api.testConnection(connection.connector, name)));
  const about = [connection.connector, connection.fingerprint].filter(Boolean).join(" \u00b7 ");
  const remove = h("button", { type: "button", class: "button button-danger", onclick: () => ask(place, removing(view, name, place, remove)), "aria-label": `Delete ${name}` }, "Delete");
  return h(
    "li",
    { class: "connection", "data-name": name },
    h("div", { class: "connection-name" }, icon("key"), h("div", {}, h("strong", {}, name), h("p", { class: "muted" }, about))),
    h(
      "div",
      { class: "connection-tools" },
      h("button", { type: "button", class: "button", onclick: test, "aria-label": `Test ${name}` }, "Test"),
      h("button", { type: "button", class: "button", onclick: () => ask(place, renaming(view, name, place)), "aria-label": `Rename ${name}` }, "Rename"),
      remove,
    ),
    place,
  );
}

/** Put a question below a connection, the focus on the answer that does no harm. */
function ask(place, question) {
  fill(place, question);
  question.querySelector("[data-first]").focus();
}

/** Show that something is going on, then what came of it. */
async function told(place, act) {
  fill(place, h("p", { class: "muted working" }, "One moment\u2026"));
  fill(place, await act().catch(failure));
}

function outcome(status) {
  const tone = status.outcome === "ok" ? "note-ok" : "note-danger";
  return h("div", { class: `note ${tone}`, "data-outcome": status.outcome }, h("p", {}, h("strong", {}, `${OUTCOMES[status.outcome] ?? status.outcome}. `), status.message), status.next_step && h("p", {}, status.next_step));
}

function failure(problem) {
  const fields = (problem.data?.fields ?? []).filter((field) => !problem.message.includes(field.message));
  return h("div", { class: "note note-danger" }, h("p", {}, problem.message), fields.length > 0 && h("ul", {}, fields.map((field) => h("li", {}, field.message))));
}

function renaming(view, name, place) {
  const input = h("input", { class: "sf-input", value: name, "aria-label": `New name for ${name}`, maxlength: "100", "data-first": true });
  const act = () => told(place, () => renamed(view, name, input.value.trim()));
  const keys = (event) => event.key === "Enter" && act();
  input.addEventListener("keydown", keys);
  return h("div", { class: "inline-form" }, input, h("button", { type: "button", class: "button button-primary", onclick: act }, "Rename"));
}

async function renamed(view, name, newName) {
  await api.renameConnection(name, newName);
  view.how.renamed(name, newName);
  return changed(view);
}

function removing(view, name, place, opener) {
  const act = () => told(place, async () => changed(view, await api.removeConnection(name)));
  const keep = () => (fill(place), opener.focus());
  return h(
    "div",
    { class: "inline-form" },
    h("p", {}, `Delete ${name}? The key is forgotten; steps that name it will not run.`),
    h("button", { type: "button", class: "button button-danger", onclick: act }, "Delete it"),
    h("button", { type: "button", class: "button", onclick: keep, "data-first": true }, "Keep it"),
  );
}

async function changed(view) {
  await view.how.changed();
  await showList(view);
  return "";
}

async function showNew(view, connectorId) {
  fill(view.body, h("p", { class: "muted working" }, "One moment\u2026"));
  const chosen = view.how.connectors.find(({ id }) => id === connectorId);
  const description = await chosen.describe().catch((problem) => (fill(view.body, failure(problem)), null));
  if (!description) return;
  const form = document.createElement("schema-form");
  Object.assign(form, { schema: description.schemas.connection, value: {} });
  const said = h("div", { role: "status" });
  const save = (test) => () => keep(view, { form, said, connector: connectorId, test });
  const buttons = h(
    "div",
    { class: "dialog-buttons" },
    h("button", { type: "button", class: "button", onclick: () => showList(view) }, "Back"),
    h("button", { type: "button", class: "button button-primary", onclick: save(true) }, "Test and save"),
  );
  form.save = save;
  form.addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches("input") && save(true)());
  const guide = description.connector.connection?.guide ?? [];
  fill(view.body, picker(view, connectorId), h("div", { class: "beside" }, drawGuide(guide), h("div", {}, form, said, buttons)));
  form.focusField("/connection_name");
}

function picker(view, connectorId) {
  const { connectors } = view.how;
  const options = connectors.map(({ id, title }) => h("option", { value: id, selected: id === connectorId }, title));
  return connectors.length > 1 && h("label", { class: "inline-form" }, "Service", h("select", { class: "sf-input", onchange: (event) => showNew(view, event.target.value) }, options));
}

function drawGuide(guide) {
  const step = ({ title, text, link: address }) => h("li", {}, h("strong", {}, title), h("p", {}, text), address && h("p", {}, link(address, new URL(address).hostname)));
  return h("section", { class: "guide", "aria-label": "How to get a key" }, h("h3", {}, "How to get a key"), h("ol", {}, guide.map(step)));
}

async function keep(view, { form, said, connector, test }) {
  form.showAll = true;
  const [first] = form.errors;
  if (first) {
    form.focusField(first.pointer);
    return;
  }
  await told(said, async () => {
    const { connection, status } = await api.connect(connector, form.value, test);
    if (!connection) return [outcome(status), h("p", {}, h("button", { type: "button", class: "button", onclick: form.save(false) }, "Save it all the same"))];
    view.made = connection.connection_name;
    await view.how.changed();
    await showList(view, status ? outcome(status) : h("div", { class: "note" }, "Saved without a test."));
    return "";
  });
}
