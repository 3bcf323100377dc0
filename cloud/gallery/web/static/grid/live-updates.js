// Server-sent events: what is stored just now, and whether such news come at all.

import { byId } from "/static/dom.js";
import { text } from "/static/text.js";
import { renewCalendar } from "../overview/calendar.js";
import { addCameraOf, matchesFilters } from "../overview/filters.js";
import { renewToday } from "../overview/headline.js";

export function followUpdates(grid) {
  let wasOpen = false;
  const events = new EventSource("/events");
  events.addEventListener("open", () => {
    if (wasOpen) grid.catchUp();
    wasOpen = true;
  });
  events.addEventListener("error", () => showState("off", "pausedGallery"));
  events.addEventListener("broker", ({ data }) => showBroker(JSON.parse(data)));
  events.addEventListener("resync", () => grid.catchUp());
  events.addEventListener("stored", ({ data }) => {
    const capture = JSON.parse(data);
    if (matchesFilters(capture)) grid.addNew(capture);
    addCameraOf(capture);
    renewToday();
    renewCalendar();
  });
}

function showBroker(connected) {
  if (connected) showState("on", "live");
  else showState("off", "pausedBroker");
}

function showState(state, name) {
  byId("live").className = `soft ${state}`;
  byId("live").textContent = text(name);
}
