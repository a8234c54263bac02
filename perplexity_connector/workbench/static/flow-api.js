/** The server's flows, runs, history and tables, as functions. Each one may throw an `ApiError`. */

/**
 * @import {
 *   Flow, FlowRun, HistoryEntry, KeptStep, OldFlow, OldRun, Price, RunItem, RunRequest, SavedFlow,
 *   TableItem, TablePlan, TableWork,
 * } from "./types.js"
 */

import { readDocuments, request, requestJson } from "./api.js";

const encode = encodeURIComponent;

/**
 * Return the path of a saved flow. Its name may be "..", so it is no part of the path.
 * @param {string} name
 */
const pathOf = (name) => `/api/flow?name=${encode(name)}`;

/** List the saved flows. @returns {Promise<SavedFlow[]>} */
export async function listFlows() {
  const { flows } = await requestJson("GET", "/api/flows");
  return flows;
}

/** Return a saved flow. @param {string} name @returns {Promise<unknown>} */
export async function loadFlow(name) {
  const { flow } = await requestJson("GET", pathOf(name));
  return flow;
}

/**
 * Save a flow under a name. Return the name as the server has it.
 * @param {string} name
 * @param {Flow} flow
 * @param {boolean} replace
 * @returns {Promise<string>}
 */
export async function saveFlow(name, flow, replace) {
  const saved = await requestJson("PUT", pathOf(name), { flow, replace });
  return saved?.name ?? name;
}

/**
 * Give a saved flow another name. Return it as the server has it.
 * @param {string} name
 * @param {string} newName
 * @returns {Promise<string>}
 */
export async function renameFlow(name, newName) {
  const renamed = await requestJson("PATCH", pathOf(name), { name: newName });
  return renamed?.name ?? newName;
}

/** Delete a saved flow. @param {string} name */
export async function removeFlow(name) {
  await requestJson("DELETE", pathOf(name));
}

/**
 * Run a flow, and yield the items of its stream as they arrive.
 * @param {RunRequest} what
 * @returns {AsyncGenerator<RunItem>}
 */
export async function* runFlow(what) {
  yield* readItems(await request("POST", "/api/runs", what));
}

/** Return the flows that run on the server now. @returns {Promise<FlowRun[]>} */
export async function listRunning() {
  const { running } = await requestJson("GET", "/api/flow-runs");
  return running;
}

/**
 * Yield all items of a flow that runs on the server, from its first one.
 * @param {string} flowId
 * @returns {AsyncGenerator<RunItem>}
 */
export async function* followFlow(flowId) {
  yield* readItems(await request("GET", `/api/flow-runs/${encode(flowId)}/items`));
}

/**
 * Go on with a flow that was interrupted or has failed. With "unsure", a run that may have been
 * paid is run again.
 * @param {string} flowId
 * @param {"unsure"} [retry]
 * @returns {AsyncGenerator<RunItem>}
 */
export async function* resumeFlow(flowId, retry) {
  const path = `/api/flow-runs/${encode(flowId)}/resume`;
  yield* readItems(await request("POST", path, retry ? { retry } : {}));
}

/** Ask the server to stop a flow, a step's run or a table's job. @param {string} id */
export async function cancelRun(id) {
  await requestJson("POST", `/api/runs/${encode(id)}/cancel`, {});
}

/**
 * Return the price of a flow or of a part of it, and the kept outputs that it would use.
 * @param {RunRequest} what
 * @returns {Promise<{price: Price, kept: KeptStep[]}>}
 */
export async function loadPrice(what) {
  return requestJson("POST", "/api/price", what);
}

/**
 * Return a page of the history, the newest first.
 * @param {{search?: string, before?: string | null}} query
 * @returns {Promise<{entries: HistoryEntry[], next: string | null}>}
 */
export async function loadHistory({ search = "", before = null }) {
  const query = new URLSearchParams({ limit: "30" });
  if (search) query.set("search", search);
  if (before) query.set("before", before);
  return requestJson("GET", `/api/history?${query}`);
}

/** Return one old run. @param {string} id @returns {Promise<OldFlow | OldRun>} */
export async function loadOld(id) {
  return requestJson("GET", `/api/history/${encode(id)}`);
}

/** Remove a run and all that it brought from the history. @param {string} id */
export async function forgetOld(id) {
  await requestJson("DELETE", `/api/history/${encode(id)}`);
}

/**
 * Bring a table to the server. Return its id and its columns.
 * @param {File} file
 * @returns {Promise<{table: string, columns: string[]}>}
 */
export async function sendTable(file) {
  const response = await request("POST", `/api/tables?name=${encode(file.name)}`, file);
  return response.json();
}

/**
 * Return the plan of a table.
 * @param {string} table
 * @param {TableWork} work
 * @returns {Promise<TablePlan>}
 */
export async function planTable(table, work) {
  return requestJson("POST", `/api/tables/${encode(table)}/plan`, work);
}

/**
 * Run a table, and yield its items.
 * @param {string} table
 * @param {TableWork} work
 * @returns {AsyncGenerator<TableItem>}
 */
export async function* runTable(table, work) {
  yield* readItems(await request("POST", `/api/tables/${encode(table)}/run`, work));
}

/**
 * Yield all items of a table that runs on the server, from its first one.
 * @param {string} table
 * @returns {AsyncGenerator<TableItem>}
 */
export async function* followTable(table) {
  yield* readItems(await request("GET", `/api/tables/${encode(table)}/items`));
}

/** Return the output of a table, and the name of its file. @param {string} table */
export async function loadOutput(table) {
  const response = await request("GET", `/api/tables/${encode(table)}/output`);
  const disposition = response.headers.get("Content-Disposition") ?? "";
  const name = /filename="?([^";]+)/.exec(disposition)?.[1] ?? "output.csv";
  return { blob: await response.blob(), name };
}

/** @param {Response} response @returns {AsyncGenerator<any>} */
async function* readItems({ body }) {
  if (body) yield* readDocuments(body);
}
