// Alerts in words.

export const KINDS = {
  anomaly: "anomaly", frozen: "picture frozen", covered: "lens covered or dark", scene_changed: "scene changed",
  blind: "nothing can be seen", shaking: "camera shakes", flickering: "light flickers",
  offline: "camera offline", drift: "normal has changed", lasting_change: "the scene has changed",
  absence: "something did not happen",
};

/** What is unusual about an anomaly. */
export const ANOMALIES = {
  behaviour: "unusual behaviour", place: "unusual place or appearance", thing: "unusual thing",
};

/** What an alert is of. */
export const kindOf = (alert) => ANOMALIES[alert.anomaly] ?? KINDS[alert.kind] ?? alert.kind.replaceAll("_", " ");

/** What is known of it, in a line. */
export const factsOf = (alert) => alert.kind !== "anomaly" ? alert.detail : [
  `peak ${alert.peak_score.toFixed(2)} (threshold ${alert.threshold.toFixed(2)})`,
  alert.zones?.length && `in ${alert.zones.join(", ")}`,
  alert.stream && `stream ${alert.stream}`,
  alert.provisional && `provisional: little is known yet of what is normal${alert.page_only ? ", so nobody was notified" : ""}`,
  alert.random_weights && "random weights",
].filter(Boolean).join(" · ");
