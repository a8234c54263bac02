/** The workbench's server, as functions. Every failure is an `ApiError` that holds the error as data. */

/** @typedef {{code: string, message: string, user_message: string, fields: {pointer: string, code: string, message: string}[]}} ErrorData */

export class ApiError extends Error {
  /** @param {ErrorData} data */
  constructor(data) {
    super(data.user_message || data.message);
    this.data = data;
  }
}

const GONE = {
  code: "unavailable", message: "The workbench does not answer.", fields: [],
  user_message: "The workbench does not answer. Look whether it is still running where you started it.",
};

async function request(method, path, body, signal) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) }).catch((problem) => {
    throw problem.name === "AbortError" ? problem : new ApiError(GONE);
  });
  if (answer.ok) return answer;
  const document = await answer.json().catch(() => ({}));
  throw new ApiError(document.error ?? { ...GONE, code: "internal", user_message: `The workbench answered ${answer.status}.` });
}

async function json(method, path, body) {
  const answer = await request(method, path, body);
  return answer.status === 204 ? null : answer.json();
}

const part = encodeURIComponent;

export const catalogue = () => json("GET", "/api/catalogue");

/** @param {string} connector @param {string} action @param {number|null} [version] */
export const describe = (connector, action, version) =>
  json("GET", `/api/actions/${part(connector)}/${part(action)}${version ? `?version=${version}` : ""}`);

/** @param {object} flow @returns {Promise<{step: string|null, pointer: string, code: string, message: string}[]>} */
export const validate = async (flow) => (await json("POST", "/api/validate", { flow })).errors;

/** @param {string} connector @param {string} source @param {string} search @param {string|null} connection */
export const options = async (connector, source, search, connection) => {
  const asked = new URLSearchParams({ search, ...(connection ? { connection } : {}) });
  return (await json("GET", `/api/options/${part(connector)}/${part(source)}?${asked}`)).options;
};

export const connections = async () => (await json("GET", "/api/connections")).connections;
export const connect = (connector, fields, test) => json("POST", "/api/connections", { connector, fields, test });
export const testConnection = async (connector, connection) => (await json("POST", "/api/connections/test", { connector, connection })).status;
export const renameConnection = (name, newName) => json("PATCH", `/api/connections?name=${part(name)}`, { connection_name: newName });
export const removeConnection = (name) => json("DELETE", `/api/connections?name=${part(name)}`);
export const cancelRun = async (runId) => (await json("POST", `/api/runs/${part(runId)}/cancel`, {})).cancelled;

/** The items of a running flow, as they come. @param {object} flow @param {AbortSignal} [signal] */
export async function* run(flow, signal) {
  const answer = await request("POST", "/api/runs", { flow }, signal);
  yield* documents(answer.body);
}

/**
 * The JSON documents of a stream, one a line, however the bytes were cut.
 * @param {ReadableStream<Uint8Array>} body
 */
export async function* documents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const lines = (rest + decoder.decode(piece.value, { stream: true })).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
    }
    rest += decoder.decode();
    if (rest.trim() !== "") yield JSON.parse(rest);
  } catch (problem) {
    throw problem.name === "AbortError" ? problem : new ApiError(GONE);
  } finally {
    reader.cancel().catch(() => {});
  }
}
