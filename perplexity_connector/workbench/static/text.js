/** Texts of others, made safe to show. */

/**
 * Invisible characters that change the order of the text around them: Unicode's bidirectional
 * controls, its deprecated format characters, and interlinear annotations.
 */
const REORDERING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb]/gu;

/** Remove what changes the order of the text around it. @param {string} text */
export function clean(text) {
  return text.replace(REORDERING, "");
}

/**
 * Write a value as JSON to show or to copy. What changes the order of text is escaped, so that
 * nothing is lost.
 * @param {unknown} value
 * @param {number} [indent]
 */
export function writeJson(value, indent) {
  return String(JSON.stringify(value, null, indent)).replace(
    REORDERING,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Write a value to show: a text as it is, any other value as JSON. @param {unknown} value */
export function writeValue(value) {
  return typeof value === "string" ? value : writeJson(value);
}

/** Cut off what is too long to show. @param {string} text @param {number} length */
export function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length)}\u2026` : text;
}

// As in contract/links.py: behind `view-source:` the browser's own parser finds no user.
const USER_INFO = new RegExp(
  String.raw`^((?:[^:/\\?#]*:){0,9}?[\0- ]*(?:https?|ftp|wss?):[/\\]*` +
    String.raw`|(?:[^/\\?#]*:)?[\0- ]*//)[^/\\?#]*@`,
  "iu",
);

/**
 * Return an address without `user:password@`, which may be a secret or look like the host. Any
 * other text stays as it is.
 * @param {string} text
 */
export function withoutUser(text) {
  const address = URL.canParse(text) ? new URL(text) : null;
  if (!address?.username && !address?.password) {
    const plain = text.replaceAll(/[\t\r\n]/gu, "");
    return USER_INFO.test(plain) ? plain.replace(USER_INFO, "$1") : text;
  }
  address.username = "";
  address.password = "";
  return address.href;
}
