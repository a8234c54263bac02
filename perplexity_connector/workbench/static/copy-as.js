/** Writes a step or a flow as text to use elsewhere: a command line, Python or JSON. */

/** @import { Flow, Json, Part, Reference, SavedStep } from "./types.js" */

import { set } from "./form/pointer.js";
import { placeOf, takeValue, toText } from "./form/taking.js";
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
function toPython(value, depth = 0) {
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
 * Where the values of bindings come from: the outputs of the steps by their ids, the flow's inputs,
 * and the item of a repeated step.
 * @typedef {{outputs: Record<string, Json>, inputs?: Json, item?: Json}} Values
 */

/**
 * Return a step's input with the values of its bindings, as the host does it.
 * @param {SavedStep} step
 * @param {Values} values
 */
export function applyBindings(step, values) {
  const valueOf = (/** @type {Part} */ part) =>
    typeof part === "string" ? part : takeValue(part, documentOf(part, values));
  /** @type {Json | undefined} */
  let input = step.input;
  for (const [pointer, parts] of Object.entries(step.bindings)) {
    const taken = parts.map(valueOf);
    const isLone = parts.length === 1 && typeof parts[0] !== "string";
    input = set(input, pointer, isLone ? taken[0] : taken.map(toText).join(""));
  }
  return input;
}

/** @param {Reference} reference @param {Values} values */
function documentOf(reference, { outputs, inputs, item }) {
  const { kind, step } = placeOf(reference);
  if (kind === "input") return inputs;
  return kind === "item" ? item : (outputs[step] ?? undefined);
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
    "JSON step": writeJson({ ...step, input, bindings: {}, each: undefined }, 2),
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
