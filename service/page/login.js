// The dialog that asks for the token, and logging out.

import { onTokenChange, storedToken, storeToken } from "./token.js";

const byId = (id) => document.getElementById(id);
let asking = null;
let finish = null; // ends the asking

/** Ask for the token once, whoever finds the one that was used missing or wrong. */
export function askForToken(used) {
  if (used !== storedToken()) return Promise.resolve(); // another one was entered meanwhile
  asking ??= new Promise((resolve) => {
    byId("token-fault").hidden = !used;
    byId("token").setAttribute("aria-invalid", String(Boolean(used)));
    byId("token").value = "";
    finish = () => {
      asking = finish = null;
      showLogout();
      resolve();
    };
    byId("token-dialog").showModal();
  });
  return asking;
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
onTokenChange(() => { // in another tab
  if (!storedToken()) return location.reload();
  byId("token").value = "";
  byId("token-dialog").close();
  showLogout();
});
showLogout();
