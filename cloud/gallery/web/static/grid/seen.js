// Up to where somebody has looked: what is newer is marked the next time.

import { element } from "/static/dom.js";
import { text } from "/static/text.js";
import { sortKey } from "./visits.js";

const NAME = "usbcam seen until";

export const seenUntil = read();

export function rememberSeen(grid) {
  document.addEventListener("visibilitychange", () => {
    const newest = grid.visits[0] && sortKey(grid.visits[0].newest);
    if (document.hidden && newest > (read() ?? "")) write(newest);
  });
}

const line = element("li", { className: "seen-line" });

// Draws the line between what is new and what was there before.
export function drawSeenLine(visits, tileOf) {
  const place = seenUntil ? visits.findIndex((visit) => sortKey(visit.newest) <= seenUntil) : -1;
  if (place < 1) return line.remove();
  line.textContent = text("seenUpToHere");
  const tile = tileOf(visits[place]);
  if (tile.previousElementSibling !== line) tile.before(line);
}

function read() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

function write(value) {
  try {
    localStorage.setItem(NAME, value);
  } catch {
    // then everything is new next time
  }
}
