/** Checks the formats of the portable rules. Any text has a format that is not known here. */

/**
 * @typedef {object} Format
 * @property {(text: string) => boolean} fits
 * @property {string} message
 * @property {string} [example] shown in an empty field
 */

const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[-+]([01]\d|2[0-3]):[0-5]\d)$/i;
const UUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/i;

/** @type {Record<string, Format>} */
const KNOWN = {
  date: { fits: isDate, message: "Must be an existing date, written YYYY-MM-DD." },
  time: {
    fits: (text) => TIME.test(text),
    message: "Must be a time with its zone, written HH:MM:SSZ or HH:MM:SS+01:00.",
    example: "09:30:00Z",
  },
  "date-time": {
    fits: (text) =>
      /^.{10}[T ]/i.test(text) && isDate(text.slice(0, 10)) && TIME.test(text.slice(11)),
    message: "Must be a date and a time with its zone, written YYYY-MM-DDTHH:MM:SSZ.",
    example: "2026-11-27T09:30:00Z",
  },
  email: {
    fits: (text) => /^[^\s@]+@[^\s@]+$/.test(text),
    message: "Must be an email address, such as name@example.com.",
    example: "name@example.com",
  },
  uri: {
    fits: (text) => /^[a-z][a-z\d+.-]*:[^\s<>"{}|\\^`]+$/i.test(text),
    message: "Must be a whole address, which begins with https: or the like.",
  },
  uuid: {
    fits: (text) => UUID.test(text),
    message: "Must be a UUID: 8-4-4-4-12 hex digits.",
    example: "123e4567-e89b-12d3-a456-426614174000",
  },
};
const FORMATS = new Map(Object.entries(KNOWN));

/** @param {string} text @param {string} format */
export function hasFormat(text, format) {
  return FORMATS.get(format)?.fits(text) ?? true;
}

/** Say what a format needs. @param {string} format */
export function describeFormat(format) {
  return FORMATS.get(format)?.message ?? "";
}

/** @param {string} format */
export function exampleOfFormat(format) {
  return FORMATS.get(format)?.example;
}

/** @param {string} text */
function isDate(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith("0000")) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(text);
}
