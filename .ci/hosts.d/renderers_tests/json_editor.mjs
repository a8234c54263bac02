/** json-editor with its default options, which leave a blank text behind. */

import { require, versionOf } from "./page.mjs";
import { judge } from "./judging.mjs";

const { JSONEditor } = require("@json-editor/json-editor");

async function mount(element, schema, startval) {
  const start = startval && { startval };
  const editor = new JSONEditor(element, { schema, ...start });
  await editor.promise;
  return {
    value: () => editor.getValue(),
    errors: () => editor.validate(),
    widget: (path) => document.querySelector(`[data-schemapath="${["root", ...path].join(".")}"]`),
    close: () => editor.destroy(),
  };
}

await judge(`json-editor ${versionOf("@json-editor/json-editor")}`, mount);
