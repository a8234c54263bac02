/** The MCP SDK for TypeScript, which n8n and many others use, with nulls for all optional fields. */

import { createRequire } from "node:module";
import { accept, CHAT, CHAT_INPUT, SEARCH, SEARCH_INPUT, URL_OF_SERVER } from "./checking.mjs";

const require = createRequire(`${process.env.PACKAGES}/package.json`);
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const {
  StreamableHTTPClientTransport,
} = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const client = new Client({ name: "checker", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(URL_OF_SERVER)));
const { tools } = await client.listTools();
const names = tools.map((tool) => tool.name);
const chat = await client.callTool({ name: CHAT, arguments: CHAT_INPUT });
const search = await client.callTool({ name: SEARCH, arguments: SEARCH_INPUT });
await client.close();
accept("@modelcontextprotocol/sdk", process.env.VERSION, names, chat, search);
