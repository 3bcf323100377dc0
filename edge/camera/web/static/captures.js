// Today's visits with their best shots, and where each of these is.

import { byId, element } from "/static/dom.js";
import { bestOf } from "/static/shots.js";
import { clock, counted, text } from "/static/text.js";
import { aroundFace } from "./camera/face.js";
import { reasonLabel, stateLabel } from "./camera/labels.js";
import { openViewer } from "./viewer.js";

let shown = "";

export function showCaptures(captures) {
  const today = new Date().toDateString();
  const read = today + JSON.stringify(captures);
  if (read === shown) return;
  shown = read;
  const visits = visitsOf(captures.filter((capture) => capture.has_image && new Date(capture.captured_at).toDateString() === today));
  const list = byId("captures");
  byId("no-captures").hidden = visits.length > 0;
  const focused = document.activeElement?.closest("#captures li")?.dataset.id;
  const present = new Map([...list.children].map((item) => [item.dataset.id, item]));
  list.replaceChildren(...visits.map((visit) => visitItem(visit, present.get(visitId(visit[0])))));
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus();
}

const visitId = ({ camera, track, id }) => (track ? `${camera}/${track}` : id);

// Lists of shots, the newest visit and the newest shot first.
function visitsOf(captures) {
  const visits = new Map();
  for (const capture of captures) {
    const id = visitId(capture);
    visits.set(id, [...(visits.get(id) ?? []), capture]);
  }
  return [...visits.values()];
}

function visitItem(shots, present) {
  const read = JSON.stringify(shots);
  if (present?.dataset.read === read) return present;
  const best = bestOf(shots);
  const button = element("button", { type: "button", className: "tile" }, aroundFace(image(best, present), best.face), caption(best, shots));
  button.addEventListener("click", () => openViewer(best, [...shots].reverse()));
  const item = element("li", {}, button);
  item.dataset.id = visitId(best);
  item.dataset.read = read;
  return item;
}

// The same picture is not loaded again when only its state has changed.
function image(capture, present) {
  const known = present?.querySelector("img");
  if (known?.dataset.id === capture.id) return known;
  const made = element("img", { src: `/captures/${capture.id}`, alt: text("faceAt", capture), loading: "lazy" });
  made.dataset.id = capture.id;
  return made;
}

function caption(best, shots) {
  const time = clock(shots[0].captured_at) + (shots.length > 1 ? ` ×${shots.length}` : "");
  const [label, kind] = stateLabel(best.state);
  const state = element("span", { className: `state ${kind}`, textContent: label });
  const poor = best.poor ? `${reasonLabel(best.poor)} ` : "";
  const spoken = element("span", { className: "visually-hidden", textContent: counted("onePicture", "manyPictures", shots.length) });
  return element("span", { className: "caption" }, element("b", { textContent: time }), spoken, ` ${best.camera} ${poor}`, state);
}
