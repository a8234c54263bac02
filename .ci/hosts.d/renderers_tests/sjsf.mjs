/** sjsf with its basic theme, and Ajv of the dialect 2020-12. Needs svelte_hooks.mjs. */

import { load, require, versionOf } from "./page.mjs";
import { judge } from "./judging.mjs";

const svelte = await load("svelte");
const { BasicForm, createForm, getValueSnapshot } = await load("@sjsf/form");
const { resolver } = await load("@sjsf/form/resolvers/compat.js");
await load("@sjsf/form/fields/extra-fields/enum-include.js");
await load("@sjsf/form/fields/extra-fields/multi-enum-include.js");
const { translation } = await load("@sjsf/form/translations/en");
const { createFormMerger: merger } = await load("@sjsf/form/mergers/modern");
const { createFormIdBuilder: idBuilder } = await load("@sjsf/form/id-builders/modern");
const { theme } = await load("@sjsf/basic-theme");
const { addFormComponents, createFormValidator } = await load("@sjsf/ajv8-validator");
const { default: Ajv } = require("ajv/dist/2020.js");
const { default: addFormats } = require("ajv-formats");

const ajvPlugins = (ajv) => addFormComponents(addFormats(ajv));
const validator = (options) => createFormValidator({ ...options, Ajv, ajvPlugins });
const parts = { theme, resolver, translation, merger, idBuilder, validator };

/** A list or an object has no id of its own; its title has one. */
function find(path) {
  const id = ["root", ...path].join("_");
  const title = document.getElementById(`${id}__title`);
  return document.getElementById(id) ?? title?.closest("[data-layout$=-field]");
}

function mount(target, schema, initialValue) {
  const form = createForm({ ...parts, schema, initialValue });
  const drawn = svelte.mount(BasicForm, { target, props: { form } });
  svelte.flushSync();
  return {
    value: () => getValueSnapshot(form),
    errors: () => validator({}).validateFormValue(schema, getValueSnapshot(form)).errors ?? [],
    widget: find,
    close: () => svelte.unmount(drawn),
  };
}

await judge(`sjsf ${versionOf("@sjsf/form")}`, mount);
