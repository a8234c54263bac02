/**
 * The form of n8n's MCP Client node for the tools that our MCP server lists, and the calls that it makes.
 *
 * n8n's own code makes the fields and converts the values. Its page is not run:
 * `sampleOf` and `written` do what n8n-editor-ui 2.41.0 does.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.PACKAGES}/package.json`);
const { version } = require("./nodes/package/package.json");
const {
  convertJsonSchemaToResourceMapperFields,
} = require("./nodes/package/dist/nodes/mcp/McpClient/utils.js");
const {
  validateValueAgainstSchema,
} = require("./core/package/dist/execution-engine/node-execution-context/utils/validate-value-against-schema.js");
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");

const MAPPER = { name: "parameters", type: "resourceMapper" };
const TYPE = {
  description: {
    properties: [{ ...MAPPER, typeOptions: { resourceMapper: { mode: "add" } } }],
  },
};
const KINDS = {
  integer: "number",
  number: "number",
  boolean: "boolean",
  array: "array",
  object: "object",
};
/**
 * The places in n8n's own samples that are refused. n8n makes a sample from `type`, `enum`, `minimum`, `maximum` and four
 * formats alone: it does not read `examples`, `default`, `pattern` or `maxLength`.
 */
const REFUSED_SAMPLES = {
  create_chat_completion: {
    messages: ["/messages/0/images/0"],
    search_domain_filter: ["/search_domain_filter"],
    web_search_options: ["/web_search_options/user_location/country"],
    fallback_models: ["/fallback_models/0"],
    response_format: ["/response_format/json_schema", "/response_format/type"],
  },
  execute_search: {
    search_domain_filter: ["/search_domain_filter"],
    search_language_filter: ["/search_language_filter/0"],
  },
};
/** What each form is given beside the field that is tried. */
const BASES = {
  create_chat_completion: {
    model: "perplexity/sonar",
    messages: [{ role: "user", content: "How far away is the Moon?" }],
  },
  execute_search: { query: "moon" },
};

function publishedSchema(action) {
  const file = new URL(`../../../schemas/${action}.v1.input.schema.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}

/** Return the field that n8n must draw for one property. */
function expectedField([name, { title, type, enum: choices }], required) {
  return {
    id: name,
    displayName: title,
    required: required.includes(name),
    type: choices ? "options" : (KINDS[type] ?? "string"),
    options: choices?.map((value) => ({ name: value, value })),
  };
}

function drawnField({ id, displayName, required, type, options }) {
  return { id, displayName, required, type, options };
}

/** Return the value that the browser puts into a new field. */
function sampleOf({ type, defaultValue }) {
  return defaultValue ?? (type === "boolean" ? false : null);
}

/** The node with its form, and the tool behind it. */
class Form {
  constructor(client, { name, inputSchema }) {
    this.client = client;
    this.name = name;
    this.fields = convertJsonSchemaToResourceMapperFields(inputSchema);
  }

  /** Return values as the browser holds them: a list or an object is a text of JSON. */
  written(values) {
    const isJson = (name) => /^(array|object)$/.test(this.fieldOf(name).type);
    const texts = Object.entries(values).map(([name, value]) => [
      name,
      isJson(name) ? JSON.stringify(value, null, 2) : value,
    ]);
    return Object.fromEntries(texts);
  }

  fieldOf(name) {
    return this.fields.find(({ id }) => id === name);
  }

  /** Return the arguments that n8n sends. It throws for a value of the wrong kind; null is not sent. */
  argumentsOf(values) {
    const given = Object.entries(values).filter(([, value]) => value !== null);
    const value = Object.fromEntries(given);
    const parameters = { mappingMode: "defineBelow", value, schema: this.fields };
    const node = { name: "MCP Client", parameters: { parameters } };
    return validateValueAgainstSchema(node, TYPE, { ...value }, "parameters.value", 0, 0);
  }

  /** Call the tool. Return the places that are refused, sorted; an answer has none. */
  async refusals(input) {
    const result = await this.client.callTool({ name: this.name, arguments: input });
    if (!result.isError) return [];
    const text = result.content.map((part) => part.text).join("\n");
    const places = [...text.matchAll(/^(\/\S+): /gm)].map(([, place]) => place);
    assert(places.length > 0, text);
    return places.sort();
  }
}

async function fullAndMinimalInputs(form, { examples }) {
  for (const example of examples) {
    const input = form.argumentsOf(form.written(example));
    assert.deepEqual(input, example);
    assert.deepEqual(await form.refusals(input), []);
  }
}

async function samples(form, base, expected) {
  const refused = {};
  for (const field of form.fields) {
    const values = { ...form.written(base), [field.id]: sampleOf(field) };
    if (values[field.id] === null) continue;
    const places = await form.refusals(form.argumentsOf(values));
    if (places.length > 0) refused[field.id] = places;
  }
  assert.deepEqual(refused, expected);
  return Object.keys(refused);
}

/** A required list has a sample; the author writes into it, and removes the part that is not an image. */
async function correctedSample(form) {
  const messages = JSON.parse(sampleOf(form.fieldOf("messages")));
  assert.deepEqual(messages, [{ role: "user", content: "string", images: ["string"] }]);
  for (const images of [undefined, []]) {
    const corrected = [{ ...messages[0], images, content: "How far away is the Moon?" }];
    const input = form.argumentsOf(form.written({ model: "sonar", messages: corrected }));
    assert.deepEqual(await form.refusals(input), []);
  }
}

async function blanks(form, base) {
  for (const { id, type, required } of form.fields) {
    const blank = { array: [], object: {}, string: null, number: null, options: null }[type];
    if (required || blank === undefined) continue;
    const input = form.argumentsOf(form.written({ ...base, [id]: blank }));
    assert.deepEqual(await form.refusals(input), [], id);
  }
}

/** n8n itself refuses a value of the wrong kind. */
function wrongKinds(form, base) {
  const wrong = { number: "many", options: "sometimes", boolean: "perhaps", array: "{", object: "[" };
  for (const { id, type } of form.fields) {
    if (!wrong[type]) continue;
    const values = { ...form.written(base), [id]: wrong[type] };
    assert.throws(() => form.argumentsOf(values), { name: "ExpressionError" }, id);
  }
}

async function tryTool(client, tool) {
  const action = tool.name.replace("perplexity-", "");
  const [schema, base, form] = [publishedSchema(action), BASES[action], new Form(client, tool)];
  const properties = Object.entries(schema.properties);
  const expected = properties.map((property) => expectedField(property, schema.required));
  assert.deepEqual(form.fields.map(drawnField), expected);
  await fullAndMinimalInputs(form, schema);
  const refused = await samples(form, base, REFUSED_SAMPLES[action]);
  if (form.fieldOf("messages")) await correctedSample(form);
  await blanks(form, base);
  wrongKinds(form, base);
  process.stdout.write(
    `n8n-nodes-langchain ${version}: ${action}: ${form.fields.length} fields of the right kind, ` +
      `${schema.examples.length} examples answered; samples to correct: ${refused.join(", ")}\n`,
  );
}

const client = new Client({ name: "n8n form", version: "1" });
const command = process.env.OUR_COMMAND;
const server = { command, args: ["mcp", "--sandbox"], stderr: "ignore" };
await client.connect(new StdioClientTransport(server));
const { tools } = await client.listTools();
assert.equal(tools.length, 2);
for (const tool of tools) await tryTool(client, tool);
await client.close();
