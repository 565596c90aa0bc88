// Where alerts go: devices of one's own, channels with their health, a test and what was sent; and muting them for a while.

import { KINDS } from "../alert_words.js";
import { getJson } from "../api.js";
import { dateTime } from "../format.js";
import { byId, choice, element, fill, sentence } from "../shell/element.js";
import { fault } from "../shell/faults.js";
import { knownCameras, nameOf, refreshSite } from "../shell/site.js";
import { judge } from "../verdicts.js";
import { channelForm } from "./channel_form.js";
import { Devices } from "./devices.js";
import { action, Section, table } from "./section.js";

const SEVERITIES = { low: "all alerts", medium: "severity from medium on", high: "only high severity" };
const LOG_ROWS = 50;
const NOTICES = { alert: "an alert", over: "its end", test: "a test" };
const OUTCOMES = { sent: "sent", failed: "failed, tried again", given_up: "given up", not_needed: "not needed by then" };
const NO_LINK = "Its messages carry no link to the alert: set PATCHWATCH_PUBLIC_URL to the address that phones open this page at, and start again; "
  + "or open the page at that address, and add the channel there.";

export async function enter() {
  judge(null);
  await refreshSite();
  const parts = [new Devices(), new Mutes(), new Channels()];
  fill(byId("notifications"), ...parts.map((part) => part.node));
  for (const part of parts) part.renew().catch(fault);
}

class Mutes extends Section {
  constructor() {
    super("Mute");
    this.node.dataset.needs = "operator";
  }

  async load() {
    const { mutes } = await getJson("api/v1/mutes");
    const camera = choice([["", "all cameras"], ...knownCameras().map(({ id }) => [id, nameOf(id)])], { "aria-label": "Cameras" });
    const path = (id) => (id ? `api/v1/cameras/${encodeURIComponent(id)}/mute` : "api/v1/mute");
    const mute = (body, text) => () => this.change("PUT", path(camera.value), body, text);
    const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    fill(this.content,
      element("p.facts", {}, "Alerts go on and are kept; nobody is told of them."),
      ...mutes.map((one) => element("div.row", {}, `${one.camera_id ? nameOf(one.camera_id) : "All cameras"}: until ${dateTime(one.until)}`,
        action("End", () => this.change("DELETE", path(one.camera_id), undefined, "Not muted any more.")))),
      element("div.row", {}, camera, action("For an hour", mute({ minutes: 60 }, "Muted for an hour.")),
        action("Until tomorrow", mute({ until: "tomorrow", time_zone: timeZone }, "Muted until tomorrow."))));
  }
}

class Channels extends Section {
  constructor() {
    super("Channels");
    this.node.dataset.needs = "admin";
  }

  async load() {
    const { channels } = await getJson("api/v1/channels");
    fill(this.content, ...channels.map((channel) => this.#row(channel)),
      !channels.length && element("p.facts", {}, "None yet: nobody is told of alerts, but for the devices above."),
      channelForm(channels.map(({ id }) => id), (body) => this.change("POST", "api/v1/channels", body, "Added: try it with its test.")));
  }

  #row(channel) {
    const path = `api/v1/channels/${encodeURIComponent(channel.id)}`;
    const about = [channel.cameras.length ? channel.cameras.map(nameOf).join(", ") : "all cameras", channel.kinds.map((kind) => KINDS[kind] ?? kind).join(", "), SEVERITIES[channel.least_severity],
      channel.after_minutes && `after ${channel.after_minutes} minutes without review`, channel.hours && `${channel.hours.begin}–${channel.hours.end}`].filter(Boolean).join(" · ");
    const unlinked = channel.links_to || channel.url.startsWith("frigate") ? "" : NO_LINK;
    const reason = channel.health === "ok" ? "" : channel.reason; // that it has sent nothing yet is nothing to worry about
    const log = element("div");
    const test = () => this.change("POST", `${path}/test`, undefined, (answer) => (answer.delivered ? "The test was sent." : `Not sent: ${answer.detail}`));
    const toggle = () => this.change("PATCH", path, { enabled: !channel.enabled }, channel.enabled ? "Off." : "On.");
    const remove = () => confirm(`Remove ${channel.id}?`) && this.change("DELETE", path, undefined, "Removed.");
    return element("article.stack.channel", { dataset: { channel: channel.id } },
      element("p", {}, element("strong", {}, channel.id), " ", element("span.pill", { dataset: { health: channel.health } }, channel.health), ` ${channel.url}`),
      reason && element("p.warned", {}, ...sentence(reason)), element("p.facts", {}, about),
      unlinked && element("p.facts", {}, unlinked),
      element("div.row", {}, action("Test", test), action("What was sent", () => this.#log(path, log)), action(channel.enabled ? "Switch off" : "Switch on", toggle), action("Remove", remove, ".danger")), log);
  }

  async #log(path, node) {
    try {
      const { records } = await getJson(`${path}/log?limit=${LOG_ROWS}`);
      const rows = records.map((record) => [dateTime(record.t), NOTICES[record.notice] ?? record.notice, OUTCOMES[record.outcome] ?? record.outcome, record.title || record.alert_ids.join(", "), record.answer ?? ""]);
      fill(node, records.length ? table(["When", "Of", "Outcome", "Message", "Answer"], rows) : element("p.facts", {}, "Nothing yet."));
    } catch (error) {
      this.say(error.message, true);
    }
  }
}
