// DOM nodes made by script: the page's policy allows neither inline scripts nor inline styles in HTML.

import { withLocalTimes } from "../format.js";

/**
 * A node with properties, attributes and children.
 * @param {string} name of the tag, with classes after dots: `p.facts`
 * @param {Object<string, any>} [given] `onclick` and the like become listeners, properties of the node are set, anything
 *   else is an attribute; null and false are left out
 * @param {...(Node|string|null|false)} children
 * @returns {HTMLElement}
 */
export function element(name, given = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(given)) put(node, key, value);
  node.append(...children.filter((child) => child != null && child !== false && child !== ""));
  return node;
}

function put(node, key, value) {
  if (value == null || value === false) return;
  if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
  else if (key === "dataset") Object.assign(node.dataset, value);
  else if (key in node && key !== "list" && key !== "form") node[key] = value;
  else node.setAttribute(key, value === true ? "" : value);
}

/** A sentence of the service as nodes: what stands between backticks is code, and times are local to the browser. */
export const sentence = (text) => withLocalTimes(text).split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));

/** The element of this id. */
export const byId = (id) => document.getElementById(id);

/** A field with its name before it. */
export function labelled(text, field, hint = "") {
  if (hint) field.setAttribute("aria-description", hint);
  return element("label.field", {}, text, field, hint && element("span.hint", { "aria-hidden": "true" }, hint));
}

/** A select with options of [value, text]. */
export function choice(options, given = {}) {
  const node = element("select", given, ...options.map(([value, text]) => new Option(text, value)));
  if (given.value != null) node.value = given.value;
  return node;
}

/** Replace all children. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child != null && child !== false && child !== ""));
}
