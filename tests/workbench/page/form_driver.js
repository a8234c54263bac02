/* Stands a <schema-form> alone on the page, and drives it through its controls as a restless user would. */
({
  async stand(form) {
    await import("/static/schema-form.js");
    const element = document.createElement("schema-form");
    window.told = { edits: [], changes: [] };
    element.addEventListener("edit", ({ detail }) => window.told.edits.push([structuredClone(detail.value), detail.valid]));
    element.addEventListener("change", ({ detail }) => window.told.changes.push(structuredClone(detail.value)));
    Object.assign(element, form);
    document.body.replaceChildren(element);
    await new Promise(requestAnimationFrame);
    window.form = element;
  },

  drive({ seed, count }) {
    let state = seed;
    const random = (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const TEXTS = ["", "", "", "a", "moon", "US", "5", "0.5", "-3", "99", "x.example", "two\nlines", "\n", " ", "7.5", "1e2", "\u{1f319}", "-a.example\nb.example"];
    const JSONS = ["", "{", "{}", '{"type": "object"}', "[]", "{\"a\": null}"];
    const DATES = ["", "2024-02-29", "2020-01-01", "9999-12-31"];
    const tell = (control, name) => control.dispatchEvent(new Event(name, { bubbles: true }));
    const write = (control) => {
      const from = control.matches(".sf-json") ? JSONS : control.type === "date" ? DATES : TEXTS;
      control.value = from[random(from.length)];
      tell(control, "input");
      tell(control, "change");
    };
    const act = (control) => {
      if (control.matches("button, [type=checkbox], [type=radio]")) control.click();
      else if (control.matches("select")) {
        control.selectedIndex = random(control.options.length);
        tell(control, "change");
      } else write(control);
    };
    for (let turn = 0; turn < count; turn += 1) {
      const controls = [...window.form.querySelectorAll("input, textarea, select, button")].filter((control) => !control.disabled);
      // Half of the time what is wrong is seen to, or hardly any value would ever be good.
      const wrong = controls.filter((control) => control.getAttribute("aria-invalid") === "true");
      const from = wrong.length > 0 && random(2) === 0 ? wrong : controls;
      const control = from[random(from.length)];
      control.focus();
      act(control);
    }
    return window.told;
  },
})
