// Who may use Patchwatch: users, tokens of programs, open sessions, and who changed what.

import { getJson } from "../api.js";
import { dateTime } from "../format.js";
import { byId, choice, element, fill, labelled } from "../shell/element.js";
import { fault } from "../shell/faults.js";
import { judge } from "../verdicts.js";
import { browserName } from "./browser_name.js";
import { action, Section, table } from "./section.js";

const ROLES = [["viewer", "viewer: looks"], ["operator", "operator: judges, learns, sets up cameras"], ["admin", "admin: everything"]];
const SCOPES = [["read", "read"], ["operate", "operate"], ["admin", "admin"]];
const AUDIT_ROWS = 100;
const split = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);
const listed = (answer, name) => answer[name] ?? answer; // a list, or an object that holds it
const camerasOf = ({ cameras }) => (cameras == null ? "all" : cameras.join(", ") || "none");
const changesOf = ({ changes }) => Object.entries(changes).slice(0, 4).map(([name, { before, after }]) => `; ${name}: ${before ?? "–"} → ${after ?? "–"}`).join("");
const didWhat = ({ action, path }) => (action.includes("/") ? `${action.split(" ")[0]} ${path}` : action); // a request, or what it was
const when = (iso) => (iso ? dateTime(iso) : "–");

export async function enter() {
  judge(null);
  const me = await getJson("api/v1/me").catch((error) => ({ name: "", role: "admin", missing: error.status === 404 }));
  const parts = [new Account(me), new Sessions(me), ...(me.role === "admin" ? [new Users(), new Tokens(), new Audit()] : [])];
  fill(byId("users"), ...(me.missing ? [element("p.panel", {}, "This installation knows one token for everybody, and no users.")] : parts.map((part) => part.node)));
  if (!me.missing) for (const part of parts) part.renew().catch(fault);
}

class Account extends Section {
  constructor(me) {
    super("You");
    this.me = me;
  }

  async load() {
    const { name, role, kind } = this.me;
    const current = element("input", { type: "password", autocomplete: "current-password", required: true });
    const next = element("input", { type: "password", autocomplete: "new-password", required: true });
    const save = (event) => {
      event.preventDefault();
      this.change("POST", "api/v1/me/password", { current: current.value, new: next.value }, "Your password is changed.");
    };
    fill(this.content, element("p", {}, `${name || "somebody on this machine"}, ${role}. Cameras: ${camerasOf(this.me)}.`),
      kind === "user" && element("details", {}, element("summary", {}, "Change the password"), element("form.add-form", { onsubmit: save },
        labelled("Present password", current), labelled("New password", next, "12 characters or more"), element("div.row", {}, element("button.primary", {}, "Change it")))));
  }
}

class Sessions extends Section {
  constructor(me) {
    super("Open sessions");
    this.all = me.role === "admin" ? "?all=true" : "";
  }

  async load() {
    const sessions = listed(await getJson(`api/v1/sessions${this.all}`), "sessions");
    const end = (session) => () => this.change("DELETE", `api/v1/sessions/${encodeURIComponent(session.id)}`, undefined, "Ended.");
    fill(this.content, sessions.length > 0 && table(["User", "Last used", "From", "With", ""], sessions.map((session) => [
      session.user, when(session.last_used), session.address, element("span", { title: session.agent }, browserName(session.agent)), session.current ? "this one" : action("End", end(session)),
    ])), !sessions.length && element("p.facts", {}, "None."));
  }
}

class Users extends Section {
  constructor() {
    super("All users");
  }

  async load() {
    const users = listed(await getJson("api/v1/users"), "users");
    fill(this.content, users.length > 0 && table(["Name", "Role", "Cameras", ""], users.map((user) => this.#row(user))), this.#form());
  }

  #row(user) {
    const path = `api/v1/users/${encodeURIComponent(user.name)}`;
    const role = choice(ROLES, { value: user.role, "aria-label": `Role of ${user.name}`, onchange: () => this.change("PATCH", path, { role: role.value }, "Changed.") });
    const remove = () => confirm(`Remove ${user.name}?`) && this.change("DELETE", path, undefined, "Removed.");
    return [user.provider ? `${user.name} (single sign-on)` : user.name, role, camerasOf(user), element("div.row", {},
      action(user.disabled ? "Allow" : "Lock out", () => this.change("PATCH", path, { disabled: !user.disabled }, "Changed.")), action("Remove", remove, ".danger"))];
  }

  #form() {
    const name = element("input", { required: true, maxLength: 63, autocomplete: "off" });
    const password = element("input", { type: "password", required: true, autocomplete: "new-password" });
    const role = choice(ROLES);
    const cameras = element("input", { placeholder: "all", autocomplete: "off" });
    const add = (event) => {
      event.preventDefault();
      const only = split(cameras.value);
      this.change("POST", "api/v1/users", { name: name.value, password: password.value, role: role.value, cameras: only.length ? only : null }, "Added.");
    };
    return element("details", {}, element("summary", {}, "Add a user"), element("form.add-form", { onsubmit: add },
      labelled("Name", name), labelled("Password", password, "12 characters or more"), labelled("Role", role), labelled("Cameras", cameras, "ids, with commas between"),
      element("div.row", {}, element("button.primary", {}, "Add the user"))));
  }
}

class Tokens extends Section {
  constructor() {
    super("Tokens of programs");
  }

  async load() {
    const tokens = listed(await getJson("api/v1/tokens"), "tokens");
    const revoke = (token) => () => confirm(`Revoke ${token.name}?`) && this.change("DELETE", `api/v1/tokens/${encodeURIComponent(token.id)}`, undefined, "Revoked.");
    fill(this.content, tokens.length > 0 && table(["Name", "May", "Cameras", "Expires", "Last used", ""], tokens.map((token) => [
      token.name, token.scope, camerasOf(token), when(token.expires), when(token.last_used), action("Revoke", revoke(token), ".danger"),
    ])), this.#form());
  }

  #form() {
    const name = element("input", { required: true, maxLength: 63, autocomplete: "off" });
    const scope = choice(SCOPES);
    const days = element("input", { type: "number", min: 1, max: 3650, placeholder: "never" });
    const add = (event) => {
      event.preventDefault();
      const body = { name: name.value, scope: scope.value, expires_days: days.value ? Number(days.value) : null };
      this.change("POST", "api/v1/tokens", body, (answer) => `The token, shown this once: ${answer.token}`);
    };
    return element("details", {}, element("summary", {}, "Add a token"), element("form.add-form", { onsubmit: add },
      labelled("Name", name), labelled("May", scope), labelled("Days until it expires", days), element("div.row", {}, element("button.primary", {}, "Add the token"))));
  }
}

class Audit extends Section {
  constructor() {
    super("Who changed what");
  }

  async load(before = "") {
    const { entries, next } = await getJson(`api/v1/audit?${before || `limit=${AUDIT_ROWS}`}`);
    fill(this.content, entries.length > 0 && table(["When", "Who", "From", "What"], entries.map((entry) => [when(entry.t), entry.who, entry.address ?? "", `${didWhat(entry)}${changesOf(entry)}`])),
      !entries.length && element("p.facts", {}, "Nothing yet."), next && action("Earlier", () => this.load(next.split("?")[1]).catch((error) => this.say(error.message, true))));
  }
}
