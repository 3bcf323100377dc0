// The way through all days at the right: it follows the page, and where somebody releases it the page goes on from there.

import { requestJson } from "/static/api.js";
import { byId, element } from "/static/dom.js";
import { fullDay, locale } from "/static/text.js";
import { addressQuery, cameraQuery, choose, dayOf, daysLater, parseDay } from "./filters.js";
import { picturesShown } from "./first.js";

const DAY_MS = 86_400_000;
const MARKS = 12; // at most

let asked = null; // whose oldest day is known
let days = 0; // from today to the oldest one

const today = () => daysLater(new Date(), 0);
const ago = (day) => Math.round((today() - day) / DAY_MS);

export function offerScrubber() {
  const range = byId("scrubber-range");
  range.addEventListener("input", () => showDay(true));
  range.addEventListener("change", () => {
    showDay(false);
    choose({ day: "", until: Number(range.value) ? dayOf(daysLater(today(), -range.value)) : "" });
  });
  range.addEventListener("blur", () => showDay(false));
  addEventListener("scroll", follow, { passive: true });
}

// After something was chosen.
export async function showScrubber() {
  const query = String(cameraQuery());
  if (asked !== query) {
    asked = query;
    await picturesShown();
    const found = await requestJson(`/api/oldest?${query}`).catch(() => ({ day: null }));
    if (asked !== query) return;
    days = found.day ? ago(parseDay(found.day)) : 0;
    mark();
  }
  byId("scrubber").hidden = days < 1 || Boolean(addressQuery().get("day"));
  byId("scrubber-range").max = days;
  follow();
}

function follow() {
  const range = byId("scrubber-range");
  if (byId("scrubber").hidden || document.activeElement === range) return;
  const shown = [...document.querySelectorAll("#days .day")].find((section) => section.getBoundingClientRect().bottom > innerHeight / 4);
  set(parseDay(shown?.id.slice("day ".length)) ?? parseDay(addressQuery().get("until")) ?? today());
}

function set(day) {
  byId("scrubber-range").value = ago(day);
  speak();
}

function speak() {
  const range = byId("scrubber-range");
  const name = fullDay(daysLater(today(), -range.value));
  range.setAttribute("aria-valuetext", name);
  return name;
}

function showDay(visible) {
  const bubble = byId("scrubber-day");
  bubble.textContent = speak();
  bubble.hidden = !visible;
  bubble.style.top = `${(100 * byId("scrubber-range").value) / Math.max(days, 1)}%`;
}

// Months, or as many of them as have room.
function mark() {
  const first = today();
  const months = [];
  for (let at = new Date(first.getFullYear(), first.getMonth(), 1); ago(at) <= days; at = new Date(at.getFullYear(), at.getMonth() - 1, 1)) months.push(at);
  const every = Math.ceil(months.length / MARKS);
  byId("scrubber-marks").replaceChildren(...months.filter((_, place) => place % every === 0).map((at) => {
    const made = element("li", { textContent: at.toLocaleDateString(locale, { month: "short", ...(at.getMonth() && every < 12 ? {} : { year: "numeric" }) }) });
    made.style.top = `${(100 * ago(at)) / Math.max(days, 1)}%`;
    return made;
  }));
}
