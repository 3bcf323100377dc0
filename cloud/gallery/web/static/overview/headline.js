// Who came today, in one line whose parts are links.

import { requestJson } from "/static/api.js";
import { byId, delay, element, pageVisible } from "/static/dom.js";
import { clock, dayName, text } from "/static/text.js";
import { amount, numberOf } from "./calendar.js";
import { choose, dayOf, daysLater } from "./filters.js";

const RENEW_MS = 60_000; // a new day begins, too
const RETRY_MS = 5000;
const SOON_MS = 1500;

let wake = () => {};

export async function followToday(open) {
  for (;;) {
    await pageVisible();
    const shown = await show(open).then(() => true, () => false);
    if (!shown) byId("who").replaceChildren();
    await Promise.race([delay(shown ? RENEW_MS : RETRY_MS), new Promise((done) => (wake = done))]);
    await delay(SOON_MS);
  }
}

// After something was stored or deleted.
export const renewToday = () => wake();

async function show(open) {
  const today = daysLater(new Date(), 0);
  const { counts, last } = await requestJson(`/api/today?${new URLSearchParams({ from: today.toISOString() })}`);
  const [span] = counts.spans;
  if (!last || !span) return byId("who").replaceChildren(text("nobodyYet"));
  const visits = numberOf(span) ? text("today", { text: amount(span) }) : text("nobodyToday");
  const parts = [link(visits, () => choose({ day: dayOf(today) })), " "];
  byId("who").replaceChildren(...parts, link(lastText(last, today), () => open(last.key)));
}

function lastText({ at, camera, edge }, today) {
  const place = camera || edge || text("unknownPlace");
  return dayOf(at) === dayOf(today) ? text("lastAt", { time: clock(at), camera: place }) : text("lastOn", { day: dayName(at), time: clock(at), camera: place });
}

function link(textContent, onClick) {
  const button = element("button", { type: "button", className: "link", textContent });
  button.addEventListener("click", onClick);
  return button;
}
