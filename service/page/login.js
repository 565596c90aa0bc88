// Logging in with the token, and logging out.

import { onTokenChange, storedToken, storeToken } from "./token.js";

const byId = (id) => document.getElementById(id);
let pending = null; // the promise of the open dialog
let finish = null; // resolves it

/** Ask for the token, because `used` is missing or wrong. Several requests share one dialog. */
export function askForToken(used) {
  if (used !== storedToken()) return Promise.resolve(); // another token was entered meanwhile
  pending ??= new Promise((resolve) => {
    byId("token-fault").hidden = !used;
    byId("token").setAttribute("aria-invalid", String(Boolean(used)));
    byId("token").value = "";
    finish = () => {
      pending = finish = null;
      showLogout();
      resolve();
    };
    byId("token-dialog").showModal();
  });
  return pending;
}

function showLogout() {
  byId("logout").hidden = !storedToken();
}

byId("token-dialog").addEventListener("cancel", (event) => event.preventDefault());
byId("token-dialog").addEventListener("close", () => {
  if (byId("token").value) storeToken(byId("token").value.trim());
  finish?.();
});
byId("logout").addEventListener("click", () => {
  storeToken("");
  location.reload();
});
onTokenChange(() => {
  if (!storedToken()) return location.reload();
  byId("token").value = "";
  byId("token-dialog").close();
  showLogout();
});
showLogout();
