// Logging in with a password, a token or at a provider, the first admin, and logging out.

import { url } from "./address.js";
import { authorization, onLoginChange, storedToken, storeToken, tellOtherTabs } from "./token.js";

const byId = (id) => document.getElementById(id);
const dialog = byId("token-dialog");
const NO_ANSWER = "The service does not answer: try again in a moment.";
const SETUP = /^#setup=([\w-]{1,100})$/;
const PASSWORD = "password", TOKEN = "token", SET_UP = "setup", PROVIDER = "provider";
const PLACE = "patchwatch-place"; // where on the page a login at the provider began

let pending = null; // the promise of the open dialog
let finish = null; // resolves it
let way = TOKEN; // which fields the dialog shows
let first = TOKEN; // the way that is offered before others
let provider = null; // the name of the provider that users log in at
let me = null; // who is logged in: {name, kind, role, cameras}; null before that is known

/** Who is logged in, as `GET /api/v1/me` says; null where nobody is. */
export const caller = () => me;

/** Call back with who is logged in, whenever that becomes known or changes. */
export const onCaller = (callback) => document.addEventListener("patchwatch-caller", () => callback(me));

/** Have somebody log in, because the service refuses what the token `used`, or no token, opened. Several requests share
 * one dialog. */
export function askForToken(used) {
  if (used !== storedToken()) return Promise.resolve(); // another token was entered meanwhile
  pending ??= ask(used).finally(() => { pending = finish = null; });
  return pending;
}

async function ask(used) {
  if (await learnCaller()) return; // somebody has logged in since that request was sent
  const ways = await offer();
  provider = ways.provider;
  const usual = ways.password ? PASSWORD : provider ? PROVIDER : TOKEN;
  first = SETUP.test(location.hash) ? SET_UP : usual;
  show(used ? TOKEN : first, first !== SET_UP && first !== TOKEN);
  if (ways.fault) tell(ways.fault);
  byId("token-fault").hidden = !used;
  byId("token").setAttribute("aria-invalid", String(Boolean(used)));
  dialog.showModal();
  await new Promise((resolve) => { finish = resolve; });
}

async function offer() {
  const response = await fetch(url("api/v1/login"), { cache: "no-store" }).catch(() => null);
  return response?.ok ? response.json() : { password: false, setup: false };
}

/** Show the fields of one way to log in. `both`: whether there are two to choose from. */
function show(chosen, both) {
  way = chosen;
  byId("by-token").hidden = way !== TOKEN;
  byId("by-password").hidden = way !== PASSWORD && way !== SET_UP;
  byId("by-provider").hidden = !provider || way === TOKEN || way === SET_UP;
  byId("provider-login").textContent = `Log in with ${provider}`;
  byId("log-in").hidden = way === PROVIDER;
  byId("setup-words").hidden = way !== SET_UP;
  byId("login-title").textContent = { [TOKEN]: "Token", [PASSWORD]: "Log in", [PROVIDER]: "Log in", [SET_UP]: "Make the first admin" }[way];
  byId("log-in").textContent = way === SET_UP ? "Make me the admin" : "Log in";
  showTyped(false);
  byId("login-password").autocomplete = way === SET_UP ? "new-password" : "current-password";
  byId("login-fault").hidden = true;
  byId("token").value = byId("login-password").value = "";
  byId("token").required = way === TOKEN;
  byId("login-name").required = byId("login-password").required = way === PASSWORD || way === SET_UP;
  byId("other-way").hidden = !both;
  byId("other-way").textContent = way !== TOKEN ? "With a token" : first === PASSWORD ? "With a password" : `With ${provider}`;
}

function tell(fault) {
  byId("login-fault").textContent = fault;
  byId("login-fault").hidden = false;
}

/** Lead the browser to the provider, which leads it back to this page. */
async function goToProvider() {
  const response = await fetch(url("api/v1/oidc/logins"), { method: "POST" }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (!response?.ok) return tell(answer?.detail ?? NO_ANSWER);
  sessionStorage.setItem(PLACE, location.hash);
  storeToken("");
  location.assign(answer.url);
}

/** Go to where the login began, if this is the way back from it. */
function comeBack() {
  const place = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (place && !location.hash) location.hash = place;
}

function showTyped(shown) {
  byId("login-shown").checked = shown;
  byId("login-password").type = shown ? "text" : "password";
}

async function enter() {
  const path = way === SET_UP ? "api/v1/setup" : "api/v1/sessions";
  const body = { name: byId("login-name").value, password: byId("login-password").value };
  if (way === SET_UP) body.code = location.hash.match(SETUP)?.[1] ?? "";
  const response = await fetch(url(path), {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  }).catch(() => null);
  if (response?.ok) return true;
  const problem = await response?.json().catch(() => null);
  tell(problem?.detail ?? NO_ANSWER);
  byId("login-password").select();
  return false;
}

async function submitted(event) {
  if (way === TOKEN) {
    storeToken(byId("token").value.trim());
    return; // the dialog closes by itself
  }
  event.preventDefault();
  if (!await enter()) return;
  if (way === SET_UP) history.replaceState(null, "", location.pathname); // the link is used
  storeToken("");
  tellOtherTabs();
  dialog.close();
}

/** Ask the service who we are; true where it knows us. */
async function learnCaller() {
  const token = storedToken();
  const headers = token ? { Authorization: authorization(token) } : {};
  const response = await fetch(url("api/v1/me"), { headers, cache: "no-store" }).catch(() => null);
  me = response?.ok ? await response.json() : null;
  showCaller();
  return me !== null;
}

function showCaller() {
  const logout = byId("logout");
  logout.hidden = !(me ? me.kind === "user" || storedToken() : storedToken());
  logout.querySelector("span").textContent = me?.kind === "user" ? me.name : "";
  logout.title = me ? `${me.role}${me.cameras ? `, sees ${me.cameras.join(", ") || "no camera"}` : ""}` : "";
  document.dispatchEvent(new CustomEvent("patchwatch-caller"));
}

async function logOut() {
  if (me?.kind === "user") await fetch(url("api/v1/sessions/current"), { method: "DELETE" }).catch(() => null);
  storeToken("");
  tellOtherTabs();
  location.reload();
}

dialog.addEventListener("cancel", (event) => event.preventDefault());
dialog.querySelector("form").addEventListener("submit", submitted);
dialog.addEventListener("close", () => {
  learnCaller();
  finish?.();
});
byId("other-way").addEventListener("click", () => show(way === TOKEN ? first : TOKEN, true));
byId("login-shown").addEventListener("change", (event) => showTyped(event.target.checked));
byId("provider-login").addEventListener("click", goToProvider);
byId("logout").addEventListener("click", logOut);
onLoginChange(async () => {
  if (!await learnCaller()) return location.reload();
  byId("token").value = byId("login-password").value = "";
  dialog.close();
});
comeBack();
if (SETUP.test(location.hash)) askForToken(storedToken());
else learnCaller();
