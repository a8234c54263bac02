/** Writes a step or a flow as text to use elsewhere: a command line, Python or JSON. */

/** @import { Flow, Json, JsonObject, Part, SavedStep } from "./types.js" */

import { get, set } from "./form/pointer.js";
import { writeJson } from "./text.js";

/** Quote a text as one word of a POSIX shell. @param {string} text */
export function quote(text) {
  if (/^[A-Za-z0-9_./:=@%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Write JSON as a Python literal.
 * @param {unknown} value
 * @param {number} [depth]
 * @returns {string}
 */
export function toPython(value, depth = 0) {
  const write = (/** @type {unknown} */ inner) => toPython(inner, depth + 1);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return indent("[", value.map(write), "]", depth);
  if (typeof value !== "object") return writeJson(value);
  const entries = Object.entries(value);
  const lines = entries.map(([name, inner]) => `${writeJson(name)}: ${write(inner)}`);
  return indent("{", lines, "}", depth);
}

/** @param {string} open @param {string[]} lines @param {string} close @param {number} depth */
function indent(open, lines, close, depth) {
  if (lines.length === 0) return open + close;
  const margin = "    ".repeat(depth);
  const inside = lines.map((line) => `${margin}    ${line},\n`).join("");
  return `${open}\n${inside}${margin}${close}`;
}

/**
 * Return a step's input with its bindings replaced by the outputs of earlier steps, as the host
 * does it.
 * @param {SavedStep} step
 * @param {Record<string, JsonObject | null>} outputs by step id
 */
export function applyBindings(step, outputs) {
  const valueOf = (/** @type {Part} */ part) =>
    typeof part === "string" ? part : get(outputs[part.step] ?? undefined, part.pointer);
  /** @type {Json | undefined} */
  let input = step.input;
  for (const [pointer, parts] of Object.entries(step.bindings)) {
    const values = parts.map(valueOf);
    const isLone = parts.length === 1 && typeof parts[0] !== "string";
    input = set(input, pointer, isLone ? values[0] : values.map(toText).join(""));
  }
  return input;
}

/** @param {Json | undefined} value */
function toText(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Return the texts of one step by their names, with the input that it ran with.
 * @param {SavedStep} step
 * @param {Json | undefined} input
 * @param {boolean} sandbox
 */
export function writeStep(step, input, sandbox) {
  const { connector, action, version } = step;
  const connection = sandbox ? null : step.connection;
  const words = [
    "perplexity-connector run",
    quote(`${connector}.${action}`),
    "--input",
    quote(writeJson(input)),
  ];
  if (sandbox) words.push("--sandbox");
  if (connection) words.push("--connection", quote(connection));
  const named = connection ? `, connection=${writeJson(connection)}` : "";
  const call = `host.run("${connector}", "${action}", INPUT, version=${version}${named})`;
  return {
    "Command line": words.join(" "),
    Python: writePython("INPUT", input, `envelope = await ${call}`, sandbox),
    "JSON step": writeJson({ ...step, input, bindings: {} }, 2),
  };
}

/**
 * Return the texts of a flow by their names.
 * @param {Flow} flow
 * @param {boolean} sandbox
 */
export function writeFlow(flow, sandbox) {
  const text = writeJson(flow, 2);
  const command = `perplexity-connector run-flow -${sandbox ? " --sandbox" : ""}`;
  const call = 'envelope = (await host.run_flow(FLOW))["steps"][-1]["envelope"]';
  return {
    "Command line": `printf %s ${quote(text)} | ${command}`,
    Python: writePython("FLOW", flow, call, sandbox),
    JSON: text,
  };
}

const SANDBOX_NOTE =
  "# Not on the sandbox: this asks the real service, with the key of the environment.\n";

/** @param {string} name @param {unknown} value @param {string} call @param {boolean} sandbox */
function writePython(name, value, call, sandbox) {
  return `${sandbox ? SANDBOX_NOTE : ""}import asyncio

from perplexity_connector.host import Host

${name} = ${toPython(value)}


async def main() -> None:
    async with Host() as host:
        ${call}
    print(envelope["status"], envelope["output"] or envelope["error"])


asyncio.run(main())
`;
}
