// Cameras with their live scores, and alerts as they come.

import { follow, get, getJson } from "/page/api.js";
import { openDetail, renewDetail } from "/page/detail.js";
import { drawLine, SPAN_MS } from "/page/line.js";

const STATUS_MS = 2000, ALERTS_SHOWN = 50;
const byId = (id) => document.getElementById(id);
const cards = new Map(); // camera id -> {node, points, status}
const alerts = new Map(); // alert id -> {alert, node}
const topics = { scores: false, alerts: false };

function fault(error) {
  byId("fault").hidden = !error;
  byId("fault").textContent = error ? `The service cannot answer: ${error.message}` : "";
}

function clone(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

async function showPicture(img, path) {
  const blob = await (await get(path)).blob();
  const before = img.src;
  img.src = URL.createObjectURL(blob);
  img.hidden = false;
  if (before) URL.revokeObjectURL(before);
}

// Cameras

function cardOf(camera) {
  let card = cards.get(camera.id);
  if (!card) {
    const node = clone("camera-card");
    node.dataset.camera = camera.id;
    byId("cameras").append(node);
    card = { node, points: [], status: null };
    cards.set(camera.id, card);
    loadScores(camera.id, card).catch(fault);
  }
  card.node.querySelector("h3").textContent = camera.name ? `${camera.name} (${camera.id})` : camera.id;
  return card;
}

async function loadScores(cameraId, card) {
  const from = Date.now() - SPAN_MS;
  const series = await getJson(`/api/v1/cameras/${cameraId}/scores?from=${from}&limit=10000`);
  const newest = series.points.length ? Date.parse(series.points.at(-1).t) : 0;
  const loaded = series.points.map((point) => ({ t: Date.parse(point.t), score: point.score }));
  card.points = [...loaded, ...card.points.filter((point) => point.t > newest)];
}

function showStatus(card, status) {
  card.status = status;
  const { node } = card;
  const pill = node.querySelector(".health");
  pill.textContent = status.health.replace("_", " ");
  pill.dataset.health = status.health;
  node.querySelector(".random").hidden = !status.random_weights;
  node.querySelector(".reason").textContent = status.reason;
  const { frames, capture, analysis } = status;
  const dropped = Object.values(frames.dropped).reduce((sum, count) => sum + count, 0);
  node.querySelector(".facts").textContent = [
    analysis && `profile ${analysis.profile}`,
    capture?.width && `${capture.width}x${capture.height}`,
    capture?.fps != null && `${capture.fps.toFixed(1)} frames/s`,
    status.lag_s != null && `lag ${status.lag_s.toFixed(2)} s`,
    `${frames.scored} scored, ${dropped} dropped`,
    frames.balanced ? "" : "account not balanced",
    status.last_gap && `last gap ${clock(status.last_gap.from)} to ${clock(status.last_gap.to)}`,
  ].filter(Boolean).join(" · ");
  showBudget(node.querySelector(".budget"), analysis?.threshold);
  showLearnt(card, analysis?.bank_id).catch(fault);
  showScore(card);
}

/** What the camera's alarm budget means: its threshold, and how many false alarms are to be expected above it. */
function showBudget(line, threshold) {
  line.textContent = threshold
    ? `alerts above ${threshold.on.toFixed(2)}: about ${rate(threshold.expected)} false alarms a day `
      + `(${rate(threshold.expected_low)} to ${rate(threshold.expected_high)}), from ${duration(3600 * threshold.footage_hours)} of footage`
    : "";
  line.classList.toggle("warned", Boolean(threshold?.warning));
  line.title = threshold?.warning ?? "";
  if (threshold?.warning) line.textContent += ` · ${threshold.warning}`;
}

const rate = (perDay) => perDay < 0.01 ? "0" : perDay < 10 ? String(Number(perDay.toPrecision(2))) : perDay.toFixed(0);

/** What the enrolment of the bank in use found out about it: looked up once for each bank. */
async function showLearnt(card, bankId) {
  if (!bankId || card.bankId === bankId) return;
  const { enrolments } = await getJson(`/api/v1/cameras/${card.status.camera_id}/enrolments`);
  const report = enrolments.find((one) => one.bank_id === bankId)?.report;
  if (report || !enrolments.some((one) => one.state === "running")) card.bankId = bankId; // else its record is yet to come
  const line = card.node.querySelector(".learnt");
  line.textContent = report ? `normal learnt from ${duration(report.seconds)} of footage: ${report.verdict.replace("_", " ")}` : "";
  line.title = report?.next_step ?? "";
  line.dataset.verdict = report?.verdict ?? "";
}

const duration = (s) => s < 120 ? `${Math.round(s)} s` : `${Math.round(s / 60)} minutes`;

function showScore(card) {
  const output = card.node.querySelector(".score");
  const last = card.points.at(-1) ?? (card.status?.last_score && { score: card.status.last_score.score });
  output.textContent = last ? last.score.toFixed(2) : "–";
  output.classList.toggle("stale", card.status?.health !== "ok");
  const threshold = card.status?.analysis?.threshold_on;
  const alarm = Boolean(last) && threshold != null && last.score >= threshold && card.status.health === "ok";
  output.classList.toggle("alarm", alarm);
  card.node.classList.toggle("alarm", alarm);
}

async function refresh() {
  try {
    const [{ cameras }, { statuses }] = await Promise.all([getJson("/api/v1/cameras"), getJson("/api/v1/status")]);
    const known = new Set(cameras.map((camera) => camera.id));
    for (const [id, card] of cards) if (!known.has(id)) { card.node.remove(); cards.delete(id); }
    cameras.forEach(cardOf);
    statuses.forEach((status) => cards.has(status.camera_id) && showStatus(cards.get(status.camera_id), status));
    byId("no-cameras").hidden = cameras.length > 0;
    const well = statuses.filter((status) => status.health === "ok").length;
    byId("summary").textContent = `${well} of ${cameras.length} cameras ok`;
    await Promise.all([...cards].map(([id, card]) => refreshPicture(id, card.node)));
    fault(null);
  } catch (error) {
    fault(error);
  }
  setTimeout(refresh, STATUS_MS);
}

async function refreshPicture(cameraId, node) {
  const img = node.querySelector("img");
  img.alt = `latest frame of ${cameraId}`;
  try {
    await showPicture(img, `/api/v1/cameras/${cameraId}/snapshot.jpg`);
  } catch (error) {
    if (error.status !== 404) throw error;
    img.hidden = true;
  }
  node.querySelector(".no-picture").hidden = !img.hidden;
}

function onScore(message) {
  if (message.type !== "score") return;
  const card = cards.get(message.camera_id);
  if (!card) return;
  card.points.push({ t: Date.parse(message.t), score: message.score });
  const oldest = Date.now() - SPAN_MS - 10_000;
  while (card.points.length && card.points[0].t < oldest) card.points.shift();
  showScore(card);
}

function drawAll() {
  const nowMs = Date.now();
  for (const [id, card] of cards) {
    const canvas = card.node.querySelector("canvas");
    drawLine(canvas, card.points, card.status?.analysis?.threshold_on, nowMs);
    canvas.setAttribute("aria-label", `scores of ${id}, last three minutes`);
    canvas.dataset.points = card.points.length;
  }
  setTimeout(() => requestAnimationFrame(drawAll), 250);
}

// Alerts

const clock = (iso) => new Date(iso).toLocaleTimeString();

const KINDS = { // an anomaly needs no other word than its score
  frozen: "picture frozen", covered: "lens covered or dark", scene_changed: "scene changed",
  blind: "nothing can be seen", shaking: "camera shakes", flickering: "light flickers", offline: "camera offline",
};

function showAlert(alert) {
  let shown = alerts.get(alert.id);
  if (!shown) {
    shown = { node: clone("alert-row"), alert: null };
    shown.node.dataset.alert = alert.id;
    shown.node.addEventListener("click", () => explain(alert.id));
    alerts.set(alert.id, shown);
  }
  const { node } = shown;
  const condition = alert.kind === "anomaly" ? "" : KINDS[alert.kind] ?? alert.kind;
  const rose = !shown.alert || shown.alert.peak_score !== alert.peak_score;
  shown.alert = alert;
  node.className = alert.state;
  node.querySelector(".camera").textContent = alert.camera_id;
  const pill = node.querySelector(".state");
  pill.textContent = alert.state;
  pill.dataset.health = alert.state;
  const kind = node.querySelector(".kind");
  kind.textContent = condition || "anomaly";
  kind.dataset.kind = alert.kind;
  node.querySelector(".why").hidden = Boolean(condition);
  const end = alert.ended ? ` to ${clock(alert.ended)}` : "";
  node.querySelector(".when").textContent = `${new Date(alert.started).toLocaleDateString()} ${clock(alert.started)}${end}`;
  node.querySelector(".what").textContent = condition ? alert.detail : [
    `peak ${alert.peak_score.toFixed(2)} (threshold ${alert.threshold.toFixed(2)})`,
    alert.stream,
    alert.random_weights && "random weights",
  ].filter(Boolean).join(" · ");
  if (rose) renewDetail(alert).catch(fault);
  if (rose) showPicture(node.querySelector("img"), alert.snapshot).catch(() => {}); // a picture may not be kept
  arrangeAlerts();
}

function explain(alertId) {
  const { alert, node } = alerts.get(alertId);
  const rows = [...node.querySelectorAll(".when, .what")].map((row) => row.textContent);
  openDetail(alert, rows).catch(fault);
}

function arrangeAlerts() {
  const sorted = [...alerts.values()].sort((a, b) => b.alert.started.localeCompare(a.alert.started));
  sorted.slice(ALERTS_SHOWN).forEach(({ alert }) => alerts.delete(alert.id));
  byId("alerts").replaceChildren(...sorted.slice(0, ALERTS_SHOWN).map(({ node }) => node));
  byId("no-alerts").hidden = sorted.length > 0;
}

function onState(topic, live) {
  topics[topic] = live;
  const all = topics.scores && topics.alerts;
  byId("link").textContent = all ? "live" : "connecting";
  byId("link").dataset.health = all ? "ok" : "connecting";
}

async function start() {
  await getJson("/api/v1/cameras").catch(fault); // asks for the token before the WebSockets need it
  follow("alerts", (message) => message.type === "alert" && showAlert(message.alert), (live) => onState("alerts", live));
  follow("scores", onScore, (live) => onState("scores", live));
  refresh();
  drawAll();
  const { alerts: latest } = await getJson(`/api/v1/alerts?limit=${ALERTS_SHOWN}`);
  latest.filter((alert) => !alerts.has(alert.id)).forEach(showAlert);
}

start().catch(fault);
