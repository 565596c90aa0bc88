// What needs attention, in sentences with the next step: the installation, its workers, cameras and notifications.

import { getJson } from "../api.js";
import { healthWord } from "../health_pill.js";
import { byId, element, fill, sentence } from "../shell/element.js";
import { fault } from "../shell/faults.js";
import { addressOf } from "../shell/router.js";
import { knownCameras, listen, nameOf, statusOf, watchSite } from "../shell/site.js";
import { judge } from "../verdicts.js";
import { Examination } from "./examination.js";
import { table } from "./section.js";

const EVERY_MS = 10_000;
const FINE = ["ok", "disabled", "ended"];
const root = byId("health");
const present = element("div.stack");
let leaving = [];
let installation = null; // the answer of /readyz, or {problem}
let timer = null;

export async function enter() {
  if (leaving.length) return;
  judge(null);
  leaving = [listen("site", show), watchSite(fault)];
  const examination = new Examination();
  fill(root, present, examination.node);
  if (!["viewer", "operator"].includes(document.body.dataset.role)) examination.renew();
  await ask();
}

export function leave() {
  leaving.forEach((end) => end());
  leaving = [];
  clearTimeout(timer);
}

async function ask() {
  clearTimeout(timer);
  if (!document.hidden) {
    try {
      installation = await getJson("readyz");
    } catch (error) {
      installation = { problem: error.message };
    }
    show();
  }
  if (leaving.length) timer = setTimeout(() => ask().catch(fault), EVERY_MS);
}

function show() {
  if (!installation) return;
  const findings = together([...ofInstallation(), ...knownCameras().flatMap(ofCamera)]);
  fill(present,
    element("p.verdict-line", { role: "status" }, findings.length ? `${findings.length} ${findings.length === 1 ? "thing needs" : "things need"} attention.` : "All is well: every camera is watched."),
    element("ul.health-list", {}, ...findings.map(({ subjects, text }) => element("li.panel", {}, ...subjects, ": ", ...sentence(text)))),
    installation.workers?.length > 0 && workers(installation.workers));
}

/** What is the same of several is said once. */
function together(findings) {
  const rows = new Map();
  for (const { subject, text, href } of findings) {
    const same = text.replace(/\d+ s\b/, ""); // for how long differs
    const row = rows.get(same) ?? { subjects: [], text };
    if (row.subjects.length) row.subjects.push(", ");
    row.subjects.push(href ? element("a", { href }, subject) : element("strong", {}, subject));
    rows.set(same, row);
  }
  return [...rows.values()];
}

function ofInstallation() {
  if (installation.problem) return [{ subject: "Installation", text: installation.problem }];
  return (installation.webhooks ?? []).map(({ id, health, reason }) => ({ subject: `Webhook ${id}`, text: `${health}: ${reason}` }));
}

function ofCamera(camera) {
  const status = statusOf(camera.id);
  if (!status) return [];
  const href = addressOf(`cameras/${encodeURIComponent(camera.id)}`);
  const texts = FINE.includes(status.health) ? [] : [`${healthWord(status)}: ${status.reason}`];
  if (status.random_weights) texts.push("its scores come from random weights: ignore them");
  if (!status.frames.balanced) texts.push("some frames are not accounted for: please report it");
  if (status.enrolment?.text && status.enrolment.state === "failed") texts.push(status.enrolment.text);
  const { warning, provisional } = status.analysis?.threshold ?? {};
  if (warning && !provisional) texts.push(warning); // that it still learns asks for nothing
  if (camera.adopted) texts.push("it came by itself, by publishing: open it, and say that you know it");
  return texts.map((text) => ({ subject: nameOf(camera.id), text, href }));
}

function workers(list) {
  return element("section.panel", { "aria-label": "Workers" }, element("h3", {}, "Workers"),
    table(["Role", "Host", "Device", "Cameras"], list.map((one) => [one.role, one.host, one.device || "–", String(one.cameras || "–")])));
}
