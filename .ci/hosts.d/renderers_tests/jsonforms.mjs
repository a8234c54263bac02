/** JSON Forms for React with its Material renderers, a layout of its own making, and Ajv of the dialect 2020-12. */

import { require, versionOf } from "./page.mjs";
import { judge } from "./judging.mjs";

const React = require("react");
const { flushSync } = require("react-dom");
const { createRoot } = require("react-dom/client");
const { composePaths, Generate, toDataPath } = require("@jsonforms/core");
const { JsonForms } = require("@jsonforms/react");
const { materialCells, materialRenderers } = require("@jsonforms/material-renderers");
const { default: Ajv } = require("ajv/dist/2020.js");
const { default: addFormats } = require("ajv-formats");

/** Put a mark with its path around each control: its own ids do not have the path. */
function marked(Drawn, pathOf) {
  return function Marked(properties) {
    const drawn = React.createElement(Drawn, properties);
    return React.createElement("div", { "data-path": pathOf(properties) }, drawn);
  };
}

const renderers = materialRenderers.map(({ tester, renderer }) => ({
  tester,
  renderer: marked(renderer, ({ path, uischema: { scope } }) =>
    scope ? composePaths(path, toDataPath(scope)) : undefined,
  ),
}));
const cells = materialCells.map(({ tester, cell }) => {
  return { tester, cell: marked(cell, ({ path }) => path) };
});
const ajv = addFormats(new Ajv({ allErrors: true, verbose: true, strict: false }));

function mount(element, schema, data) {
  const root = createRoot(element);
  let state;
  const onChange = (changed) => (state = changed);
  const uischema = Generate.uiSchema(schema);
  const properties = { schema, uischema, data, renderers, cells, ajv, onChange };
  flushSync(() => root.render(React.createElement(JsonForms, properties)));
  return {
    value: () => state?.data,
    errors: () => state?.errors ?? ["no answer"],
    widget: (path) => document.querySelector(`[data-path="${path.join(".")}"]`),
    close: () => root.unmount(),
  };
}

await judge(`JSON Forms ${versionOf("@jsonforms/core")}`, mount, {
  cannot: { "/response_format/json_schema/schema": "an object of any shape" },
  // It draws a list inside a list as panels, whose heads are buttons with buttons in them.
  warns: { "of buttons inside buttons": /cannot be a descendant of .*button|nested .*button/s },
});
