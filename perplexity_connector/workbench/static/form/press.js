/** Watches whether a mouse button, a finger or a pen is down anywhere on the page. */

export class Press {
  /** Whether one is down now. */
  isDown = false;
  /** Removes the listeners. */
  #listeners = new AbortController();
  #onRelease;

  /** @param {() => void} onRelease called after a press, when its click has arrived */
  constructor(onRelease) {
    this.#onRelease = onRelease;
  }

  watch() {
    this.#listeners = new AbortController();
    const how = { capture: true, signal: this.#listeners.signal };
    const press = () => {
      this.isDown = true;
    };
    document.addEventListener("pointerdown", press, how);
    document.addEventListener("pointerup", () => this.#release(), how);
    document.addEventListener("pointercancel", () => this.#release(), how);
  }

  stop() {
    this.#listeners.abort();
  }

  #release() {
    this.isDown = false;
    setTimeout(this.#onRelease, 0);
  }
}
