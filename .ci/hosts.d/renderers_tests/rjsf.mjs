/** RJSF, with the core theme, and Ajv of the dialect 2020-12. */

import { require, versionOf } from "./page.mjs";
import { judge } from "./judging.mjs";

const React = require("react");
const { flushSync } = require("react-dom");
const { createRoot } = require("react-dom/client");
const { default: Form } = require("@rjsf/core");
const { customizeValidator } = require("@rjsf/validator-ajv8");
const { default: AjvClass } = require("ajv/dist/2020.js");

const validator = customizeValidator({ AjvClass });

function mount(element, schema, formData) {
  const root = createRoot(element);
  const ref = React.createRef();
  flushSync(() => root.render(React.createElement(Form, { schema, validator, formData, ref })));
  return {
    value: () => ref.current.state.formData,
    errors: () => validator.validateFormData(ref.current.state.formData, schema).errors,
    widget: (path) => document.getElementById(["root", ...path].join("_")),
    close: () => root.unmount(),
  };
}

await judge(`RJSF ${versionOf("@rjsf/core")}`, mount);
