// Another alarm budget, tried on the stored past of a camera before it is saved.

import { send } from "./api.js";
import { dateTime } from "./format.js";

const byId = (id) => document.getElementById(id);
let cameraId = null;
let latest = 0; // of several questions, only the answer to the last one is shown
let tried = null; // the budget that the answer is about

/** Open the dialog for a camera. `threshold`: that of its analysis. */
export function openTrial(id, threshold) {
  cameraId = id;
  byId("trial-title").textContent = `Alarm budget of ${id}`;
  byId("trial-budget").value = threshold?.false_alarms_per_day ?? "";
  show("");
  byId("trial").showModal();
}

function show(text, { warned = false, lists = [], notes = "" } = {}) {
  byId("trial-answer").textContent = text;
  byId("trial-answer").classList.toggle("warned", warned);
  byId("trial-lists").replaceChildren(...lists);
  byId("trial-notes").textContent = notes;
  byId("trial-save").disabled = tried == null;
}

async function attempt(budget) {
  const number = ++latest;
  tried = null;
  show("Judging what is stored …");
  try {
    const answer = await send("POST", path("/what-if"), { change: "budget", false_alarms_per_day: budget });
    if (number !== latest) return;
    tried = budget;
    const lists = [listOf("Would be gone", answer.fewer), listOf("Would be new", answer.more)].filter(Boolean);
    const judged = `Judged from ${dateTime(answer.judged_from)} to ${dateTime(answer.judged_to)}.`;
    show(answer.sentence, { lists, notes: [judged, ...answer.notes.map((note) => `${note}.`)].join(" ") });
  } catch (error) {
    if (number !== latest) return;
    tried = budget; // a budget may be saved although there is no past to try it on
    show(error.message, { warned: true });
  }
}

/** What would be gone, or new, as a list with links; null: nothing would. */
export function listOf(title, events) {
  if (!events.length) return null;
  const node = document.createElement("section");
  const heading = Object.assign(document.createElement("h3"), { textContent: title });
  const list = document.createElement("ul");
  list.append(...events.map(rowOf));
  node.append(heading, list);
  return node;
}

function rowOf(event) {
  const row = document.createElement("li");
  const text = [dateTime(event.started), `peak ${event.peak_score.toFixed(2)}`, event.anomaly].filter(Boolean).join(", ");
  if (!event.alert_id) {
    row.textContent = text;
    return row;
  }
  const link = Object.assign(document.createElement("a"), { href: `#alert=${encodeURIComponent(event.alert_id)}`, textContent: text });
  link.addEventListener("click", () => byId("trial").close());
  row.append(link);
  return row;
}

async function save() {
  try {
    await send("PATCH", path(""), { false_alarms_per_day: tried });
    byId("trial").close();
  } catch (error) {
    show(`Not saved: ${error.message}`, { warned: true });
  }
}

const path = (rest) => `api/v1/cameras/${encodeURIComponent(cameraId)}${rest}`;

byId("trial-form").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(Number(byId("trial-budget").value));
});
byId("trial-budget").addEventListener("input", () => {
  latest += 1; // what is being judged is not what is typed any more
  tried = null;
  show("");
});
byId("trial-save").addEventListener("click", save);
byId("trial").addEventListener("close", () => {
  latest += 1;
  tried = null;
});
