// The latest captures and where each of them is.

import { byId, element } from "/static/dom.js";
import { text } from "/static/text.js";
import { stateLabel } from "./labels.js";
import { openViewer } from "./viewer.js";

let shown = "";

export function showCaptures(captures) {
  const read = JSON.stringify(captures);
  if (read === shown) return;
  shown = read;
  const list = byId("captures");
  byId("no-captures").hidden = captures.length > 0;
  const focused = document.activeElement?.closest("#captures li")?.dataset.id;
  const present = new Map([...list.children].map((item) => [item.dataset.id, item]));
  list.replaceChildren(...captures.map((capture) => captureItem(capture, present.get(capture.id))));
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus();
}

function captureItem(capture, present) {
  const read = JSON.stringify(capture);
  if (present?.dataset.read === read) return present;
  const button = element("button", { type: "button", className: "tile" }, captureImage(capture), caption(capture));
  button.addEventListener("click", () => openViewer(capture));
  const item = element("li", {}, button);
  item.dataset.id = capture.id;
  item.dataset.read = read;
  return item;
}

function captureImage(capture) {
  if (!capture.has_image) return element("span", { className: "gone", textContent: text("gone") });
  return element("img", { src: `/captures/${capture.id}`, alt: text("faceAt", capture), loading: "lazy" });
}

function caption(capture) {
  const time = capture.captured_at ? new Date(capture.captured_at).toLocaleTimeString() : "";
  const [label, kind] = stateLabel(capture.state);
  const state = element("span", { className: `state ${kind}`, textContent: label });
  return element("span", { className: "caption" }, element("b", { textContent: time }), `${capture.camera} `, state);
}
