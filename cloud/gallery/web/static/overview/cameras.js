// Whether all cameras are healthy: one sentence that leads to the page of all edges.

import { requestJson } from "/static/api.js";
import { byId, delay, pageVisible } from "/static/dom.js";
import { counted, locale, text } from "/static/text.js";

const RENEW_MS = 5000;

export async function followCameras() {
  for (;;) {
    await pageVisible();
    show(await requestJson("/api/fleet").catch(() => null));
    await delay(RENEW_MS);
  }
}

function show(fleet) {
  const link = byId("cameras");
  const sentence = fleet ? sentenceOf(fleet) : "";
  link.hidden = !sentence;
  link.className = fleet?.status_known && fleet.failing.length ? "problem" : "";
  if (link.textContent !== sentence) link.textContent = sentence;
}

function sentenceOf({ status_known, edges, cameras, failing }) {
  if (!cameras) return "";
  if (!status_known) return text("camerasUnknown");
  if (!failing.length) return counted("cameraHealthy", "camerasHealthy", cameras);
  const [{ edge, camera }] = failing;
  if (failing.length === 1) return text("cameraFailing", { camera: edges > 1 ? `${edge} / ${camera}` : camera });
  return text("camerasFailing", { number: failing.length.toLocaleString(locale), all: cameras.toLocaleString(locale) });
}
