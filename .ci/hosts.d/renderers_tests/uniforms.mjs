/** uniforms with its unstyled theme, and Ajv of the dialect 2020-12. */

import { require, versionOf } from "./page.mjs";
import { judge } from "./judging.mjs";

const React = require("react");
const { flushSync } = require("react-dom");
const { createRoot } = require("react-dom/client");
const { JSONSchemaBridge } = require("uniforms-bridge-json-schema");
const { AutoForm } = require("uniforms-unstyled");
const { default: Ajv } = require("ajv/dist/2020.js");
const { default: addFormats } = require("ajv-formats");

/** The id of a field is its path, as a host may set it. */
class Bridge extends JSONSchemaBridge {
  getProps(name) {
    return { ...super.getProps(name), id: name };
  }
}

function mount(element, schema, model) {
  const check = addFormats(new Ajv({ allErrors: true })).compile(schema);
  const validator = (value) => (check(value) ? null : { details: check.errors });
  const root = createRoot(element);
  const ref = React.createRef();
  const properties = { schema: new Bridge({ schema, validator }), model, ref };
  flushSync(() => root.render(React.createElement(AutoForm, properties)));
  return {
    value: () => ref.current.getModel("submit"),
    errors: () => validator(ref.current.getModel("submit"))?.details ?? [],
    widget: (path) => document.getElementById(path.join(".")),
    close: () => root.unmount(),
  };
}

await judge(`uniforms ${versionOf("uniforms")}`, mount, {
  cannot: { "/response_format/json_schema/schema": "an object of any shape" },
  leavesBlanks: true,
  warns: {
    "of its own defaultProps": /defaultProps will be removed/,
    "that it puts keywords of the schema on elements": /does not recognize the `%s` prop/,
  },
});
