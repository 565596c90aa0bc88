// Browsers of one's own that show alerts as notifications, this one among them.

import { getJson } from "../api.js";
import { dateTime } from "../format.js";
import { element, fill } from "../shell/element.js";
import { browserName } from "./browser_name.js";
import { action, Section } from "./section.js";

const LONGEST_NAME = 60;
const PUSH_SERVICE_MS = 30_000;

export class Devices extends Section {
  constructor() {
    super("Your devices");
  }

  async load() {
    const { devices, key } = await getJson("api/v1/devices");
    const subscription = await currentSubscription();
    const here = subscription && await idOf(subscription.endpoint);
    const isListed = devices.some(({ id }) => id === here);
    fill(this.content,
      element("p.facts", {}, "A device shows alerts as notifications, also while this page is closed. It is told of the cameras that you see."),
      ...devices.map((device) => this.#row(device, device.id === here)),
      !isListed && (whyNot() ? element("p.warned", {}, whyNot()) : element("div.row", {}, action("Notify this device", () => this.#add(key), ".primary"))));
  }

  #row(device, isHere) {
    const path = `api/v1/devices/${encodeURIComponent(device.id)}`;
    const test = () => this.change("POST", `${path}/test`, undefined, (answer) => (answer.delivered ? "The test was sent: it appears as a notification." : `Not sent: ${answer.detail}`));
    const remove = async () => {
      if (isHere) await (await currentSubscription())?.unsubscribe();
      await this.change("DELETE", path, undefined, "Removed: it is told nothing more.");
    };
    return element("article.stack.channel", { dataset: { device: device.id } },
      element("p", {}, element("strong", {}, device.name), isHere && " (this device)", " ", element("span.pill", { dataset: { health: device.health } }, device.health),
        device.last_success && ` last told ${dateTime(device.last_success)}`),
      device.reason && element("p.facts", {}, device.reason),
      element("div.row", {}, action("Test", test), action("Remove", remove, ".danger")));
  }

  async #add(key) {
    this.say("One moment …");
    try {
      if (await Notification.requestPermission() !== "granted") {
        this.say("The browser does not allow notifications of this page: allow them in its settings for this site.", true);
        return;
      }
      await this.change("POST", "api/v1/devices", await subscribed(key), "Added: try it with a test.");
    } catch (error) {
      this.say(`The browser could not subscribe: ${error.message}`, true);
    }
  }
}

/** Why this browser cannot be told; empty where it can. */
function whyNot() {
  if (!isSecureContext) return "Notifications need https:// (or this machine's own address): put a proxy with a certificate before Patchwatch, and open the page there.";
  if (!("PushManager" in window)) return "This browser has no notifications for pages. On an iPhone, first add the page to the home screen, and open it there.";
  return "";
}

async function currentSubscription() {
  if (whyNot()) return null;
  const registration = await navigator.serviceWorker.getRegistration();
  return registration ? registration.pushManager.getSubscription() : null;
}

/** Subscribe this browser to the installation's key, and describe it as the API takes it. */
async function subscribed(key) {
  const registration = await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe(); // it may be of another key
  const subscription = await Promise.race([
    registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }), noAnswer(),
  ]);
  const { endpoint, keys } = subscription.toJSON();
  return { name: browserName(navigator.userAgent).slice(0, LONGEST_NAME), endpoint, keys };
}

/** Rejects once a push service should have answered long ago; browsers themselves go on asking. */
const noAnswer = () => new Promise((_, reject) => {
  setTimeout(() => reject(new Error("its push service does not answer; this device needs a way to it, through the internet")), PUSH_SERVICE_MS);
});

/** The id that the service gives to the browser with this endpoint. */
async function idOf(endpoint) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint)));
  return `device-${[...digest.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
