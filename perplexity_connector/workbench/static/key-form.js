/**
 * The form of a connection, or of its secrets alone, with the guide to a key beside it. A key never
 * comes back into the page.
 */

/** @import { Child, Description, GuideStep, JsonObject, Schema } from "./types.js" */
/** @import { SandboxCredential } from "./types.js" */

import { drawTextButton, fill, h, isComposing } from "./dom.js";
import { drawLink } from "./markdown.js";
import { showResult } from "./outcomes.js";
import "./schema-form.js";

const NAME = "connection_name";

/**
 * @typedef {object} Options
 * @property {Description} description
 * @property {boolean} isSandbox
 * @property {boolean} isNew whether the connection has no name yet, so that the form asks for one
 * @property {Child} [above]
 * @property {() => unknown} back
 * @property {(form: KeyForm, test: boolean) => Promise<Child>} save
 */

export class KeyForm {
  #form = h("schema-form");
  /** Says which key of the sandbox is chosen: the form does not show a key. */
  #chosen = h("p", { class: "muted", role: "status" });
  #place = h("div", { role: "status" });
  #options;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    const { description, isNew } = options;
    const schema = description.schemas.connection;
    this.#form.schema = isNew ? schema : withoutName(schema);
    this.#form.addEventListener("keydown", (event) => {
      const isLine = event.target instanceof HTMLInputElement;
      if (event.key === "Enter" && isLine && !isComposing(event)) this.save(true);
    });
  }

  /** The typed fields, by name. */
  get value() {
    return this.#form.value;
  }

  /** Whether more than a name is typed, which would be lost. */
  get isDirty() {
    const names = Object.keys(this.value).filter((name) => name !== NAME);
    return this.#form.isConnected && names.length > 0;
  }

  focus() {
    const [first] = Object.keys(this.#form.schema?.properties ?? {});
    this.#form.focusField(`/${first}`);
  }

  /** Return the elements, for a dialog. @returns {Child[]} */
  draw() {
    const { above, back, description, isSandbox } = this.#options;
    const { guide = [] } = description.connector.connection ?? {};
    const tests = (isSandbox && description.connector.sandbox?.test_connections) || [];
    const save = drawTextButton("Test and save", () => this.save(true), "button-primary");
    const buttons = h("div", { class: "dialog-buttons" }, drawTextButton("Back", back), save);
    const right = h("div", {}, this.#drawTests(tests), this.#form, this.#place, buttons);
    return [above, h("div", { class: "beside" }, drawGuide(guide), right)];
  }

  /**
   * Store the fields when they are right, and the test too if there is one.
   * @param {boolean} test
   */
  async save(test) {
    this.#form.showAll = true;
    const [first] = this.#form.errors;
    if (first) {
      this.#form.focusField(first.pointer);
      return;
    }
    await showResult(this.#place, () => this.#options.save(this, test));
  }

  /** Draw a button for each credential of the sandbox. @param {SandboxCredential[]} credentials */
  #drawTests(credentials) {
    if (credentials.length === 0) return null;
    const buttons = credentials.map(({ title, fields }) => {
      const use = () => {
        this.#form.value = { ...this.value, ...fields };
        fill(this.#chosen, `The form has the key that ${lowerFirst(title)}.`);
      };
      return h("li", {}, drawTextButton(title, use));
    });
    this.#form.addEventListener("edit", () => {
      const isChosen = credentials.some(({ fields }) => hasAll(this.value, fields));
      if (!isChosen) fill(this.#chosen);
    });
    const label = "Keys of the sandbox";
    return h(
      "section",
      { class: "test-keys", "aria-label": label },
      h("p", { class: "muted" }, "This is a sandbox. Take one of its keys, by its effect:"),
      h("ul", {}, buttons),
      this.#chosen,
    );
  }
}

/** @param {string} text */
const lowerFirst = (text) => text.charAt(0).toLowerCase() + text.slice(1);

/** @param {JsonObject} value @param {Record<string, string>} fields */
function hasAll(value, fields) {
  return Object.entries(fields).every(([name, text]) => value[name] === text);
}

/** @param {Schema} schema @returns {Schema} */
function withoutName(schema) {
  const { [NAME]: _, ...properties } = schema.properties ?? {};
  const required = schema.required?.filter((name) => name !== NAME);
  return { ...schema, properties, required };
}

/** @param {GuideStep[]} guide */
function drawGuide(guide) {
  const items = guide.map(({ title, text, link: address }) =>
    h(
      "li",
      {},
      h("strong", {}, title),
      h("p", {}, text),
      address && h("p", {}, drawLink(address, new URL(address).hostname)),
    ),
  );
  const title = "How to get a key";
  const attributes = { class: "guide", "aria-label": title };
  return h("section", attributes, h("h3", {}, title), h("ol", {}, items));
}
