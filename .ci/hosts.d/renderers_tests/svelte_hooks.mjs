/** Compiles Svelte's files as Node imports them: `node --import …`. A host's bundler does the same. */

import { readFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(`${process.env.PACKAGES}/package.json`);
const { compile, compileModule } = require("svelte/compiler");

function load(url, context, next) {
  const isComponent = url.endsWith(".svelte");
  if (!isComponent && !url.endsWith(".svelte.js")) return next(url, context);
  const filename = fileURLToPath(url);
  const options = { filename, generate: "client" };
  const { js } = (isComponent ? compile : compileModule)(readFileSync(filename, "utf8"), options);
  return { format: "module", source: js.code, shortCircuit: true };
}

/** Find a module whose import leaves its extension out. */
function resolve(specifier, context, next) {
  try {
    return next(specifier, context);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    return next(`${specifier}.js`, context);
  }
}

registerHooks({ load, resolve });
