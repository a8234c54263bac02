/**
 * The secret that the server wants with each request. `localStorage` keeps it for this port alone;
 * a cookie would go to every port of this machine.
 */

const KEY = "session";

/** Return the session, empty without one. Another tab may have changed it. */
export function readSession() {
  return localStorage.getItem(KEY) ?? "";
}

/** Keep the session for all tabs. @param {string} session */
export function keepSession(session) {
  localStorage.setItem(KEY, session);
}

/** Return whether the page's address holds a token. */
export function hasToken() {
  return readToken() !== null;
}

/** Return the token of the page's address, and remove it from there. */
export function takeToken() {
  const token = readToken();
  if (token !== null) history.replaceState(null, "", location.pathname);
  return token;
}

function readToken() {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}
