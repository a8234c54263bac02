/** What every JavaScript client of this folder calls, and how its answers are judged. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const [CHAT, SEARCH] = ["perplexity-create_chat_completion", "perplexity-execute_search"];
export const URL_OF_SERVER = process.argv[2];
const MESSAGES = [{ role: "user", content: "How far away is the Moon?" }];

/** The arguments, with null for every other field of the action, as some frameworks send them. */
function withNulls(input, action) {
  const file = new URL(`../../../schemas/${action}.v1.input.schema.json`, import.meta.url);
  const names = Object.keys(JSON.parse(readFileSync(file, "utf8")).properties);
  return { ...Object.fromEntries(names.map((name) => [name, null])), ...input };
}

export const CHAT_INPUT = withNulls(
  { model: "sonar", messages: MESSAGES },
  "create_chat_completion",
);
export const SEARCH_INPUT = withNulls({ query: "moon", max_results: 2 }, "execute_search");

/** Print the version and the result; fail if a tool is missing or an answer is not ours. */
export function accept(client, version, names, chat, search) {
  assert(names.includes(CHAT) && names.includes(SEARCH), `${names}`);
  assert(JSON.stringify(chat).includes("384,400 km"), JSON.stringify(chat));
  assert(JSON.stringify(search).includes("https://moon.example"), JSON.stringify(search));
  process.stdout.write(
    `${client} ${version}: listed ${names.length} tools; chat and search answered\n`,
  );
}
