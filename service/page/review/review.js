// Reviewing a night: what nobody has judged first, one key for each alert, and the next one is there already.

import { getJson } from "../api.js";
import { element, byId, fill } from "../shell/element.js";
import { fault } from "../shell/faults.js";
import { go } from "../shell/router.js";
import { knownCameras, listen, refreshSite } from "../shell/site.js";
import { judge, withVerdict } from "../verdicts.js";
import { Selection } from "./selection.js";
import { Filters } from "./filters.js";
import { AlertList } from "./list.js";
import { dayOf, periodOf } from "./period.js";
import { explanationOf, pictureOf, renewed } from "./pictures.js";
import { Timeline } from "./timeline.js";
import { Viewer } from "./viewer.js";

const PAGE = 500;
const MOST = 2000;
const alerts = new Map(); // alert id -> alert, in the order of review, which stays while one reviews
let chosen = null;
let filtered = null; // the query of the choices that `alerts` answers
let request = 0;
let complete = true;
let leaving = [];

const filters = new Filters((query) => go("review", query));
const timeline = new Timeline((id) => choose(id));
const list = new AlertList((id) => choose(id), (id, picked) => selection.pick(id, picked));
const selection = new Selection(
  { alerts: () => [...alerts.values()], chosen: () => alerts.get(chosen) ?? null }, (picked) => list.mark(picked), () => nextAfterSeveral(),
);
const viewer = new Viewer((step) => move(step));
const progress = element("progress", { max: 1, value: 0, "aria-label": "Share that is reviewed" });
const count = element("p.progress-text", { role: "status" });
const keys = element("p.keys", {}, ...["j", "next, ", "k", "before, ", "a", "real anomaly, ", "n", "normal here, ", "t", "normal at this time, ", "u", "not sure, ", "x", "select, ", "l", "select all like this, ", "z", "undo"]
  .map((text, at) => (at % 2 ? `\u00a0${text}` : element("kbd", {}, text))));

viewer.node.hidden = timeline.node.hidden = true; // until there is something to show
byId("view-review").append(filters.node, element("div.progress-line", {}, progress, count),
  element("div.review-parts", {}, viewer.node, element("div.overview", {}, timeline.node, selection.node, list.node, keys)));

/** @param {import("../shell/router.js").Route} asked */
export async function enter({ query }) {
  if (!leaving.length) begin();
  const alertId = query.get("alert");
  const choices = new URLSearchParams(query);
  choices.delete("alert");
  if (filtered === choices.toString() && (!alertId || alerts.has(alertId))) {
    if (alertId && alertId !== chosen) choose(alertId);
    return;
  }
  const named = alertId ? await getJson(`api/v1/alerts/${encodeURIComponent(alertId)}`) : null;
  if (named && !choices.size && Date.parse(named.started) < periodOf("").from) choices.set("day", dayOf(Date.parse(named.started)));
  filters.show(choices);
  await load(choices.toString(), named);
}

function begin() {
  judge({ chosen: () => alerts.get(chosen) ?? null, move, known: (alert) => alerts.get(alert.id) ?? alert, press: (key) => selection.press(key) });
  leaving = [
    listen("alert", ({ alert, change }) => onAlert(alert, change)),
    listen("verdict", ({ alert, own }) => onVerdict(alert, own)),
    listen("site", offer),
  ];
  if (knownCameras().length) offer();
}

export function leave() {
  leaving.forEach((end) => end());
  leaving = [];
  judge(null);
  viewer.close();
  filtered = null; // what changes meanwhile is read when one comes back
}

function offer() {
  const zones = [...knownCameras().flatMap((camera) => camera.zones.map(({ name }) => name)), ...[...alerts.values()].flatMap((alert) => alert.zones)];
  filters.offer(knownCameras(), new Set(zones));
}

async function load(choices, named) {
  const own = ++request;
  filtered = choices;
  const names = knownCameras().length ? null : refreshSite().catch(fault); // what is shown calls the cameras by their names
  const [found] = await Promise.all([read(), names]);
  if (own !== request) return;
  if (named && !found.some(({ id }) => id === named.id)) found.unshift(named); // shared, whatever is chosen here
  const rank = (alert) => Number(filters.reviewed === "first" && alert.reviewed);
  found.sort((a, b) => rank(a) - rank(b) || b.started.localeCompare(a.started));
  alerts.clear();
  for (const alert of found) alerts.set(alert.id, alert);
  offer();
  showAll();
  choose(named?.id ?? found[0]?.id ?? null);
}

async function read() {
  const found = [];
  let parameters = filters.parameters(PAGE);
  while (parameters && found.length < MOST) {
    const answer = await getJson(`api/v1/alerts?${parameters}`);
    found.push(...answer.alerts);
    parameters = answer.next && new URLSearchParams(answer.next.split("?")[1]); // a proxy may change its path
  }
  complete = !parameters;
  return found;
}

function showAll() {
  list.show([...alerts.values()]);
  timeline.show([...alerts.values()], periodOf(filters.query().get("day") ?? ""));
  list.choose(chosen);
  timeline.choose(chosen);
  selection.renew();
  showProgress();
}

/** Several were judged together: what is shown next is one that nobody has judged. */
function nextAfterSeveral() {
  const next = alerts.get(chosen)?.reviewed ? following(chosen) : null;
  if (next) choose(next.id);
}

function showProgress() {
  const all = [...alerts.values()];
  const done = all.filter(({ reviewed }) => reviewed).length;
  progress.hidden = !all.length;
  progress.value = all.length ? done / all.length : 0;
  const more = complete ? "" : ` The newest ${MOST} are shown: choose a camera or a kind.`;
  fill(count, (all.length ? `${done} of ${all.length} reviewed.` : "No alerts: nothing departed from normal in this time.") + more);
}

function choose(alertId) {
  chosen = alertId;
  const alert = alerts.get(alertId) ?? null;
  viewer.show(alert, placeOf(alertId)).catch(fault);
  list.choose(alertId);
  timeline.choose(alertId);
  selection.renew();
  const query = filters.query();
  if (alertId) query.set("alert", alertId);
  go("review", query, { replace: true });
  const next = following(alertId);
  if (next) Promise.all([pictureOf(next), explanationOf(next)]).catch(() => {}); // so that it is there at once
}

const placeOf = (alertId) => `${[...alerts.keys()].indexOf(alertId) + 1} of ${alerts.size}`;

/** The next alert that nobody has judged, else null. */
function following(alertId) {
  const all = [...alerts.values()];
  const at = all.findIndex(({ id }) => id === alertId);
  return [...all.slice(at + 1), ...all.slice(0, at)].find(({ reviewed }) => !reviewed) ?? null;
}

function move(step) {
  const ids = [...alerts.keys()];
  if (!ids.length) return;
  const at = Math.min(ids.length - 1, Math.max(0, ids.indexOf(chosen) + step));
  choose(ids[at]);
}

/** A verdict was given, here or elsewhere (`own`: here; the same is pushed too, sooner or later). Where it was given here, the next alert follows; one taken back comes back. */
function onVerdict(judged, own) {
  const before = alerts.get(judged.id);
  if (!before) return;
  const alert = withVerdict(before, judged);
  alerts.set(alert.id, alert);
  list.update(alert);
  timeline.update(alert);
  showProgress();
  selection.renew();
  if (viewer.alert?.id === alert.id) viewer.update(alert, placeOf(alert.id));
  if (!own || own.wasReviewed === alert.reviewed) return;
  const next = alert.reviewed ? following(alert.id) : alert;
  if (next && (!alert.reviewed || chosen === alert.id)) choose(next.id);
}

function onAlert(changed, change) {
  const before = alerts.get(changed.id);
  if (!before && change !== "open") return;
  const alert = { ...changed, verdict: before?.verdict ?? null, reviewed: before?.reviewed ?? false };
  if (!before && !filters.passes(alert)) return;
  if (before && before.peak_score !== alert.peak_score) renewed(alert);
  if (!before) {
    const all = [alert, ...alerts.values()];
    alerts.clear();
    for (const one of all) alerts.set(one.id, one);
    showAll();
    if (!chosen) choose(alert.id);
    return;
  }
  alerts.set(alert.id, alert);
  list.update(alert);
  timeline.update(alert);
  if (viewer.alert?.id === alert.id) viewer.update(alert, placeOf(alert.id));
  if (before.peak_score !== alert.peak_score) {
    list.renew(alert);
    if (viewer.alert?.id === alert.id) viewer.reload().catch(fault);
  }
}
