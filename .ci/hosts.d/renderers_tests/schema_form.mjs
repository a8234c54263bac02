/** Our own `<schema-form>`, as the page of the workbench loads it. */

import { readFileSync } from "node:fs";
import "./page.mjs";
import { judge } from "./judging.mjs";

const root = new URL("../../../", import.meta.url);
await import(new URL("perplexity_connector/workbench/static/schema-form.js", root));
const manifest = readFileSync(new URL("connector.yaml", root), "utf8");
const [, version] = manifest.match(/^version: (\S+)$/m);

async function mount(element, schema, value) {
  const form = document.createElement("schema-form");
  Object.assign(form, { schema, value });
  element.append(form);
  await null;
  return {
    value: () => form.value,
    errors: () => form.errors,
    widget: (path) => form.querySelector(`[data-pointer="/${path.join("/")}"]`),
  };
}

await judge(`schema-form ${version}`, mount);
