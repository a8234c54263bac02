/** A first flow: a search, and an answer made from its first result. */

/** @import { Entry, Flow } from "./types.js" */

/** @type {Flow} */
export const EXAMPLE = {
  flow_version: 1,
  steps: [
    {
      id: "search",
      connector: "perplexity",
      action: "execute_search",
      version: 1,
      connection: null,
      input: { query: "How far away is the Moon?", max_results: 3 },
      bindings: {},
    },
    {
      id: "ask",
      connector: "perplexity",
      action: "create_chat_completion",
      version: 1,
      connection: null,
      input: { model: "sonar-pro", messages: [{ role: "user" }] },
      bindings: {
        "/messages/0/content": [
          "How far away is the Moon? One page, ",
          { step: "search", pointer: "/results/0/title" },
          ", says: ",
          { step: "search", pointer: "/results/0/snippet" },
        ],
      },
    },
  ],
};

/** Return whether all actions of the example are installed. @param {Entry[]} actions */
export function canRunExample(actions) {
  return EXAMPLE.steps.every((step) =>
    actions.some((entry) => entry.connector === step.connector && entry.action === step.action),
  );
}
