// Days and hours with how many visits each has: one click shows a day, another one an hour of it. A month unfolds.

import { requestJson } from "/static/api.js";
import { byId, delay, element, pageVisible } from "/static/dom.js";
import { counted, dayName, locale, text } from "/static/text.js";
import { addressQuery, cameraQuery, choose, dayOf, daysLater, parseDay } from "./filters.js";
import { picturesShown } from "./first.js";

const DAYS = 14;
const AROUND = 3; // days that are shown after a chosen one
const HOURS = 24;
const DAY_MS = 86_400_000;
const QUICK_ANSWERS = 20; // what takes longer to count, or fails, is asked for less often
const PAUSE_MS = 700;
const RETRY_MS = 5000;
const RENEW_MS = 4000; // after something new, and never more often

const LISTS = { days: "day-strip", hours: "hour-strip", month: "month-days" };
const shown = { days: "", hours: "", month: "" };
let last = null; // the newest day of the strip
let month = null; // the first day of the month that is unfolded
let renewal = null;

export function offerCalendar() {
  byId("newer-days").addEventListener("click", () => turn(DAYS));
  byId("older-days").addEventListener("click", () => turn(-DAYS));
  byId("month-button").addEventListener("click", () => unfold(byId("month").hidden));
  byId("later-month").addEventListener("click", () => turnMonth(1));
  byId("earlier-month").addEventListener("click", () => turnMonth(-1));
  byId("month").parentElement.addEventListener("keydown", (event) => event.key === "Escape" && !byId("month").hidden && unfold(false));
}

// After something was chosen.
export function showCalendar() {
  const today = daysLater(new Date(), 0);
  const day = parseDay(addressQuery().get("day"));
  last ??= today;
  if (day && (day > last || day <= daysLater(last, -DAYS))) last = minimum(daysLater(day, AROUND), maximum(day, today));
  showStrip();
}

// After something was stored or deleted.
export function renewCalendar() {
  renewal ??= setTimeout(() => {
    renewal = null;
    shown.days = shown.hours = shown.month = "";
    showStrip();
  }, RENEW_MS);
}

function turn(days) {
  last = daysLater(last, days);
  showStrip();
}

function showStrip() {
  const today = daysLater(new Date(), 0);
  const chosen = parseDay(addressQuery().get("day"));
  byId("newer-days").disabled = last >= today;
  byId("hour-strip").hidden = !chosen;
  const days = Array.from({ length: DAYS + 1 }, (_, place) => daysLater(last, place + 1 - DAYS));
  load("days", days, dayItem);
  if (!byId("month").hidden) showMonth();
  const hour = (place) => new Date(chosen.getFullYear(), chosen.getMonth(), chosen.getDate(), place);
  if (chosen) load("hours", Array.from({ length: HOURS + 1 }, (_, place) => hour(place)), hourItem);
  markChosen();
}

// From and until of the days that the strip shows.
export const stripSpan = () => [daysLater(last, 1 - DAYS), daysLater(last, 1)];

function unfold(open) {
  byId("month").hidden = !open;
  byId("month-button").ariaExpanded = String(open);
  if (!open) return byId("month-button").focus();
  const around = parseDay(addressQuery().get("day")) ?? last;
  month = new Date(around.getFullYear(), around.getMonth(), 1);
  showMonth();
}

function turnMonth(months) {
  month = new Date(month.getFullYear(), month.getMonth() + months, 1);
  showMonth();
}

function showMonth() {
  const next = new Date(month.getFullYear(), month.getMonth() + 1, 1);
  const number = Math.round((next - month) / DAY_MS);
  byId("month-title").textContent = month.toLocaleDateString(locale, { month: "long", year: "numeric" });
  byId("later-month").disabled = next > new Date();
  const week = Array.from({ length: 7 }, (_, place) => daysLater(month, place + 7 - column(month)));
  byId("weekdays").replaceChildren(...week.map((day) => element("span", { textContent: day.toLocaleDateString(locale, { weekday: "short" }) })));
  load("month", Array.from({ length: number + 1 }, (_, place) => daysLater(month, place)), monthItem);
}

// Where a day stands in its week, which begins as the browser's country has it.
function column(day) {
  const names = new Intl.Locale(locale);
  const { firstDay } = names.getWeekInfo?.() ?? names.weekInfo ?? { firstDay: 1 };
  return (day.getDay() + 7 - firstDay) % 7;
}

async function load(name, bounds, item) {
  const seconds = bounds.map((at) => Math.floor(at / 1000)).filter((at, place, all) => !place || at > all[place - 1]);
  const query = cameraQuery();
  query.set("at", seconds.join());
  if (shown[name] === String(query)) return;
  shown[name] = String(query);
  show(name, bounds, seconds, [], item);
  for (let answers = 0; ; answers += 1) {
    await Promise.all([pageVisible(), picturesShown()]);
    const counts = await requestJson(`/api/counts?${query}`).catch(() => null);
    if (shown[name] !== String(query)) return;
    if (counts) show(name, bounds, seconds, counts.spans, item);
    if (counts?.complete) return;
    await delay(counts && answers < QUICK_ANSWERS ? PAUSE_MS : RETRY_MS);
  }
}

function show(name, bounds, seconds, spans, item) {
  const numbers = spans.map((span) => (span ? numberOf(span) : 0));
  const most = Math.max(1, ...numbers);
  const items = bounds.slice(0, -1).map((at) => {
    const place = seconds.indexOf(Math.floor(at / 1000));
    const made = element("li", {}, item(at, spans[place]));
    made.style.setProperty("--share", (numbers[place] ?? 0) / most);
    if (name === "month" && at.getDate() === 1) made.style.gridColumnStart = column(at) + 1;
    return made;
  });
  const list = byId(LISTS[name]);
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.value : null;
  list.replaceChildren(...(name === "days" ? items.reverse() : items));
  markChosen();
  if (focused) list.querySelector(`[data-value="${focused}"]`)?.focus();
}

function dayItem(at, span) {
  const weekday = at.toLocaleDateString(locale, { weekday: "short" });
  const date = at.toLocaleDateString(locale, { day: "numeric", month: "numeric" });
  const button = stripButton(dayOf(at), dayName(at), span, element("span", { textContent: weekday }), element("b", { textContent: date }));
  button.addEventListener("click", () => choose({ day: button.ariaPressed === "true" ? "" : button.dataset.value }));
  return button;
}

function monthItem(at, span) {
  const button = stripButton(dayOf(at), dayName(at), span, element("b", { textContent: at.getDate() }));
  button.disabled = at > new Date();
  button.addEventListener("click", () => {
    unfold(false);
    choose({ day: button.dataset.value });
  });
  return button;
}

function hourItem(at, span) {
  const hour = String(at.getHours()).padStart(2, "0");
  const to = `${String((at.getHours() + 1) % HOURS).padStart(2, "0")}:00`;
  const button = stripButton(`${hour}:00`, `${hour}:00`, span, element("b", { textContent: hour }));
  button.addEventListener("click", () => choose(button.ariaPressed === "true" ? { from: "", to: "" } : { from: `${hour}:00`, to }));
  return button;
}

function stripButton(value, name, span, ...labels) {
  const number = span ? numberOf(span) : null;
  const count = element("span", { className: "count", textContent: number === null ? "–" : number || "" });
  const button = element("button", { type: "button", className: number ? "some" : "none" }, ...labels, count);
  button.dataset.value = value;
  button.ariaLabel = span ? text("labelled", { name, text: amount(span) }) : name;
  return button;
}

// How many visits, or pictures where nobody knows yet which belong together.
export const numberOf = (span) => span.visits ?? span.captures;

export function amount(span) {
  return span.visits === null ? counted("onePicture", "manyPictures", span.captures) : counted("oneVisit", "manyVisits", span.visits);
}

function markChosen() {
  const query = addressQuery();
  for (const [strip, name] of [["day-strip", "day"], ["month-days", "day"], ["hour-strip", "from"]]) {
    for (const button of byId(strip).querySelectorAll("button")) button.ariaPressed = String(button.dataset.value === query.get(name));
  }
}

const minimum = (one, other) => (one < other ? one : other);
const maximum = (one, other) => (one > other ? one : other);
