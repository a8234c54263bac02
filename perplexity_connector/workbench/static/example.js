/** A flow to begin with: a search, and an answer made of what it found. Offered where its actions are installed. */

export const EXAMPLE = {
  flow_version: 1,
  steps: [
    {
      id: "search", connector: "perplexity", action: "execute_search", version: 1, connection: null,
      input: { query: "How far away is the Moon?", max_results: 3 }, bindings: {},
    },
    {
      id: "ask", connector: "perplexity", action: "create_chat_completion", version: 1, connection: null,
      input: { model: "sonar-pro", messages: [{ role: "user" }] },
      bindings: {
        "/messages/0/content": [
          "How far away is the Moon? One page, ", { step: "search", pointer: "/results/0/title" }, ", says: ", { step: "search", pointer: "/results/0/snippet" },
        ],
      },
    },
  ],
};

/** @param {{connector: string, action: string}[]} actions @returns {boolean} whether the example can run here */
export function fits(actions) {
  return EXAMPLE.steps.every((step) => actions.some((entry) => entry.connector === step.connector && entry.action === step.action));
}
