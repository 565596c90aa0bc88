// The state of a camera in words, with the next step, and the report on its last days.

import { duration, framesInWords, rate } from "../format.js";
import { healthPill } from "../health_pill.js";
import { followReport } from "../report.js";
import { element, fill, sentence } from "../shell/element.js";
import { Part } from "./part.js";

export class StatePart extends Part {
  #words = element("div.stack");

  constructor(cameraId) {
    super(cameraId, "State");
    const report = element("details.report", {}, element("summary", {}, "Last seven days"), element("ul"));
    followReport(report, cameraId, (error) => this.say(error.message, true));
    this.add(this.#words, report);
  }

  show(camera, status) {
    if (!status) return;
    const { analysis, arming, capture, frames } = status;
    const threshold = analysis?.threshold;
    const learning = arming.state === "learning"; // what it drops until then is no fault, and what comes next is said
    fill(this.#words,
      camera.adopted && element("p.row", { dataset: { needs: "operator" } }, "It came by itself, by publishing.",
        element("button.quiet", { type: "button", onclick: () => this.change("PATCH", "", {}, "It is one of yours now.") }, "I know this camera")),
      element("p", {}, healthPill(status), " ", element("span.reason", {}, ...sentence(status.reason))),
      element("p", {}, [arming.text, !learning && arming.next_step].filter((text) => text && !status.reason.includes(text)).join("; ")),
      arming.not_armed_for.length > 0 && element("p.facts", {}, `Not enough is known yet for: ${arming.not_armed_for.join(", ")}.`),
      threshold && element("p", {}, [
        !threshold.warning && `About ${rate(threshold.expected)} false alarms a day are expected, from ${duration(3600 * threshold.footage_hours)} of normal footage.`,
        `An alert opens above a score of ${threshold.on.toFixed(2)}.`,
      ].filter(Boolean).join(" ")),
      analysis?.contexts.length > 0 && element("p.facts", {}, analysis.context
        ? `The picture is compared with what is normal in this light: ${analysis.context}.`
        : `It has a normal of its own for each of: ${analysis.contexts.join(", ")}. The picture shows neither for certain, so all of it counts.`),
      threshold?.warning && element("p.warned", {}, threshold.warning),
      element("p.facts", {}, [
        capture?.width && [`${capture.width}x${capture.height}`, capture.codec].filter(Boolean).join(", "), capture?.fps != null && `${capture.fps.toFixed(1)} frames/s`,
        analysis && `profile ${analysis.profile} on ${analysis.device || "cpu"}`, learning ? `${frames.captured} frames seen` : `frames: ${framesInWords(frames)}`,
        capture?.reconnects ? `${capture.reconnects} reconnects` : "",
      ].filter(Boolean).join(" · ")));
  }
}
