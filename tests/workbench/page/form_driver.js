/**
 * Puts a `<schema-form>` alone on the page, and drives it through its controls like a restless
 * user. Runs as the body of a function in the page; the tests find it as `window.driver`.
 */

/** @typedef {HTMLElementTagNameMap["schema-form"]} Form */
/**
 * @typedef {HTMLButtonElement | HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control
 */

const TEXTS = [
  ...["", "", "", "a", "moon", "US", "5", "0.5", "-3", "99", "x.example", "two\nlines", "\n"],
  ...[" ", "7.5", "1e2", "\u{1f319}", "-a.example\nb.example"],
];
const JSON_TEXTS = ["", "{", "{}", '{"type": "object"}', "[]", '{"a": null}'];
const DATES = ["", "2024-02-29", "2020-01-01", "9999-12-31"];

/** The details of all events so far. @type {{edits: unknown[], changes: unknown[]}} */
const told = { edits: [], changes: [] };

/** Put a new form on the page, as `window.form`. @param {Partial<Form>} properties */
async function stand(properties) {
  await import("/static/schema-form.js");
  const form = document.createElement("schema-form");
  Object.assign(told, { edits: [], changes: [] });
  form.addEventListener("edit", ({ detail }) => {
    told.edits.push([structuredClone(detail.value), detail.valid]);
  });
  form.addEventListener("change", (event) => {
    if (event instanceof CustomEvent) told.changes.push(structuredClone(event.detail.value));
  });
  Object.assign(form, properties);
  document.body.replaceChildren(form);
  await new Promise((resolve) => {
    requestAnimationFrame(resolve);
  });
  Object.assign(window, { form });
}

/**
 * Act on random controls, and return the details of all events.
 * @param {{seed: number, count: number}} order
 */
function drive({ seed, count }) {
  const random = randomFrom(seed);
  const choose = (/** @type {any[]} */ items) => items[random(items.length)];
  for (let turn = 0; turn < count; turn += 1) {
    /** @type {NodeListOf<Control>} */
    const all = document.querySelectorAll("schema-form :is(input, textarea, select, button)");
    const controls = [...all].filter((control) => !control.disabled);
    // Half of the time a wrong control is chosen, or hardly any value would ever be valid.
    const wrong = controls.filter((each) => each.getAttribute("aria-invalid") === "true");
    const isWrongChosen = wrong.length > 0 && random(2) === 0;
    const control = choose(isWrongChosen ? wrong : controls);
    control.focus();
    act(control, random);
  }
  return told;
}

/** Return a generator of numbers below a bound, the same ones for a seed. @param {number} seed */
function randomFrom(seed) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** @param {Control} control @param {(below: number) => number} random */
function act(control, random) {
  if (control.matches("button, [type=checkbox], [type=radio]")) {
    control.click();
  } else if (control instanceof HTMLSelectElement) {
    control.selectedIndex = random(control.options.length);
    fire(control, "change");
  } else {
    const texts = textsFor(control);
    control.value = texts[random(texts.length)] ?? "";
    fire(control, "input");
    fire(control, "change");
  }
}

/** @param {Control} control */
function textsFor(control) {
  if (control.matches(".sf-json")) return JSON_TEXTS;
  return control.type === "date" ? DATES : TEXTS;
}

/** @param {Control} control @param {string} name */
function fire(control, name) {
  control.dispatchEvent(new Event(name, { bubbles: true }));
}

Object.assign(window, { driver: { stand, drive } });
