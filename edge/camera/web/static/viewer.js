// One capture, large, with everything that is known about it.

import { byId, definitions } from "/static/dom.js";
import { shotLabel, stateLabel } from "./labels.js";

export function openViewer(capture) {
  if (!capture.has_image) return;
  byId("viewer-image").src = `/captures/${capture.id}`;
  byId("viewer-image").alt = `A face at ${capture.camera}`;
  byId("viewer-title").textContent = capture.camera;
  byId("viewer-facts").replaceChildren(...definitions(facts(capture)));
  byId("viewer").showModal();
}

function facts(capture) {
  const waited = capture.receipt_seconds;
  return [
    ["Captured", new Date(capture.captured_at).toLocaleString()],
    ["State", stateLabel(capture.state)[0]],
    [capture.state === "rejected" ? "Reason" : "S3 key", capture.note],
    ["Time until the receipt", waited === null ? "" : `${waited.toFixed(2)} s`],
    ["Quality", `${Math.round(100 * capture.quality)} %`],
    ["Shot", shotLabel(capture.shot)],
    ["ID", capture.id],
  ];
}

byId("viewer").addEventListener("click", (event) => {
  if (event.target === byId("viewer")) byId("viewer").close();
});
