// Up to where somebody has looked: what is newer is marked the next time.

import { sortKey } from "./visits.js";

const NAME = "usbcam seen until";

export const seenUntil = read();

export function rememberSeen(grid) {
  document.addEventListener("visibilitychange", () => {
    const newest = grid.visits[0] && sortKey(grid.visits[0].newest);
    if (document.hidden && newest > (read() ?? "")) write(newest);
  });
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
