// The picture itself: its thumbnail at once, then the whole; zoom and full screen.

import { byId } from "/static/dom.js";
import { keyQuery } from "../grid/tile.js";

const address = (key) => `/image?${keyQuery(key)}`;

const FACE_SHARE = 3; // a face takes a third of the width of a picture that is zoomed in on it
const ZOOMS = [2.5, 8]; // at least and at most; without a face the first, as in viewer.css

let current = null;
let face = null; // in a picture of a whole frame, in its pixels: x, y, width, height

// Shows a capture, and then loads what may be asked for next.
export async function showPicture(key, next) {
  current = key;
  face = null;
  zoom(false);
  byId("large").src = `/thumbnail?${keyQuery(key)}`;
  if (!(await loaded(key)) || current !== key) return;
  byId("large").src = address(key);
  for (const other of next.filter(Boolean)) loaded(other);
}

// What the zoom goes to. A crop is a face already; what an edge says may be anything.
export function zoomTo({ picture, box }) {
  const numbers = picture === "frame" ? (box ?? "").split(",").map(Number) : [];
  face = numbers.length === 4 && numbers.every(Number.isFinite) && numbers[2] > 0 ? numbers : null;
}

export function offerZoom() {
  const toggle = () => zoom(!byId("stage").classList.contains("zoomed"));
  byId("zoom").addEventListener("click", toggle);
  byId("large").addEventListener("dblclick", toggle);
  byId("full").addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId("stage").requestFullscreen?.().catch(() => {}); // then the page stays as it is
  });
}

function zoom(zoomed) {
  const [stage, image] = [byId("stage"), byId("large")];
  stage.classList.toggle("zoomed", zoomed);
  byId("zoom").ariaPressed = String(zoomed);
  image.style.width = "";
  if (!zoomed || !face) return;
  const [x, y, width, height] = face;
  image.style.width = `${100 * Math.min(Math.max(image.naturalWidth / (FACE_SHARE * width), ZOOMS[0]), ZOOMS[1])}%`;
  const scale = image.clientWidth / image.naturalWidth;
  stage.scrollTo((x + width / 2) * scale - stage.clientWidth / 2, (y + height / 2) * scale - stage.clientHeight / 2);
}

async function loaded(key) {
  const image = new Image();
  image.src = address(key);
  return image.decode().then(() => true, () => false);
}
