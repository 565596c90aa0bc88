// The token, kept by this browser until the user logs out.
//
// It is kept in localStorage, and the page's policy allows it to run only its own scripts. Who logs in with a password
// has a cookie instead, which no script sees.

import { place } from "./address.js";

const KEY = `patchwatch-token ${place}`;
const TOLD = `patchwatch-login ${place}`;

/** The token; empty if the user is not logged in. */
export const storedToken = () => localStorage.getItem(KEY) ?? "";

export function storeToken(token) {
  if (token) localStorage.setItem(KEY, token);
  else localStorage.removeItem(KEY);
}

/** Let other tabs know that somebody has logged in or out: they do not see the cookie. */
export const tellOtherTabs = () => localStorage.setItem(TOLD, String(Date.now()));

/** Call back when another tab logs in or out. */
export function onLoginChange(callback) {
  addEventListener("storage", (event) => [KEY, TOLD].includes(event.key) && callback());
}

const utf8 = (token) => String.fromCharCode(...new TextEncoder().encode(token));

/** The header of a request. Letters beyond ASCII are sent as UTF-8. */
export const authorization = (token) => `Bearer ${utf8(token)}`;

/** The subprotocols of a WebSocket, in place of that header. Its address would be written into the logs of proxies. */
export function subprotocols(token) {
  const encoded = btoa(utf8(token)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return ["patchwatch", `patchwatch.token.${encoded}`];
}
