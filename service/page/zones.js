// The zones of a camera, as outlines with their names over its picture.

const SVG = "http://www.w3.org/2000/svg";

/** Draw zones into an SVG that lies exactly over a picture which keeps its shape (object-fit: contain). */
export function drawZones(svg, img, zones) {
  const { naturalWidth: width, naturalHeight: height } = img;
  svg.toggleAttribute("hidden", !zones.length || !width || img.hidden);
  if (!width) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`); // and so the SVG keeps the same shape in the same box
  svg.replaceChildren(...zones.map((zone) => outline(zone, width, height)));
}

/** Draw what the detector sees, in the same way. `boxes`: {label, x1, y1, x2, y2} in shares of the picture. */
export function drawBoxes(svg, img, boxes) {
  const { naturalWidth: width, naturalHeight: height } = img;
  svg.toggleAttribute("hidden", !boxes.length || !width || img.hidden);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...boxes.map(({ label, x1, y1, x2, y2 }) => {
    const rect = node("rect", { x: x1 * width, y: y1 * height, width: (x2 - x1) * width, height: (y2 - y1) * height, class: "seen" });
    rect.append(node("title", {}, label));
    return rect;
  }));
}

function outline({ name, kind, points }, width, height) {
  const group = node("g", { class: `zone zone-${kind}` });
  const corners = points.map(([x, y]) => [x * width, y * height]);
  const title = node("title", {}, `${name} (${kind})`);
  const polygon = node("polygon", { points: corners.map((corner) => corner.join()).join(" ") });
  const left = Math.min(...corners.map(([x]) => x)), top = Math.min(...corners.map(([, y]) => y));
  const size = height / 18;
  const label = node("text", { x: left + size / 3, y: top + size * 1.1, "font-size": size }, name);
  group.append(title, polygon, label);
  return group;
}

function node(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}
