// The false alarms a day that are accepted of all cameras together.

import { getJson, send } from "./api.js";

const PATH = "api/v1/site-budget";
const part = document.getElementById("site-budget");
const input = part.querySelector("input");

function show(budget) {
  input.value = budget.false_alarms_per_day ?? "";
  part.querySelector("span").textContent = budget.false_alarms_per_day == null ? "" : budget.text;
}

async function change() {
  const value = input.value === "" ? null : Number(input.value);
  show(await send("PUT", PATH, { false_alarms_per_day: value }));
}

/** Show it, and set what is entered; an empty field is no budget. */
export async function start(fault) {
  input.addEventListener("change", () => change().catch(fault));
  show(await getJson(PATH));
  input.disabled = false; // what was entered before would be lost
}
