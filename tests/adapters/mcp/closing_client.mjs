/**
 * A client that closes its connection at once, as n8n does at Stop and when its time is over: it neither cancels
 * nor ends its session. It calls a tool, and closes at the first piece of the answer.
 *
 *     node closing_client.mjs URL TOOL ARGUMENTS
 */

import { createRequire } from "node:module";

// The tests have one folder of npm packages.
const require = createRequire(new URL("../../workbench/page/package.json", import.meta.url));
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const {
  StreamableHTTPClientTransport,
} = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const [url, name, input] = process.argv.slice(2);
const client = new Client({ name: "closing-client", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
// Only the connection is closed: the process goes on until stdin ends.
process.stdin.resume();
await client
  .callTool({ name, arguments: JSON.parse(input) }, undefined, { onprogress: () => client.close() })
  .then(() => process.stdout.write("answered\n"))
  .catch(() => process.stdout.write("closed\n"));
