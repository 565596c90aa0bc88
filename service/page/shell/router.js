// Which page is shown: that of the address after `#/`. Links and the browser's back and forward work with it.
//
// An address is `#/PATH?QUERY`. Any other one (`#`, `#alert=ID`) belongs to the live page.

import { byId } from "./element.js";

/** @typedef {{enter: (route: Route) => any, leave?: () => void}} View */
/** @typedef {{path: string[], query: URLSearchParams}} Route */

const views = new Map(); // name -> a function that loads its module
let shown = null; // {name, view}
let visits = 0;

/** Name a page. `load()` resolves to its module, a `View`; a page's code is fetched when it is first visited. */
export const addView = (name, load) => views.set(name, load);

/** @returns {Route} */
export function route() {
  const [path, query = ""] = location.hash.startsWith("#/") ? location.hash.slice(2).split("?") : [""];
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page. */
export function addressOf(path, query = "") {
  const text = query.toString();
  return `#/${path}${text && `?${text}`}`;
}

/** Go to a page; `replace`: in place of the present one in the history, without showing it anew. */
export function go(path, query = "", { replace = false } = {}) {
  if (replace) history.replaceState(null, "", addressOf(path, query));
  else location.hash = addressOf(path, query);
}

async function show(onFault) {
  const visit = ++visits;
  const asked = route();
  const name = views.has(asked.path[0]) ? asked.path[0] : "live";
  markLink(name); // at once: the page's code may take a while to come
  const main = document.querySelector("main");
  if (shown?.name !== name) main.setAttribute("aria-busy", "true"); // says so if that lasts
  try {
    const view = await views.get(name)();
    if (visit !== visits) return;
    const changed = shown?.name !== name;
    if (changed) turnTo(name, view);
    await view.enter(asked);
    if (changed && visit > 1) byId(`view-${name}`).querySelector("h2")?.focus({ preventScroll: true });
  } catch (error) {
    if (visit === visits && shown) markLink(shown.name);
    onFault(error);
  } finally {
    if (visit === visits) main.removeAttribute("aria-busy");
  }
}

function markLink(name) {
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function turnTo(name, view) {
  shown?.view.leave?.();
  shown = { name, view };
  for (const section of document.querySelectorAll(".view")) section.hidden = section.id !== `view-${name}`;
  document.body.dataset.view = name;
  const title = byId(`view-${name}`).dataset.title;
  document.title = title ? `${title} – Patchwatch` : "Patchwatch";
  scrollTo(0, 0);
}

/** Show the page of the address, now and whenever the address changes. */
export function startRouter(onFault) {
  addEventListener("hashchange", () => show(onFault));
  return show(onFault);
}
