// The list of alerts, filtered by day, camera, kind and verdict. It is updated live, and older alerts are loaded on demand.

import { factsOf, kindOf, KINDS } from "./alert_words.js";
import { get, getJson } from "./api.js";
import { inDetail, openDetail, renewDetail, renewVerdict } from "./detail.js";
import { clock, date } from "./format.js";
import { byId } from "./shell/element.js";
import { knownCameras, listen, nameOf, refreshSite } from "./shell/site.js";
import { judge, showVerdict, withVerdict } from "./verdicts.js";

const PAGE = 50;
const alerts = new Map(); // alert id -> {alert, node}
let shown = PAGE; // the largest number of alerts to show
let older = null; // the query for the next page; null on the last one
let latestRequest = 0; // answers to earlier requests are ignored
let chosen = null; // the id of the alert that keys speak of

const filters = () => ({
  day: byId("day").value, camera: byId("of-camera").value, kind: byId("of-kind").value, review: byId("of-review").value,
});
const unseenFirst = () => filters().review === "first";

/** The query for the chosen filters; of those not reviewed first, the one for these or, after them, for the others. A
 * day is one in the browser's time zone. */
function query(reviewed = "false") {
  const { day, camera, kind, review } = filters();
  const parameters = new URLSearchParams({ limit: PAGE });
  if (camera) parameters.append("camera", camera);
  if (kind) parameters.append("kind", kind);
  if (review) parameters.append("reviewed", review === "first" ? reviewed : review);
  if (day) {
    const from = new Date(`${day}T00:00`);
    const next = new Date(from);
    next.setDate(from.getDate() + 1);
    parameters.append("from", from.getTime());
    parameters.append("to", next.getTime() - 1);
  }
  return parameters;
}

function passes(alert) {
  const { day, camera, kind, review } = filters();
  if (["true", "false"].includes(review) && String(alert.reviewed) !== review) return false;
  const started = new Date(alert.started);
  const local = new Date(started.getTime() - started.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  return (!day || local === day) && (!camera || alert.camera_id === camera) && (!kind || alert.kind === kind);
}

/** Show the newest alerts that pass the filters. */
async function reload() {
  const request = ++latestRequest;
  [...alerts.keys()].forEach(drop);
  shown = PAGE;
  arrange();
  await load(query(), request);
}

async function load(parameters, request) {
  byId("older").disabled = true;
  try {
    const answer = await getJson(`api/v1/alerts?${parameters}`);
    if (request !== latestRequest) return;
    older = answer.next && new URLSearchParams(answer.next.split("?")[1]); // a proxy may change its path
    for (const alert of answer.alerts) if (!alerts.has(alert.id)) showAlert(alert);
    if (!older && unseenFirst() && parameters.get("reviewed") === "false") older = query("true");
    if (alerts.size < shown && older?.get("reviewed") === "true" && !older.has("before")) return await load(older, request);
    arrange();
    offerChoice();
  } finally {
    byId("older").disabled = false;
  }
}

/** Offer the filters, unless there is nothing that they could choose from. */
function offerChoice() {
  const filtered = Object.values(filters()).some(Boolean);
  byId("choice").hidden = !alerts.size && !filtered;
  byId("no-alerts").hidden = alerts.size > 0;
  byId("no-alerts").textContent = filtered ? "No such alerts." : "No alerts yet. What departs from normal appears here, and under Review.";
}

/** Show a change of an alert. It says nothing of the verdict on it, which is known, or asked for. */
async function showChange(alert, change) {
  const known = alerts.get(alert.id)?.alert ?? (change === "open" ? { verdict: null, reviewed: false } : null);
  showAlert(known ? { ...alert, verdict: known.verdict, reviewed: known.reviewed } : await getJson(`api/v1/alerts/${encodeURIComponent(alert.id)}`));
}

/** Show the present state of an alert, if it passes the filters. */
function showAlert(alert) {
  renewVerdict(alert);
  const before = alerts.get(alert.id)?.alert;
  if (before && before.verdict?.verdict !== alert.verdict?.verdict) following(alert.id, () => update(alert));
  else update(alert);
}

function update(alert) {
  if (!passes(alert)) {
    if (drop(alert.id)) arrange();
    return;
  }
  let row = alerts.get(alert.id);
  if (!row) {
    row = { node: byId("alert-row").content.firstElementChild.cloneNode(true), alert: null };
    row.node.dataset.alert = alert.id;
    row.node.addEventListener("click", () => open(alert.id));
    alerts.set(alert.id, row);
  }
  const rose = !row.alert || row.alert.peak_score !== alert.peak_score;
  row.alert = alert;
  fill(row.node, alert);
  if (rose) renewDetail(alert).catch(() => {});
  if (rose) askForPicture(row.node);
  arrange();
}

/** Take an alert out of the list, with its picture. Returns whether it was there. */
function drop(alertId) {
  const row = alerts.get(alertId);
  if (!row) return false;
  watcher.unobserve(row.node);
  const { src } = row.node.querySelector("img");
  if (src) URL.revokeObjectURL(src);
  return alerts.delete(alertId);
}

function fill(node, alert) {
  const isAnomaly = alert.kind === "anomaly";
  node.className = alert.state;
  mark(node, alert.id === chosen);
  showVerdict(node.querySelector(".judgement"), alert);
  node.querySelector(".camera").textContent = nameOf(alert.camera_id);
  const pill = node.querySelector(".state");
  pill.textContent = alert.state;
  pill.dataset.health = alert.state;
  const kind = node.querySelector(".kind");
  kind.textContent = kindOf(alert);
  kind.dataset.kind = alert.kind;
  node.querySelector(".why").hidden = !isAnomaly;
  const end = alert.ended ? ` to ${clock(alert.ended)}` : "";
  node.querySelector(".when").textContent = `${date(alert.started)} ${clock(alert.started)}${end}`;
  node.querySelector(".what").textContent = factsOf(alert);
}

const watcher = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
    watcher.unobserve(target);
    showPicture(target.querySelector("img"), target.dataset.alert).catch(() => {}); // a picture may not be kept
  }
}, { rootMargin: "200px" });

/** Load the picture of a row once it is in view. */
function askForPicture(node) {
  watcher.unobserve(node);
  watcher.observe(node);
}

async function showPicture(img, alertId) {
  const blob = await (await get(`api/v1/alerts/${encodeURIComponent(alertId)}/snapshot.jpg`)).blob();
  if (!alerts.has(alertId)) return; // it was dropped meanwhile
  const before = img.src;
  img.src = URL.createObjectURL(blob);
  img.hidden = false;
  if (before) URL.revokeObjectURL(before);
}

/** Open an alert, and put it into the address of the page. */
function open(alertId) {
  choose(alertId);
  history.replaceState(null, "", `#alert=${encodeURIComponent(alertId)}`);
  const { alert, node } = alerts.get(alertId);
  const rows = [...node.querySelectorAll(".when, .what")].map((row) => row.textContent);
  openDetail(alert, rows).catch(() => {});
}

/** Open the alert that the page's address names, whether it is in the list or not. */
export async function openNamed() {
  judge(page);
  const alertId = new URLSearchParams(location.hash.slice(1)).get("alert");
  if (!alertId) return;
  if (!knownCameras().length) await refreshSite(); // it is called by its camera's name
  const alert = alerts.get(alertId)?.alert ?? await getJson(`api/v1/alerts/${encodeURIComponent(alertId)}`);
  const node = byId("alert-row").content.firstElementChild.cloneNode(true);
  fill(node, alert);
  await openDetail(alert, [...node.querySelectorAll(".when, .what")].map((row) => row.textContent));
}

function mark(node, isChosen) {
  node.classList.toggle("chosen", isChosen);
  if (isChosen) node.setAttribute("aria-current", "true");
  else node.removeAttribute("aria-current");
}

/** Choose an alert, so that keys speak of it. */
function choose(alertId) {
  chosen = alertId;
  for (const [id, { node }] of alerts) mark(node, id === chosen);
}

/** Choose the alert that is so many rows farther down. */
function move(step) {
  const ids = order();
  if (!ids.length) return;
  const at = ids.indexOf(chosen);
  select(ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + step))]);
}

function select(alertId) {
  choose(alertId);
  const { node } = alerts.get(alertId);
  node.focus({ preventScroll: true });
  node.scrollIntoView({ block: "nearest" });
}

const order = () => [...byId("alerts").children].map((node) => node.dataset.alert);

/** What `update` does to the list. A chosen alert that leaves its place is followed by the next one there, so that it can
 * be judged. */
function following(alertId, update) {
  const at = order().indexOf(alertId);
  const withFocus = byId("alerts").contains(document.activeElement) && !byId("detail").open;
  update();
  const ids = order();
  if (alertId !== chosen || at < 0 || ids[at] === alertId || !ids.length) return;
  const next = ids[Math.min(at, ids.length - 1)];
  if (withFocus) select(next);
  else choose(next);
}

function arrange() {
  const rank = ({ alert }) => Number(unseenFirst() && alert.reviewed);
  const sorted = [...alerts.values()].sort((a, b) => rank(a) - rank(b) || b.alert.started.localeCompare(a.alert.started));
  sorted.slice(shown).forEach(({ alert }) => drop(alert.id));
  place(sorted.slice(0, shown).map(({ node }) => node));
  if (sorted.length) offerChoice();
  const open = sorted.filter(({ alert }) => alert.state === "open").length;
  byId("open-alerts").textContent = open ? `${open} open` : "";
  byId("older").hidden = !older;
}

/** The rows in this order. Those that are there already keep the focus. */
function place(nodes) {
  const list = byId("alerts");
  if (nodes.length === list.children.length && nodes.every((node, at) => node === list.children[at])) return;
  const focused = document.activeElement;
  list.replaceChildren(...nodes);
  if (list.contains(focused)) focused.focus({ preventScroll: true });
}

/** Offer these cameras in the filter, and call them by their names in the list. */
export function nameCameras(ids) {
  const select = byId("of-camera");
  const before = select.value;
  const looks = ({ value, text }) => `${value} ${text}`;
  const options = ids.map((id) => new Option(nameOf(id), id));
  if ([...select.options].slice(1).map(looks).join() === options.map(looks).join()) return;
  select.replaceChildren(select.options[0], ...options);
  select.value = ids.includes(before) ? before : "";
  for (const { alert, node } of alerts.values()) node.querySelector(".camera").textContent = nameOf(alert.camera_id);
}

const page = {
  chosen: () => inDetail() ?? alerts.get(chosen)?.alert,
  move,
  known: (alert) => alerts.get(alert.id)?.alert ?? alert,
};

export async function start(onFault) {
  byId("of-kind").append(...Object.entries(KINDS).map(([kind, text]) => new Option(text, kind)));
  for (const id of ["day", "of-camera", "of-kind", "of-review"]) byId(id).addEventListener("change", () => reload().catch(onFault));
  listen("alert", ({ alert, change }) => showChange(alert, change).catch(onFault));
  listen("verdict", ({ alert }) => showAlert(withVerdict(alerts.get(alert.id)?.alert, alert)));
  byId("older").addEventListener("click", () => {
    shown += PAGE;
    load(older, latestRequest).catch(onFault);
  });
  byId("detail").addEventListener("close", () => {
    if (location.hash.startsWith("#alert=")) history.replaceState(null, "", location.pathname + location.search);
  });
  await load(query(), ++latestRequest);
}
