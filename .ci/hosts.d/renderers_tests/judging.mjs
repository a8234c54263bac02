/** Gives both input schemas and their examples to one renderer, and counts its problems. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { errors, place, write } from "./page.mjs";

const ACTIONS = ["create_chat_completion", "execute_search"];
const CONTROL = "input, select, textarea, button, [contenteditable], [role=textbox], [role=button]";
const WAIT = 1500;
// Some renderers put blanks into a new form a moment later. A person is slower than that.
const SETTLE = 50;
const plain = (value) => JSON.parse(JSON.stringify(value ?? null));
const pointerOf = (path) => `/${path.join("/")}`;
// A field of items is one field: a renderer may show it only in the items that have it.
const patternOf = (path) => pointerOf(path.map((part) => (/^\d+$/.test(part) ? "*" : part)));
const at = (value, path) => path.reduce((inner, name) => inner?.[name], value);

/** The fields of a form that shows a value: every property, and those of every item. */
function* fieldsOf({ properties = {}, required = [] }, value, path = []) {
  for (const [name, property] of Object.entries(properties)) {
    const here = [...path, name];
    const inner = value?.[name];
    if (property.items?.properties) {
      for (const [index, item] of Object.entries(inner ?? [])) {
        yield* fieldsOf(property.items, item, [...here, index]);
      }
    } else if (property.properties) {
      yield* fieldsOf(property, inner, here);
    } else {
      const isOptionalText = isText(property) && !required.includes(name);
      yield { path: here, isClearable: isOptionalText && inner !== undefined };
    }
  }
}

function isText({ type, enum: choices }) {
  return type === "string" && !choices;
}

/** A small example may come out with the schema's own defaults and with blanks beside it. */
function filledIn({ properties }, value) {
  const filled = { ...value };
  for (const [name, property] of Object.entries(properties)) filled[name] ??= property.default;
  return withoutBlanks(plain(filled));
}

function withoutBlanks(value) {
  if (Array.isArray(value)) return value.map(withoutBlanks);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, withoutBlanks(inner)]);
  return Object.fromEntries(entries.filter(([, inner]) => !isBlank(inner)));
}

function isBlank(value) {
  if (typeof value !== "object") return value === "";
  return value === null || Object.keys(value).length === 0;
}

/** Wait for a renderer that reports later; the last answer counts. */
async function until(holds) {
  for (const end = Date.now() + WAIT; !holds() && Date.now() < end;) {
    await setTimeout(10);
  }
}

function withoutField(value, path) {
  const copy = plain(value);
  delete at(copy, path.slice(0, -1))[path.at(-1)];
  return copy;
}

/** Return what our own check finds in each of `[[action, input], …]`. */
function checkAll(inputs) {
  const script = new URL("check_inputs.py", import.meta.url).pathname;
  const output = execFileSync(process.env.OUR_PYTHON, [script], { input: JSON.stringify(inputs) });
  return JSON.parse(output);
}

/**
 * Judges one renderer. `cannot` names each field that it is known not to draw, with the reason;
 * `warns` describes each warning that it is known to log with any schema. `leavesBlanks`: it is
 * known to put a blank where an optional list or object is not given.
 */
class Judge {
  problems = [];
  limits = new Set();
  cleared = 0;
  /** The values that came out, and an input that our check must find equal to each. */
  taken = [];

  constructor(mount, { cannot = {}, warns = {}, leavesBlanks = false }) {
    this.mount = mount;
    this.cannot = cannot;
    this.warns = Object.entries(warns);
    this.shape = leavesBlanks ? withoutBlanks : (value) => value;
    if (leavesBlanks) this.limits.add("leaves blanks");
  }

  async judge(action) {
    const file = new URL(`../../../schemas/${action}.v1.input.schema.json`, import.meta.url);
    const schema = JSON.parse(readFileSync(file, "utf8"));
    const widgets = await this.findInEmptyForm(action, schema);
    for (const example of schema.examples) {
      await this.showExample(action, schema, example, widgets);
      for (const field of fieldsOf(schema, example)) {
        if (field.isClearable) await this.clearField(action, schema, example, field.path);
      }
    }
    this.nameMissing(action, fieldsOf(schema, schema.examples.at(-1)), widgets);
  }

  async showExample(action, schema, example, widgets) {
    const where = `${action}, example ${schema.examples.indexOf(example) + 1}`;
    const form = await this.open(where, schema, example);
    if (!form) return;
    const isFull = example === schema.examples.at(-1);
    const shape = isFull ? this.shape : (value) => filledIn(schema, value);
    await setTimeout(SETTLE);
    await until(() => isDeepStrictEqual(shape(plain(form.value())), shape(example)));
    const value = plain(form.value());
    if (!isDeepStrictEqual(shape(value), shape(example))) {
      this.problems.push(`${where}: came out as ${JSON.stringify(value)}`);
    }
    this.taken.push({ action, where, value, expected: example });
    const found = plain(await form.errors());
    if (found.length > 0) this.problems.push(`${where}: not valid: ${JSON.stringify(found)}`);
    this.findWidgets(form, fieldsOf(schema, example), widgets);
    this.close(where, form);
  }

  /** Some renderers draw every optional field only while the form is empty. */
  async findInEmptyForm(action, schema) {
    const widgets = new Set();
    const where = `${action}, empty`;
    const form = await this.open(where, schema, undefined);
    if (form) {
      this.findWidgets(form, fieldsOf(schema, {}), widgets);
      this.close(where, form);
    }
    return widgets;
  }

  findWidgets(form, fields, widgets) {
    for (const { path } of fields) {
      const element = form.widget(path);
      const isControl = element?.matches(CONTROL) || element?.querySelector(CONTROL);
      if (isControl) widgets.add(patternOf(path));
    }
  }

  nameMissing(action, fields, widgets) {
    for (const { path } of fields) {
      const pointer = patternOf(path);
      const reason = this.cannot[pointer];
      const has = widgets.has(pointer);
      if (!has && reason) this.limits.add(`cannot draw ${pointer}, ${reason}`);
      else if (!has) this.problems.push(`${action}: ${pointer} has no widget`);
      else if (reason) this.problems.push(`${action}: ${pointer} has a widget after all`);
    }
  }

  async clearField(action, schema, example, path) {
    const where = `${action}, ${pointerOf(path)} cleared`;
    const form = await this.open(where, schema, example);
    if (!form) return;
    const element = form.widget(path);
    const control = element?.matches("input, textarea")
      ? element
      : element?.querySelector("input, textarea");
    if (!control) this.problems.push(`${where}: there was nothing to clear`);
    else {
      await setTimeout(SETTLE);
      await until(() => isDeepStrictEqual(this.shape(plain(form.value())), example));
      write(control, "");
      await until(() => !isDeepStrictEqual(at(plain(form.value()), path), at(example, path)));
      const value = plain(form.value());
      const left = at(value, path) ?? "";
      if (left !== "") this.problems.push(`${where}: left ${JSON.stringify(left)}`);
      const without = withoutField(example, path);
      this.cleared += 1;
      if (!isDeepStrictEqual(this.shape(withoutField(value, path)), this.shape(without))) {
        this.problems.push(`${where}: others changed: ${JSON.stringify(value)}`);
      }
      this.taken.push({ action, where, value, expected: without });
    }
    this.close(where, form);
  }

  async open(where, schema, example) {
    errors.length = 0;
    try {
      return await this.mount(place(), plain(schema), example && plain(example));
    } catch (error) {
      this.problems.push(`${where}: not built: ${error.stack ?? error}`);
      return null;
    }
  }

  close(where, form) {
    form.close?.();
    for (const error of new Set(errors)) {
      const known = this.warns.find(([, pattern]) => pattern.test(error));
      if (known) this.limits.add(`warns ${known[0]}`);
      else this.problems.push(`${where}: logged ${error}`);
    }
  }

  /** A blank counts as not given: our check finds the same as without the field. */
  checkTaken() {
    const inputs = this.taken.flatMap(({ action, value, expected }) => [
      [action, value],
      [action, expected],
    ]);
    const found = checkAll(inputs);
    this.taken.forEach(({ where, value }, index) => {
      if (isDeepStrictEqual(found[2 * index], found[2 * index + 1])) return;
      this.problems.push(`${where}: refused, ${found[2 * index]}: ${JSON.stringify(value)}`);
    });
    if (this.cleared === 0) this.problems.push("no field could be cleared");
  }
}

/**
 * Judge a renderer, print the result, and end the process.
 * `mount(element, schema, value)` builds a form and returns `value()`, `errors()`, `widget(path)`
 * and perhaps `close()`.
 */
export async function judge(title, mount, known = {}) {
  // Not earlier: an error at the import of a renderer must end the process.
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (error) => errors.push(`${error}`));
  }
  const judged = new Judge(mount, known);
  const { problems, limits } = judged;
  try {
    for (const action of ACTIONS) await judged.judge(action);
    judged.checkTaken();
  } catch (error) {
    problems.push(`stopped: ${error.stack}`);
  }
  const count = `${problems.length} problems (${judged.cleared} fields cleared)`;
  const notes = [...limits].map((limit) => `; ${limit}`).join("");
  process.stdout.write(`${title}: ${count}${notes}\n`);
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
  process.exit(problems.length > 0 ? 1 : 0);
}
