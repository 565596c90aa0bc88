// The token, kept by this browser until the user logs out.
//
// It is kept in localStorage, not in a cookie: browsers send cookies to every port of a host, where other programs
// listen, and with requests that foreign pages make. The page's policy allows it to run only its own scripts.

import { place } from "./address.js";

const KEY = `patchwatch-token ${place}`;

/** The token; empty if the user is not logged in. */
export const storedToken = () => localStorage.getItem(KEY) ?? "";

export function storeToken(token) {
  if (token) localStorage.setItem(KEY, token);
  else localStorage.removeItem(KEY);
}

/** Call back when another tab logs in or out. */
export function onTokenChange(callback) {
  addEventListener("storage", (event) => event.key === KEY && callback());
}

const utf8 = (token) => String.fromCharCode(...new TextEncoder().encode(token));

/** The header of a request. Letters beyond ASCII are sent as UTF-8. */
export const authorization = (token) => `Bearer ${utf8(token)}`;

/** The subprotocols of a WebSocket, in place of that header. Its address would be written into the logs of proxies. */
export function subprotocols(token) {
  const encoded = btoa(utf8(token)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return ["patchwatch", `patchwatch.token.${encoded}`];
}
