/** A page of jsdom for a renderer, without a browser. Import it before the renderer. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** Require a module of the renderer's own environment. */
export const require = createRequire(`${process.env.PACKAGES}/package.json`);
const { JSDOM, VirtualConsole } = require("jsdom");

/** The errors that were logged or thrown since the last form was opened. */
export const errors = [];
console.error = (...words) => errors.push(words.map(String).join(" ").slice(0, 300));

const options = { url: "http://localhost/", pretendToBeVisual: true };
const virtualConsole = new VirtualConsole();
virtualConsole.on("jsdomError", (error) => errors.push(`${error}`));
export const { window } = new JSDOM("<!doctype html><body></body>", { ...options, virtualConsole });

// jsdom does not take Node's own.
const OWN = ["AbortController", "AbortSignal", "CustomEvent", "Event", "EventTarget", "navigator"];
for (const name of Object.getOwnPropertyNames(window)) {
  if (name in globalThis && !OWN.includes(name)) continue;
  Object.defineProperty(globalThis, name, {
    configurable: true,
    writable: true,
    value: window[name],
  });
}
globalThis.window = window;
// Parts of a browser that jsdom leaves out, and that change nothing about values.
globalThis.CSS ??= { escape: (text) => text.replaceAll(/[^\w-]/g, "\\$&"), supports: () => true };
window.matchMedia ??= () => ({ matches: false, addEventListener() {}, removeEventListener() {} });
Object.defineProperty(window.HTMLElement.prototype, "innerText", {
  get() {
    return this.textContent;
  },
  set(text) {
    this.textContent = text;
  },
});
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

/** Import a module of the renderer's own environment. */
export function load(name) {
  return import(pathToFileURL(require.resolve(name)));
}

/** The version of an installed package, which may hide its package.json. */
export function versionOf(name) {
  const file = `${process.env.PACKAGES}/node_modules/${name}/package.json`;
  return JSON.parse(readFileSync(file, "utf8")).version;
}

/** Put a new empty element on the page. */
export function place() {
  document.body.replaceChildren();
  const element = document.createElement("div");
  document.body.append(element);
  return element;
}

/** Write into a control as a person does: React compares with the value that it set itself. */
export function write(control, text) {
  control.focus();
  const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(control), "value");
  set.call(control, text);
  for (const name of ["input", "change"]) control.dispatchEvent(new Event(name, { bubbles: true }));
  control.blur();
}
