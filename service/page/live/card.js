// A camera's card: its live picture, its line of scores, and its state in words.

import { getJson } from "../api.js";
import { clock, duration, framesInWords, rate } from "../format.js";
import { showHealth } from "../health_pill.js";
import { fill, sentence } from "../shell/element.js";
import { drawLine, SPAN_MS } from "../line.js";
import { followReport } from "../report.js";
import { addressOf } from "../shell/router.js";
import { openTrial } from "../trial.js";
import { drawBoxes, drawZones } from "../zones.js";
import { showJpeg } from "./pictures.js";

const VERDICTS = {
  complete: "normal is known", still_learning: "more normal footage is needed", too_short: "too little normal footage: learn from more",
};

export class CameraCard {
  status = null;
  points = [];
  #zones = [];
  #bankId = null;
  #drawn = "";
  #started = false;
  #fault;

  constructor(camera, fault) {
    this.id = camera.id;
    this.#fault = fault;
    this.node = document.getElementById("camera-card").content.firstElementChild.cloneNode(true);
    this.node.dataset.camera = camera.id;
    this.picture = this.node.querySelector(".picture img");
    this.picture.alt = `latest frame of ${camera.id}`;
    this.node.querySelector("canvas").setAttribute("aria-label", `scores of ${camera.id}, last three minutes`);
    this.picture.addEventListener("load", () => this.#drawZones());
    this.node.querySelector("h3 a").href = addressOf(`cameras/${encodeURIComponent(camera.id)}`);
    this.node.querySelector(".try-budget").addEventListener("click", () => openTrial(camera.id, this.status?.analysis?.threshold));
    followReport(this.node.querySelector(".report"), camera.id, fault);
    this.showCamera(camera);
  }

  /** Its name and zones. */
  showCamera(camera) {
    this.node.querySelector(".adopted").hidden = !camera.adopted;
    const link = this.node.querySelector("h3 a");
    link.textContent = camera.name || camera.id;
    link.title = camera.id;
    this.#zones = camera.zones ?? [];
    this.#drawZones();
  }

  /** It came into view for the first time: load what only this page needs. */
  begin() {
    if (this.#started) return;
    this.#started = true;
    this.#loadScores().catch(this.#fault);
    if (this.status) this.#showLearnt().catch(this.#fault);
  }

  #drawZones() {
    drawZones(this.node.querySelector(".zones"), this.picture, this.#zones);
  }

  async showPicture(shown, jpeg) {
    await showJpeg(this.picture, jpeg);
    drawBoxes(this.node.querySelector(".boxes"), this.picture, shown.boxes);
    this.node.querySelector(".no-picture").hidden = true;
  }

  showNoPicture() {
    this.picture.hidden = true;
    this.node.querySelector(".no-picture").hidden = false;
    this.#drawZones();
  }

  async #loadScores() {
    const from = Date.now() - SPAN_MS;
    const series = await getJson(`api/v1/cameras/${encodeURIComponent(this.id)}/scores?from=${from}&limit=10000`);
    const newest = series.points.length ? Date.parse(series.points.at(-1).t) : 0;
    const loaded = series.points.map((point) => ({ t: Date.parse(point.t), score: point.score }));
    this.points = [...loaded, ...this.points.filter((point) => point.t > newest)];
    this.#showScore();
  }

  addScore(message) {
    this.points.push({ t: Date.parse(message.t), score: message.score });
    const oldest = Date.now() - SPAN_MS - 10_000;
    while (this.points.length && this.points[0].t < oldest) this.points.shift();
    this.#showScore();
  }

  showStatus(status) {
    this.status = status;
    const { node } = this;
    const pill = node.querySelector(".health");
    showHealth(pill, status);
    pill.hidden = pill.textContent === status.arming.state; // the pill of arming says it
    node.querySelector(".random").hidden = !status.random_weights;
    showArming(node, status);
    fill(node.querySelector(".reason"), ...sentence(status.reason));
    node.querySelector(".facts").textContent = factsOf(status);
    showBudget(node.querySelector(".budget"), status.analysis?.threshold, status.budget);
    node.querySelector(".try-budget").hidden = !status.analysis?.threshold;
    const learning = status.enrolment?.text ?? "";
    node.querySelector(".enrolment").textContent = status.reason.includes(learning) ? "" : learning; // the reason may say it already
    node.querySelector(".learnt").hidden = status.arming.by_itself && status.arming.state === "provisional"; // it asks nobody for more
    if (this.#started) this.#showLearnt().catch(this.#fault);
    this.#showScore();
  }

  /** How complete the active bank is, by the report of its enrolment. Requested once for each bank. */
  async #showLearnt() {
    const bankId = this.status.analysis?.bank_id;
    if (!bankId || this.#bankId === bankId) return;
    this.#bankId = bankId;
    const { enrolments } = await getJson(`api/v1/cameras/${encodeURIComponent(this.id)}/enrolments`);
    const report = enrolments.find((enrolment) => enrolment.bank_id === bankId)?.report;
    if (!report && enrolments.some(({ state }) => state === "running")) this.#bankId = null; // it may still write it
    const line = this.node.querySelector(".learnt");
    line.textContent = report ? `${VERDICTS[report.verdict] ?? report.verdict} (${duration(report.seconds)} learnt)` : "";
    line.title = report?.next_step ?? "";
    line.dataset.verdict = report?.verdict ?? "";
  }

  #showScore() {
    const output = this.node.querySelector(".score");
    const { status } = this;
    const last = this.points.at(-1) ?? (status?.last_score && { score: status.last_score.score });
    output.textContent = last ? last.score.toFixed(2) : "–";
    const stale = !["ok", "ended"].includes(status?.health);
    output.classList.toggle("stale", stale);
    output.title = stale ? "out of date: no new scores arrive" : "latest score";
    const threshold = status?.analysis?.threshold_on;
    const alarm = Boolean(last) && threshold != null && last.score >= threshold && status.health === "ok";
    output.classList.toggle("alarm", alarm);
    this.node.classList.toggle("alarm", alarm);
  }

  /** Draw the line of scores, unless it looks as it did. */
  draw(nowMs) {
    const canvas = this.node.querySelector("canvas");
    const threshold = this.status?.analysis?.threshold_on;
    const looks = `${Math.round(nowMs / 1000)} ${this.points.length} ${this.points.at(-1)?.t} ${threshold} ${canvas.clientWidth}`;
    if (looks === this.#drawn) return;
    this.#drawn = looks;
    drawLine(canvas, this.points, threshold, nowMs);
    canvas.dataset.points = this.points.length;
  }
}

function factsOf(status) {
  const { frames, capture, analysis } = status;
  return [
    analysis && `profile ${analysis.profile}`,
    capture?.width && `${capture.width}x${capture.height}`,
    capture?.fps != null && `${capture.fps.toFixed(1)} frames/s`,
    status.lag_s != null && `lag ${Math.max(0, status.lag_s).toFixed(2)} s`,
    analysis?.bank_id || frames.scored ? framesInWords(frames) : `${frames.captured} frames seen`,
    shareInWords(status.alerts_confirmed_share),
    frames.balanced ? "" : "some frames are not accounted for",
    status.last_gap && `last without frames from ${clock(status.last_gap.from)} to ${clock(status.last_gap.to)}`,
  ].filter(Boolean).join(" · ");
}

/** How many of the alerts that operators judged were right. */
const shareInWords = (share) => share && `${share.confirmed} of ${share.judged} judged alerts were real anomalies`;

/** How far its normal is known: learning with its progress, provisional, or armed. */
function showArming(node, { arming, enrolment: latest }) {
  const enrolment = ["queued", "running"].includes(latest?.state) ? latest : null;
  const pill = node.querySelector(".arming");
  pill.hidden = !arming.state;
  pill.textContent = arming.state ?? "";
  pill.dataset.health = arming.state ?? "";
  pill.title = [arming.text, arming.next_step].filter(Boolean).join("; ");
  const progress = node.querySelector(".learning");
  progress.hidden = arming.state !== "learning";
  progress.value = enrolment ? enrolment.progress : Math.min(1, arming.remembered_s / arming.first_bank_s);
}

/** The camera's alarm budget: how many false alarms to expect, and above which score; why so many, where that is a part
 * of the site's budget. */
export function showBudget(line, threshold, budget) {
  const expected = threshold ? threshold.warning || `expect about ${rate(threshold.expected)} false alarms a day` : "";
  line.textContent = [expected, budget?.source === "site" && budget.text].filter(Boolean).join("; ");
  line.classList.toggle("warned", Boolean(threshold?.warning));
  line.title = threshold
    ? `Expect ${rate(threshold.expected_low)} to ${rate(threshold.expected_high)} false alarms a day. Learn from more normal footage `
      + `(so far ${duration(3600 * threshold.footage_hours)}) to narrow this range. An alert opens above a score of ${threshold.on.toFixed(2)}.`
    : "";
}
