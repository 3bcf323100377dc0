// Which captures are shown. The address says it, so that it can be kept and sent.

import { byId, element } from "/static/dom.js";
import { text } from "/static/text.js";

const edges = Object.create(null); // the cameras of each edge

export const addressQuery = () => new URLSearchParams(location.search);

export function changeAddress(changes, how = "pushState") {
  const query = addressQuery();
  for (const [name, value] of Object.entries(changes)) value ? query.set(name, value) : query.delete(name);
  const search = query.size ? `?${query}` : "";
  if (search !== location.search) history[how](null, "", search || location.pathname);
}

export function filters() {
  const query = addressQuery();
  query.delete("key");
  return query;
}

// What the server is asked: a day here is a day where the browser is.
export function serverQuery() {
  const query = filters();
  const day = query.get("day");
  query.delete("day");
  if (day) {
    const [year, month, date] = day.split("-").map(Number);
    query.set("from", new Date(year, month - 1, date).toISOString());
    query.set("to", new Date(year, month - 1, date + 1).toISOString());
  }
  return query;
}

export function dayOf(capture) {
  const at = new Date(capture.at);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function matchesFilters(capture) {
  const query = addressQuery();
  const matches = (name, value) => !query.get(name) || query.get(name) === value;
  return matches("edge", capture.edge) && matches("camera", capture.camera) && matches("day", dayOf(capture));
}

export function showFilters() {
  const query = addressQuery();
  const edge = query.get("edge");
  const cameras = edge ? edges[edge] ?? [] : Object.values(edges).flat();
  fillSelect(byId("edge"), Object.keys(edges).sort(), edge);
  fillSelect(byId("camera"), [...new Set(cameras)].sort(), query.get("camera"));
  byId("day").value = query.get("day") ?? "";
  byId("clear").hidden = !filters().size;
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

// Calls `onChange` when somebody chooses; until then nothing happens.
export function followFilters(onChange) {
  const change = (values) => {
    changeAddress({ ...values, key: "" });
    onChange();
  };
  const choose = () => change({ edge: byId("edge").value, camera: byId("camera").value, day: byId("day").value });
  byId("edge").addEventListener("change", () => {
    byId("camera").value = "";
    choose();
  });
  for (const id of ["camera", "day"]) byId(id).addEventListener("change", choose);
  byId("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    change({ edge: "", camera: "", day: "" });
  });
}

function fillSelect(select, names, chosen) {
  const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
  select.replaceChildren(element("option", { value: "", textContent: text("all") }),
    ...all.map((name) => element("option", { value: name, textContent: name })));
  select.value = chosen ?? "";
}
