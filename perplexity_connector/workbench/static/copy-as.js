/** A step or a flow as text to use elsewhere: a command line, Python, JSON. */

import { get, set } from "./form/pointer.js";

/** @param {string} text @returns {string} one word of a POSIX shell */
export function quoted(text) {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** JSON as a Python literal. @param {unknown} value @param {number} [depth] @returns {string} */
export function pythonLiteral(value, depth = 0) {
  const gap = "\n" + "    ".repeat(depth + 1);
  const end = "\n" + "    ".repeat(depth);
  const each = (inner) => pythonLiteral(inner, depth + 1);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[${value.map((item) => gap + each(item)).join(",")},${end}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, inner]) => `${gap}${JSON.stringify(name)}: ${each(inner)}`);
  return entries.length === 0 ? "{}" : `{${entries.join(",")},${end}}`;
}

/**
 * A step's input with its bindings filled from what earlier steps gave, as the host fills them.
 * @param {object} step @param {Record<string, object|null>} outputs by step id @returns {object}
 */
export function filledInput(step, outputs) {
  const asText = (value) => (typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value));
  const valueOf = (part) => (typeof part === "string" ? part : get(outputs[part.step] ?? undefined, part.pointer));
  return Object.entries(step.bindings ?? {}).reduce((input, [place, parts]) => {
    const isLone = parts.length === 1 && typeof parts[0] !== "string";
    return set(input, place, isLone ? valueOf(parts[0]) : parts.map(valueOf).map(asText).join(""));
  }, step.input);
}

/** The ways to copy one step, with the input that it had. @param {object} step @param {object} input @param {boolean} sandbox */
export function stepTexts(step, input, sandbox) {
  const target = sandbox ? ["--sandbox"] : step.connection ? ["--connection", quoted(step.connection)] : [];
  const words = ["perplexity-connector", "run", quoted(`${step.connector}.${step.action}`), "--input", quoted(JSON.stringify(input)), ...target];
  const connection = step.connection && !sandbox ? `, connection=${JSON.stringify(step.connection)}` : "";
  const call = `await host.run("${step.connector}", "${step.action}", INPUT, version=${step.version}${connection})`;
  return {
    "Command line": words.join(" "),
    Python: python("INPUT", input, `envelope = ${call}`, sandbox),
    "JSON step": JSON.stringify({ ...step, input, bindings: {} }, null, 2),
  };
}

/** The ways to copy a flow. @param {object} flow @param {boolean} sandbox */
export function flowTexts(flow, sandbox) {
  const text = JSON.stringify(flow, null, 2);
  return {
    "Command line": `printf %s ${quoted(text)} | perplexity-connector run-flow -${sandbox ? " --sandbox" : ""}`,
    Python: python("FLOW", flow, 'envelope = (await host.run_flow(FLOW))["steps"][-1]["envelope"]', sandbox),
    JSON: text,
  };
}

function python(name, value, call, sandbox) {
  return `${sandbox ? "# Not on the sandbox: this asks the real service, with the key of the environment.\n" : ""}import asyncio

from perplexity_connector.host import Host

${name} = ${pythonLiteral(value)}


async def main() -> None:
    async with Host() as host:
        ${call}
    print(envelope["status"], envelope["output"] or envelope["error"])


asyncio.run(main())
`;
}
