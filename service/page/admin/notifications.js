// Where alerts go: devices of one's own, channels with their health, a test and what was sent; and muting them for a while.

import { getJson } from "../api.js";
import { dateTime } from "../format.js";
import { byId, choice, element, fill, labelled } from "../shell/element.js";
import { fault } from "../shell/faults.js";
import { knownCameras, nameOf, refreshSite } from "../shell/site.js";
import { judge } from "../verdicts.js";
import { Devices } from "./devices.js";
import { action, Section, table } from "./section.js";

const SEVERITIES = [["low", "all alerts"], ["medium", "from medium on"], ["high", "only high"]];
const LOG_ROWS = 50;
const split = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);

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
      !channels.length && element("p.facts", {}, "None yet: nobody is told of alerts."), this.#form());
  }

  #row(channel) {
    const path = `api/v1/channels/${encodeURIComponent(channel.id)}`;
    const about = [channel.cameras.length ? channel.cameras.map(nameOf).join(", ") : "all cameras", channel.kinds.join(", "), `severity from ${channel.least_severity}`,
      channel.after_minutes && `after ${channel.after_minutes} minutes without review`, channel.hours && `${channel.hours.begin}–${channel.hours.end}`].filter(Boolean).join(" · ");
    const log = element("div");
    const test = () => this.change("POST", `${path}/test`, undefined, (answer) => (answer.delivered ? "The test was sent." : `Not sent: ${answer.detail}`));
    const toggle = () => this.change("PATCH", path, { enabled: !channel.enabled }, channel.enabled ? "Off." : "On.");
    const remove = () => confirm(`Remove ${channel.id}?`) && this.change("DELETE", path, undefined, "Removed.");
    return element("article.stack.channel", { dataset: { channel: channel.id } },
      element("p", {}, element("strong", {}, channel.id), " ", element("span.pill", { dataset: { health: channel.health } }, channel.health), ` ${channel.url}`),
      channel.reason && element("p.warned", {}, channel.reason), element("p.facts", {}, about),
      element("div.row", {}, action("Test", test), action("What was sent", () => this.#log(path, log)), action(channel.enabled ? "Switch off" : "Switch on", toggle), action("Remove", remove, ".danger")), log);
  }

  async #log(path, node) {
    try {
      const { records } = await getJson(`${path}/log?limit=${LOG_ROWS}`);
      const rows = records.map((record) => [dateTime(record.t), record.notice, record.outcome, record.title || record.alert_ids.join(", "), record.answer ?? ""]);
      fill(node, records.length ? table(["When", "Of", "Outcome", "Message", "Answer"], rows) : element("p.facts", {}, "Nothing yet."));
    } catch (error) {
      this.say(error.message, true);
    }
  }

  #form() {
    const id = element("input", { required: true, maxLength: 63, pattern: "[a-z0-9][a-z0-9_\\-]*", autocomplete: "off" });
    const url = element("input", { required: true, maxLength: 2000, placeholder: "ntfys://HOST/TOPIC", autocomplete: "off", spellcheck: false });
    const cameras = element("input", { placeholder: "all", autocomplete: "off" });
    const severity = choice(SEVERITIES);
    const after = element("input", { type: "number", min: 1, max: 1440, placeholder: "at once" });
    const add = async (event) => {
      event.preventDefault();
      const body = { id: id.value, url: url.value.trim(), cameras: split(cameras.value), least_severity: severity.value, after_minutes: after.value ? Number(after.value) : null };
      await this.change("POST", "api/v1/channels", body, "Added: test it.");
    };
    return element("details", {}, element("summary", {}, "Add a channel"), element("form.add-form", { onsubmit: add },
      labelled("Id", id, "small letters, digits, - and _"), labelled("Address", url, "as Apprise has it: mailtos://, ntfys://, tgram:// and a hundred others; frigate://HOST:5000 makes alerts events there"),
      labelled("Cameras", cameras, "ids, with commas between"), labelled("Severity", severity), labelled("Minutes without review before it is told", after),
      element("div.row", {}, element("button.primary", {}, "Add the channel"))));
  }
}
