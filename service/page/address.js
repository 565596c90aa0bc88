// Addresses of the service, wherever a proxy puts it: this file lies in BASE/page/.

const BASE = new URL("../", import.meta.url);

/** The URL of a path of the service, given without the leading slash. */
export const url = (path) => new URL(path, BASE);

/** What tells this installation from others of the same origin, for what the browser keeps. */
export const place = BASE.pathname;
