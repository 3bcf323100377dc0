// Which captures are shown. The address says it, so that it can be kept and sent.

import { byId, element } from "/static/dom.js";
import { text } from "/static/text.js";

const FILTERS = ["edge", "camera", "day", "from", "to", "until"];
const BEGINNING = new Date(0);
const edges = Object.create(null); // the cameras of each edge

export const addressQuery = () => new URLSearchParams(location.search);
export const showsStarred = () => addressQuery().get("view") === "starred";
export const showsAll = () => addressQuery().get("view") === "all" || showsStarred(); // rather than the best shot of each visit

export function changeAddress(changes, how = "pushState") {
  const query = addressQuery();
  for (const [name, value] of Object.entries(changes)) value ? query.set(name, value) : query.delete(name);
  const search = query.size ? `?${query}` : "";
  if (search !== location.search) history[how](null, "", search || location.pathname);
}

// What decides which tiles there are.
export function filters() {
  const query = addressQuery();
  query.delete("key");
  return query;
}

export const isFiltered = () => FILTERS.some((name) => addressQuery().get(name));

// What the server is asked: a day here is a day where the browser is.
export function serverQuery() {
  const query = cameraQuery();
  const span = chosenSpan();
  if (showsStarred()) query.set("starred", "");
  if (span) ["from", "to"].forEach((name, place) => query.set(name, span[place].toISOString()));
  return query;
}

export function cameraQuery() {
  const query = new URLSearchParams();
  for (const name of ["edge", "camera"]) if (addressQuery().get(name)) query.set(name, addressQuery().get(name));
  return query;
}

export function parseDay(day) {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? "");
  return found ? new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3])) : null;
}

export const daysLater = (date, days) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);

export function dayOf(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function matchesFilters(capture) {
  if (showsStarred()) return false; // nothing is starred from the start
  const query = addressQuery();
  const matches = (name) => !query.get(name) || query.get(name) === capture[name];
  const span = chosenSpan();
  const at = new Date(capture.at);
  return matches("edge") && matches("camera") && (!span || (at >= span[0] && at < span[1]));
}

// From and until; hours are of the chosen day, and those past midnight of the next.
export function chosenSpan() {
  const query = addressQuery();
  const day = parseDay(query.get("day"));
  const until = parseDay(query.get("until"));
  if (!day) return until && [BEGINNING, daysLater(until, 1)];
  const from = atTime(day, query.get("from")) ?? day;
  const to = atTime(day, query.get("to")) ?? daysLater(day, 1);
  return [from, to > from ? to : atTime(daysLater(day, 1), query.get("to"))];
}

function atTime(day, time) {
  const found = /^(\d\d):(\d\d)$/.exec(time ?? "");
  return found && new Date(day.getFullYear(), day.getMonth(), day.getDate(), Number(found[1]), Number(found[2]));
}

export function showFilters() {
  const query = addressQuery();
  const edge = query.get("edge");
  const cameras = edge ? edges[edge] ?? [] : Object.values(edges).flat();
  fillSelect(byId("edge"), Object.keys(edges).sort(), edge, (name) => countOf((count) => count.edge === name));
  fillSelect(byId("camera"), [...new Set(cameras)].sort(), query.get("camera"), (name) => countOf((count) => count.camera === name && (!edge || count.edge === edge)));
  for (const id of ["day", "from", "to"]) byId(id).value = query.get(id) ?? "";
  byId("hours").hidden = byId("next-day").hidden = !query.get("day");
  byId("view").value = showsStarred() ? "starred" : showsAll() ? "all" : "";
  byId("clear").hidden = !isFiltered();
}

let counts = { cameras: [], amountOf: () => "" };

// How many visits each camera has, as far as that is known.
export function setCounts(cameras, amountOf) {
  counts = { cameras, amountOf };
  showFilters();
}

function countOf(matches) {
  const found = counts.cameras.filter(matches);
  return found.length ? counts.amountOf(found) : "";
}

export function addEdges(found) {
  Object.assign(edges, found);
  showFilters();
}

// Keys of some templates lead to no list of edges and cameras: then those that were seen can be chosen.
export function addCameraOf({ edge, camera }) {
  if (!edge || !camera || edges[edge]?.includes(camera)) return;
  (edges[edge] ??= []).push(camera);
  showFilters();
}

let onChange = () => {};

// Shows other captures.
export function choose(values) {
  const day = "day" in values && !("from" in values) ? { from: "", to: "", until: "" } : {};
  changeAddress({ ...day, ...values, key: "" });
  onChange();
}

// Calls `changed` when somebody chooses; until then nothing happens.
export function followFilters(changed) {
  onChange = changed;
  byId("edge").addEventListener("change", () => choose({ edge: byId("edge").value, camera: "" }));
  for (const id of ["camera", "day", "view"]) byId(id).addEventListener("change", () => choose({ [id]: byId(id).value }));
  for (const id of ["from", "to"]) byId(id).addEventListener("change", () => choose({ [id]: byId(id).value }));
  byId("previous-day").addEventListener("click", () => chooseNeighbour(-1));
  byId("next-day").addEventListener("click", () => chooseNeighbour(1));
  byId("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    choose(Object.fromEntries(FILTERS.map((name) => [name, ""])));
  });
}

function chooseNeighbour(days) {
  const day = parseDay(addressQuery().get("day")) ?? daysLater(new Date(), 1 + days);
  choose({ day: dayOf(daysLater(day, days)) });
}

function fillSelect(select, names, chosen, count) {
  const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
  select.replaceChildren(element("option", { value: "", textContent: text("all") }),
    ...all.map((name) => element("option", { value: name, textContent: count(name) ? text("labelled", { name, text: count(name) }) : name })));
  select.value = chosen ?? "";
}
