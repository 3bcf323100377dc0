// A visit as a tile of the grid.

import { element } from "/static/dom.js";
import { clock, counted, dayName, exactClock, text } from "/static/text.js";
import { showsAll } from "../overview/filters.js";
import { poorLabel } from "./poor.js";

const MINUTE = 60;

export const keyQuery = (key) => new URLSearchParams({ key });

export function tileItem(visit, { isNew, isUnseen }) {
  const item = element("li", { id: `visit ${visit.id}` }, element("button", { type: "button", className: isNew ? "tile new" : "tile" }));
  item.classList.toggle("unseen", isUnseen);
  fillTile(item, visit);
  return item;
}

// After a shot came or went.
export function fillTile(item, visit) {
  const button = item.querySelector("button");
  const { best, poor } = visit;
  item.classList.toggle("poor", Boolean(poor));
  if (button.title !== best.key) button.replaceChildren(image(best), element("span", { className: "caption" }));
  button.title = best.key;
  const starred = visit.shots.some((shot) => shot.starred);
  item.classList.toggle("starred", starred);
  const time = showsAll() ? exactClock(best.at) : clock(visit.newest.at);
  const count = visit.shots.length > 1 ? ` ×${visit.shots.length}` : "";
  const facts = [poor && poorLabel(poor), best.camera, best.edge];
  const first = [element("b", { textContent: time + count }), element("span", { className: "lasted", textContent: lasted(visit) })];
  button.querySelector(".caption").replaceChildren(element("span", {}, ...first), facts.filter(Boolean).join(" · "));
  button.ariaLabel = [description(best), counted("onePicture", "manyPictures", visit.shots.length), lasted(visit), poor && poorLabel(poor), starred && text("starred")].filter(Boolean).join(", ");
}

// What somebody sees who cannot see the picture.
export function description(capture) {
  return text("faceAt", { camera: place(capture) || text("unknownPlace"), day: dayName(capture.at), time: exactClock(capture.at) });
}

const place = ({ edge, camera }) => [edge, camera].filter(Boolean).join(" / ");

function lasted({ seconds, shots }) {
  if (shots.length < 2) return "";
  return seconds < 2 * MINUTE ? text("seconds", { number: seconds }) : text("minutes", { number: Math.round(seconds / MINUTE) });
}

function image({ key }) {
  const made = element("img", { src: `/thumbnail?${keyQuery(key)}`, alt: "", loading: "lazy", decoding: "async" });
  made.addEventListener("error", () => {
    made.classList.add("broken");
    made.dispatchEvent(new CustomEvent("missing", { bubbles: true, detail: key }));
  });
  return made;
}
