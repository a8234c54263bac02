/**
 * Writes `<schema-form>` with its styles into one file, which any page can use. With an argument,
 * into that file: a test compares it with ours.
 */

import { readFile } from "node:fs/promises";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const WORKBENCH = new URL("../../../perplexity_connector/workbench/", import.meta.url);
const STATIC = new URL("static/", WORKBENCH);
const BANNER =
  "/* <schema-form> of perplexity-connector (Apache-2.0), made from its sources by " +
  "`npm run bundle`: docs/schema-form.md. */";

const styles = await readFile(new URL("form.css", STATIC), "utf8");
// Only the comments and spaces go.
const { code } = await transform(styles, { loader: "css", minifyWhitespace: true });
await build({
  absWorkingDir: fileURLToPath(STATIC),
  entryPoints: ["schema-form.js"],
  outfile: argv[2] ?? fileURLToPath(new URL("bundle/schema-form.js", WORKBENCH)),
  bundle: true,
  format: "esm",
  target: "es2024",
  charset: "utf8",
  define: { FORM_CSS: JSON.stringify(code) },
  banner: { js: BANNER },
});
