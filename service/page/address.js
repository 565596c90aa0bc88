// Addresses of the service, under whatever path a proxy serves it: this file is BASE/page/address.js.

const BASE = new URL("../", import.meta.url);

/** The URL of a path of the service. `path` has no leading slash. */
export const url = (path) => new URL(path, BASE);

/** Distinguishes this installation from others of the same origin, in what the browser stores. */
export const place = BASE.pathname;
