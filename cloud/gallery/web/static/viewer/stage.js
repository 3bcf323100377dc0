// The picture itself: its thumbnail at once, then the whole; zoom and full screen.

import { byId } from "/static/dom.js";
import { keyQuery } from "../grid/tile.js";

const address = (key) => `/image?${keyQuery(key)}`;

let current = null;

// Shows a capture, and then loads what may be asked for next.
export async function showPicture(key, next) {
  current = key;
  byId("stage").classList.remove("zoomed");
  byId("zoom").ariaPressed = "false";
  byId("large").src = `/thumbnail?${keyQuery(key)}`;
  if (!(await loaded(key)) || current !== key) return;
  byId("large").src = address(key);
  for (const other of next.filter(Boolean)) loaded(other);
}

export function offerZoom() {
  const toggle = () => {
    const zoomed = byId("stage").classList.toggle("zoomed");
    byId("zoom").ariaPressed = String(zoomed);
  };
  byId("zoom").addEventListener("click", toggle);
  byId("large").addEventListener("dblclick", toggle);
  byId("full").addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId("stage").requestFullscreen?.().catch(() => {}); // then the page stays as it is
  });
}

async function loaded(key) {
  const image = new Image();
  image.src = address(key);
  return image.decode().then(() => true, () => false);
}
