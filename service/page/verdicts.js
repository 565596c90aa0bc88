// What an operator says an alert was: buttons, keys, and the way back from the last verdict.

import { send } from "./api.js";
import { dateTime } from "./format.js";
import { byId } from "./shell/element.js";
import { nameOf, tell } from "./shell/site.js";

const WORDS = { normal: "normal here", normal_at_this_time: "normal at this time", anomaly: "a real anomaly", unsure: "not sure" };
const KEYS = { n: "normal", t: "normal_at_this_time", a: "anomaly", u: "unsure" };
const MOVES = { j: 1, k: -1 };
const MOST_AT_ONCE = 100; // alerts that the service judges in one request
let last = []; // the alerts as they were before what was said last here
let judged = null; // what keys speak of: see `judge`
let queue = Promise.resolve(); // one change after the other, in the order in which they were asked for

/** Show the buttons and the verdict of an alert in `place`. `noteField`: an input with the note to give, if there is one. */
export function showVerdict(place, alert, noteField = null) {
  if (!place.firstElementChild) place.append(buttons());
  place.dataset.alert = alert.id;
  place.alert = alert;
  place.noteField = noteField;
  for (const button of place.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.verdict === alert.verdict?.verdict));
  }
  place.querySelector(".note").textContent = alert.verdict?.note ? `${alert.verdict.note} (${alert.verdict.by}, ${dateTime(alert.verdict.at)})` : "";
}

function buttons() {
  const node = byId("judgement").content.firstElementChild.cloneNode(true);
  node.addEventListener("click", (event) => {
    event.stopPropagation(); // a click on the row opens the alert
    const verdict = event.target.closest("button")?.dataset.verdict;
    const { alert, noteField } = node.parentElement;
    if (verdict) say(alert, verdict, noteField?.value);
  });
  return node;
}

/** Give a verdict on an alert, after what was asked for before. Without a `note`, one given before is not changed by the
 * same verdict. */
export function say(alert, verdict, note) {
  queue = queue.then(() => sayNow(judged?.known(alert) ?? alert, verdict, note));
}

async function sayNow(alert, verdict, note) {
  if (alert.verdict?.verdict === verdict && (note ?? alert.verdict.note) === alert.verdict.note) return;
  const about = `${nameOf(alert.camera_id)}, ${dateTime(alert.started)}: ${WORDS[verdict]}`;
  await change(about, () => send("PUT", path(alert), { verdict, note: note ?? "" }), alert, alert.reviewed);
}

/** Give several alerts the same verdict, after what was asked for before. Resolves when it is done. */
export function sayOfAll(alerts, verdict) {
  queue = queue.then(() => sayOfAllNow(alerts.map((alert) => judged?.known(alert) ?? alert), verdict));
  return queue;
}

async function sayOfAllNow(alerts, verdict) {
  const before = new Map(alerts.filter((alert) => alert.verdict?.verdict !== verdict).map((alert) => [alert.id, alert]));
  const ids = [...before.keys()], done = [], refused = [];
  try {
    for (let at = 0; at < ids.length; at += MOST_AT_ONCE) {
      const answer = await send("POST", "api/v1/verdicts", { verdict, alert_ids: ids.slice(at, at + MOST_AT_ONCE) });
      done.push(...answer.judged);
      refused.push(...answer.refused);
    }
  } catch (error) {
    refused.push({ reason: error.message });
  }
  if (done.length) last = done.map(({ id }) => before.get(id));
  for (const { effect, ...alert } of done) tell("verdict", { type: "verdict", alert });
  const said = done.length ? `${done.length} ${done.length === 1 ? "alert" : "alerts"}: ${WORDS[verdict]}. ${sentence(done[0].effect)}` : "";
  report([said, refused.length && `Not saved for ${ids.length - done.length}: ${refused[0].reason}`].filter(Boolean).join(" ") || "They are judged so already.");
}

/** Back to what was said before the last verdict, or the last ones that were given together. */
function undo() {
  queue = queue.then(undoNow);
}

async function undoNow() {
  const before = last;
  for (const alert of before) {
    const { verdict } = alert;
    const words = verdict ? WORDS[verdict.verdict] : "not reviewed";
    const about = before.length > 1 ? `${before.length} alerts: as before` : `${nameOf(alert.camera_id)}, ${dateTime(alert.started)}: ${words} again`;
    const given = { verdict: verdict?.verdict, note: verdict?.note };
    await change(about, () => (verdict ? send("PUT", path(alert), given) : send("DELETE", path(alert))), null, true);
  }
}

/** `before`: the alert to go back to; null: this is the way back. `wasReviewed`: whether it had a verdict before. */
async function change(about, request, before, wasReviewed) {
  try {
    const alert = await request();
    last = before ? [before] : [];
    const { effect, ...shown } = alert; // what it does to the scores, said once
    report(effect ? `${about}. ${sentence(effect)}` : about);
    tell("verdict", { type: "verdict", alert: shown, own: { wasReviewed } });
  } catch (error) {
    report(`Not saved: ${error.message}`);
  }
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function report(text) {
  byId("said").querySelector("span").textContent = text;
  byId("said").querySelector("button").hidden = !last.length;
}

/** An alert with the verdict of `judged`: what else that says may be older than what was pushed meanwhile. */
export const withVerdict = (known, judged) => (known ? { ...known, verdict: judged.verdict, reviewed: judged.reviewed } : judged);

const path = (alert) => `api/v1/alerts/${encodeURIComponent(alert.id)}/verdict`;

/**
 * From now on keys speak of the alerts of this page.
 * @param {{chosen: () => object|null, move: (step: number) => void, known: (alert: object) => object, press?: (key: string) => void}|null} page
 *   `chosen()`: the alert that is chosen. `move(step)` chooses another. `known(alert)`: what is known of it by now.
 *   `press(key)` hears of every key. Null: no page judges alerts.
 */
export function judge(page) {
  judged = page;
}

const isBusy = (event) => event.ctrlKey || event.metaKey || event.altKey
  || event.target.closest("input:not([type=checkbox]), select, textarea") || byId("token-dialog").open;

/** Follow the keys and the button that undoes. */
export function startVerdicts() {
  byId("said").querySelector("button").addEventListener("click", undo);
  addEventListener("keydown", (event) => {
    if (!judged || isBusy(event)) return;
    if (event.key in MOVES && !byId("detail").open) judged.move(MOVES[event.key]);
    if (event.key === "z" && last.length) undo();
    judged.press?.(event.key);
    const alert = KEYS[event.key] && !event.repeat ? judged.chosen() : null;
    if (alert) say(alert, KEYS[event.key]);
  });
}
