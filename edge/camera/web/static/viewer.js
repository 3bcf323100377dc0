// One capture, large, with everything that is known about it.

import { byId, definitions } from "/static/dom.js";
import { text } from "/static/text.js";
import { reasonLabel, shotLabel, stateLabel } from "./labels.js";

export function openViewer(capture) {
  if (!capture.has_image) return;
  byId("viewer-image").src = `/captures/${capture.id}`;
  byId("viewer-image").alt = text("faceAt", capture);
  byId("viewer-title").textContent = capture.camera;
  byId("viewer-facts").replaceChildren(...definitions(facts(capture)));
  byId("viewer").showModal();
}

function facts(capture) {
  const waited = capture.receipt_seconds;
  return [
    [text("factCaptured"), new Date(capture.captured_at).toLocaleString()],
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
