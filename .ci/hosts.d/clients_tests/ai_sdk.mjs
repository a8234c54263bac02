/** The AI SDK's MCP client: each action as a tool with our schema, with nulls for all optional fields. */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { accept, CHAT, CHAT_INPUT, SEARCH, SEARCH_INPUT, URL_OF_SERVER } from "./checking.mjs";

const require = createRequire(`${process.env.PACKAGES}/package.json`);
const { createMCPClient } = await import(pathToFileURL(require.resolve("@ai-sdk/mcp")));

const client = await createMCPClient({ transport: { type: "http", url: URL_OF_SERVER } });
const tools = await client.tools();
const options = { toolCallId: "call_1", messages: [] };
const chat = await tools[CHAT].execute(CHAT_INPUT, options);
const search = await tools[SEARCH].execute(SEARCH_INPUT, options);
await client.close();
accept("@ai-sdk/mcp", process.env.VERSION, Object.keys(tools), chat, search);
