// The form that adds a channel: for each of the usual services what its address looks like.

import { choice, element, fill, labelled } from "../shell/element.js";
import { knownCameras, nameOf } from "../shell/site.js";

const SEVERITIES = [["low", "all alerts"], ["medium", "from medium on"], ["high", "only high"]];
const SERVICES = {
  ntfy: {
    text: "ntfy", example: "https://ntfy.sh/a-long-topic-that-nobody-guesses", schemes: { "https://": "ntfys://", "http://": "ntfy://" },
    hint: "the topic's address, as the app subscribes to it; a login goes before the host: https://USER:PASSWORD@HOST/TOPIC",
  },
  mail: {
    text: "E-mail", example: "mailtos://USER:PASSWORD@HOST:587?from=FROM&to=TO", schemes: {},
    hint: "user and password of the mail server; in them @ is written %40",
  },
  telegram: {
    text: "Telegram", example: "tgram://TOKEN/CHAT", schemes: {},
    hint: "the bot's token from @BotFather, and the id of the chat",
  },
  frigate: {
    text: "Frigate: alerts become events there", example: "http://HOST:5000", schemes: { "https://": "frigates://", "http://": "frigate://" },
    hint: "the address of its API",
  },
  other: {
    text: "another", example: "SCHEME://...", schemes: {},
    hint: "as Apprise writes it: github.com/caronc/apprise/wiki lists a hundred services",
  },
};
const NOT_NAMED = "other"; // its id is typed

/** The address as the API takes it: where a service has an address on the web, that may be given. */
export function addressOfService(service, typed) {
  const address = typed.trim();
  const scheme = Object.keys(SERVICES[service].schemes).find((known) => address.toLowerCase().startsWith(known));
  return scheme ? SERVICES[service].schemes[scheme] + address.slice(scheme.length) : address;
}

/** `taken`: ids that are there already. `add(body)`: is called with what the API takes. */
export function channelForm(taken, add) {
  const service = choice(Object.entries(SERVICES).map(([key, { text }]) => [key, text]), { onchange: () => turn() });
  const id = element("input", { required: true, maxLength: 63, pattern: "[a-z0-9][a-z0-9_\\-]*", autocomplete: "off", spellcheck: false, oninput: () => { typed = true; } });
  const url = element("input", { required: true, maxLength: 2000, autocomplete: "off", autocapitalize: "none", spellcheck: false });
  const address = element("div");
  const cameras = knownCameras().map((camera) => element("input", { type: "checkbox", value: camera.id }));
  const severity = choice(SEVERITIES);
  const after = element("input", { type: "number", min: 1, max: 1440, placeholder: "at once" });
  let typed = false; // the id was typed, not made of the service

  function turn() {
    const { example, hint } = SERVICES[service.value];
    url.placeholder = example;
    fill(address, labelled("Address", url, hint));
    if (!typed) id.value = service.value === NOT_NAMED ? "" : freeId(service.value, taken);
  }

  function submitted(event) {
    event.preventDefault();
    add({
      id: id.value, url: addressOfService(service.value, url.value), cameras: cameras.filter(({ checked }) => checked).map(({ value }) => value),
      least_severity: severity.value, after_minutes: after.value ? Number(after.value) : null,
      page_url: ownAddress(), // its messages link to it
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, // its messages say when
    });
  }

  turn();
  return element("details", { open: !taken.length }, element("summary", {}, "Add a channel"), element("form.add-form", { onsubmit: submitted },
    labelled("Service", service), address, labelled("Id", id, "its name here: small letters, digits, - and _"),
    element("details", {}, element("summary", {}, "Only some cameras or alerts, or only later"), element("div.stack", {},
      cameras.length > 0 && element("fieldset", {}, element("legend", {}, "Only of these cameras; none chosen: of all"),
        ...cameras.map((field) => element("label.check", {}, field, nameOf(field.value)))),
      labelled("Severity", severity), labelled("Minutes without review before it is told", after))),
    element("div.row", {}, element("button.primary", {}, "Add the channel"))));
}

/** Where this page is, without a slash at its end; null on this machine's own address, which no phone can open. */
function ownAddress() {
  const { href, hostname } = new URL("./", location.href);
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname) ? null : href.replace(/\/$/, "");
}

function freeId(service, taken) {
  let number = 1;
  const id = () => (number === 1 ? service : `${service}-${number}`);
  while (taken.includes(id())) number += 1;
  return id();
}
