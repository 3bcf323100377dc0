// A visit, large: one of its shots with everything that is known about it, and the others to choose.

import { byId, definitions, element } from "/static/dom.js";
import { fullTime, text } from "/static/text.js";
import { aroundFace } from "./camera/face.js";
import { reasonLabel, shotLabel, stateLabel } from "./camera/labels.js";

export function openViewer(capture, shots) {
  show(capture, shots);
  byId("viewer").showModal();
}

function show(capture, shots) {
  byId("viewer-image").src = `/captures/${capture.id}`;
  byId("viewer-image").alt = text("faceAt", capture);
  byId("viewer-title").textContent = `${capture.camera}, ${fullTime(capture.captured_at)}`;
  byId("viewer-facts").replaceChildren(...definitions(facts(capture)));
  byId("viewer-shots").replaceChildren(...(shots.length > 1 ? shots.map((shot) => shotItem(shot, capture, shots)) : []));
}

function shotItem(shot, current, shots) {
  const image = element("img", { src: `/captures/${shot.id}`, alt: "" });
  const button = element("button", { type: "button", ariaLabel: shotLabel(shot.shot) || text("faceAt", shot) }, aroundFace(image, shot.face));
  button.setAttribute("aria-current", String(shot === current));
  button.addEventListener("click", () => {
    show(shot, shots);
    byId("viewer-shots").querySelector("[aria-current=true]").focus();
  });
  return element("li", {}, button);
}

function facts(capture) {
  const waited = capture.receipt_seconds;
  return [
    [text("factState"), stateLabel(capture.state)[0]],
    [text(capture.state === "rejected" ? "factReason" : "factKey"), capture.note],
    [text("factReceipt"), waited === null ? "" : text("seconds", { number: waited.toFixed(2) })],
    [text("factQuality"), text("percent", { number: Math.round(100 * capture.quality) })],
    [text("factShot"), shotLabel(capture.shot)],
    [text("factPoor"), capture.poor && reasonLabel(capture.poor)],
    [text("factId"), capture.id],
  ];
}

byId("viewer").addEventListener("click", (event) => {
  if (event.target === byId("viewer")) byId("viewer").close();
});
