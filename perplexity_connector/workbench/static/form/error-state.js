/** The errors and hints of a form, and which errors are shown already. */

/** @import { FieldError, Hint } from "../types.js" */

/** Codes of fields that are not filled in yet: not an error before the user has been there. */
const QUIET = new Set(["required", "minItems", "minLength"]);

export class ErrorState {
  /**
   * The errors that the page has set; null: the form checks by itself.
   * @type {FieldError[] | null}
   */
  given = null;
  /** The hints that the page has set. The form finds none by itself. @type {Hint[]} */
  hints = [];
  /** Whether quiet errors are shown everywhere. */
  showAll = false;
  /** The pointers of the fields that the user has left. @type {Set<string>} */
  #touched = new Set();
  /** Errors of text that is not a value, by pointer. @type {Map<string, FieldError>} */
  #problems = new Map();

  get hasProblems() {
    return this.#problems.size > 0;
  }

  /**
   * Set the error of text that is not a value, such as half-written JSON. "" removes it.
   * @param {string} pointer
   * @param {string} message
   */
  setProblem(pointer, message) {
    if (message) this.#problems.set(pointer, { pointer, code: "json", message });
    else this.#problems.delete(pointer);
  }

  clearProblems() {
    this.#problems.clear();
  }

  /**
   * Return all errors.
   * @param {() => FieldError[]} check the form's own check
   */
  list(check) {
    return [...this.#problems.values(), ...(this.given ?? check())];
  }

  /**
   * Remember that the user has left a field. Return whether it is the first time.
   * @param {string} pointer
   */
  touch(pointer) {
    const isFirst = !this.#touched.has(pointer);
    this.#touched.add(pointer);
    return isFirst;
  }

  /** Forget that the user has left a field. @param {string} pointer */
  untouch(pointer) {
    this.#touched.delete(pointer);
  }

  /**
   * Return whether an error is shown at a place.
   * @param {FieldError} error
   * @param {string} place
   */
  isShown({ code }, place) {
    return this.showAll || !QUIET.has(code) || this.#touched.has(place);
  }
}
