/** The workbench's server, as functions. Each one throws an `ApiError` when the server refuses. */

/**
 * @import {
 *   Catalogue, Changed, Connection, ConnectionStatus, Description, ErrorData, Flow, FlowCheck,
 *   JsonObject, Suggestion,
 * } from "./types.js"
 */

import { keepSession, readSession, takeToken } from "./session.js";

/** An error as data: the server's own, or one of the connection to the server. */
export class ApiError extends Error {
  /** @param {ErrorData} data */
  constructor(data) {
    super(data.user_message || data.message);
    this.data = data;
  }
}

/** @type {ErrorData} */
const UNREACHABLE = {
  code: "unavailable",
  message: "The workbench does not answer.",
  user_message:
    "The workbench does not answer. Check that it is still running where you started it. " +
    "If you started it again, open the address that it printed; Download keeps your flow.",
  fields: [],
};

/**
 * Ask the server. A file is sent as it is, any other body as JSON.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 */
export async function request(method, path, body) {
  const headers = new Headers({ "X-Workbench-Session": readSession() });
  /** @type {RequestInit} */
  const how = { method, headers };
  if (body instanceof Blob) {
    headers.set("Content-Type", "application/octet-stream");
    how.body = body;
  } else if (body !== undefined) {
    headers.set("Content-Type", "application/json");
    how.body = JSON.stringify(body);
  }
  const response = await fetch(path, how).catch(() => {
    throw new ApiError(UNREACHABLE);
  });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  const user_message = `The workbench answered ${response.status}.`;
  throw new ApiError(error ?? { ...UNREACHABLE, code: "internal", user_message });
}

/**
 * Ask the server for JSON; null for an answer without a body.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function requestJson(method, path, body) {
  const response = await request(method, path, body);
  return response.status === 204 ? null : response.json();
}

const encode = encodeURIComponent;

/**
 * Exchange the token of the page's address, if it has one, for a session of all tabs. With a token
 * that is refused, a session from before is still good; without one, the next request fails.
 */
export async function enter() {
  const token = takeToken();
  if (!token) return;
  try {
    const { session } = await requestJson("POST", "/api/session", { token });
    keepSession(session);
  } catch (problem) {
    if (!readSession()) throw problem;
  }
}

/** Return all actions, and the connectors that cannot be loaded. @returns {Promise<Catalogue>} */
export async function loadCatalogue() {
  return requestJson("GET", "/api/catalogue");
}

/**
 * Describe an action; without a version, its newest one.
 * @param {string} connector
 * @param {string} action
 * @param {number} [version]
 * @returns {Promise<Description>}
 */
export async function describe(connector, action, version) {
  const query = version ? `?version=${version}` : "";
  return requestJson("GET", `/api/actions/${encode(connector)}/${encode(action)}${query}`);
}

/** Return all errors of a flow, and the hints. @param {Flow} flow @returns {Promise<FlowCheck>} */
export async function validate(flow) {
  return requestJson("POST", "/api/validate", { flow });
}

/**
 * Return suggestions for a field.
 * @param {string} connector
 * @param {string} source
 * @param {string} search
 * @param {string | null} connection
 * @returns {Promise<Suggestion[]>}
 */
export async function loadOptions(connector, source, search, connection) {
  const query = new URLSearchParams({ search, ...(connection ? { connection } : {}) });
  const path = `/api/options/${encode(connector)}/${encode(source)}?${query}`;
  const { options } = await requestJson("GET", path);
  return options;
}

/** List the stored connections, without their keys. @returns {Promise<Connection[]>} */
export async function listConnections() {
  const { connections } = await requestJson("GET", "/api/connections");
  return connections;
}

/**
 * Store a connection. With `test`, it is stored only when the test is good.
 * @param {string} connector
 * @param {object} fields
 * @param {boolean} test
 * @returns {Promise<Changed>}
 */
export async function connect(connector, fields, test) {
  return requestJson("POST", "/api/connections", { connector, fields, test });
}

/**
 * Test a stored connection.
 * @param {string} connector
 * @param {string} connection
 * @returns {Promise<ConnectionStatus>}
 */
export async function testConnection(connector, connection) {
  const body = { connector, connection };
  const { status } = await requestJson("POST", "/api/connections/test", body);
  return status;
}

/** Give a stored connection another name. @param {string} name @param {string} newName */
export async function renameConnection(name, newName) {
  const body = { connection_name: newName };
  await requestJson("PATCH", `/api/connections?name=${encode(name)}`, body);
}

/**
 * Give a stored connection another key. With a test, a bad key is not stored.
 * @param {string} connector
 * @param {string} name
 * @param {JsonObject} fields
 * @param {boolean} test
 * @returns {Promise<Changed>}
 */
export async function replaceKey(connector, name, fields, test) {
  const address = `/api/connections?name=${encode(name)}`;
  return await requestJson("PATCH", address, { connector, fields, test });
}

/** Delete a stored connection. @param {string} name */
export async function removeConnection(name) {
  await requestJson("DELETE", `/api/connections?name=${encode(name)}`);
}

/**
 * Yield the JSON documents of a stream that has one on each line. The bytes may be cut anywhere.
 * @param {ReadableStream<Uint8Array>} body
 */
export async function* readDocuments(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const lines = (rest + decoder.decode(piece.value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
    }
    rest += decoder.decode();
    if (rest.trim() !== "") yield JSON.parse(rest);
  } catch {
    throw new ApiError(UNREACHABLE);
  } finally {
    reader.cancel().catch(() => {});
  }
}
