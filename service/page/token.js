// The token, kept by this browser until the user logs out.
//
// localStorage and no cookie: browsers send a cookie to every port of a host, where other programs listen, and along
// with requests that foreign pages make. What the page may run is limited to its own files by its policy.

import { place } from "./address.js";

const KEY = `patchwatch-token ${place}`;

/** The token, or "" where none is known. */
export const storedToken = () => localStorage.getItem(KEY) ?? "";

export function storeToken(token) {
  if (token) localStorage.setItem(KEY, token);
  else localStorage.removeItem(KEY);
}

/** Tell when another tab logs in or out. */
export function onTokenChange(then) {
  addEventListener("storage", (event) => event.key === KEY && then());
}

const utf8 = (token) => String.fromCharCode(...new TextEncoder().encode(token));

/** A request's header; letters beyond ASCII go as UTF-8. */
export const authorization = (token) => `Bearer ${utf8(token)}`;

/** What a WebSocket offers instead of that header. Not its address: proxies write addresses into their logs. */
export function subprotocols(token) {
  const encoded = btoa(utf8(token)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return ["patchwatch", `patchwatch.token.${encoded}`];
}
