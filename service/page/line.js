// The scores of one camera over the last three minutes, with its threshold, drawn on a canvas.

export const SPAN_MS = 180_000;
const GAP_MS = 5_000; // the line is interrupted where no scores came for this long

/** `points`: [{t: ms, score}], from the oldest to the newest. */
export function drawLine(canvas, points, threshold, nowMs) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width || !height) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const style = getComputedStyle(document.body);
  const dummy = document.createElement("i");
  document.body.append(dummy);
  const colour = (name) => { dummy.style.color = `var(${name})`; return getComputedStyle(dummy).color; };
  const [rule, faint, accent, alarm] = ["--rule", "--faint", "--accent", "--alarm"].map(colour);
  dummy.remove();

  const left = 26, right = 4, top = 6, bottom = 16;
  const x = (t) => left + (width - left - right) * (1 - (nowMs - t) / SPAN_MS);
  const y = (score) => top + (height - top - bottom) * (1 - score);
  pen.font = `11px ${style.fontFamily}`;
  pen.fillStyle = faint;
  pen.strokeStyle = rule;
  pen.lineWidth = 1;
  for (const level of [0, 0.5, 1]) {
    pen.beginPath(); pen.moveTo(left, y(level)); pen.lineTo(width - right, y(level)); pen.stroke();
    pen.fillText(level === 0.5 ? ".5" : String(level), 4, y(level) + 4);
  }
  pen.fillText("-3 min", left, height - 3);
  pen.textAlign = "right";
  pen.fillText("now", width - right, height - 3);
  pen.textAlign = "left";

  pen.save();
  pen.beginPath(); pen.rect(left, 0, width - left - right, height); pen.clip();
  pen.strokeStyle = accent;
  pen.lineWidth = 1.8;
  pen.lineJoin = "round";
  pen.beginPath();
  let previous = -Infinity;
  for (const point of points) {
    if (point.t - previous > GAP_MS) pen.moveTo(x(point.t), y(point.score));
    else pen.lineTo(x(point.t), y(point.score));
    previous = point.t;
  }
  pen.stroke();
  pen.restore();
  if (threshold != null) {
    pen.strokeStyle = alarm;
    pen.setLineDash([5, 4]);
    pen.lineWidth = 1.2;
    pen.beginPath(); pen.moveTo(left, y(threshold)); pen.lineTo(width - right, y(threshold)); pen.stroke();
    pen.setLineDash([]);
  }
}
