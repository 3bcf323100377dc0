// Whether all cameras are fine: one sentence that leads to the page of all edges.

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
  link.className = fleet?.known && fleet.troubled.length ? "trouble" : "";
  if (link.textContent !== sentence) link.textContent = sentence;
}

function sentenceOf({ known, edges, cameras, troubled }) {
  if (!cameras) return "";
  if (!known) return text("camerasUnknown");
  if (!troubled.length) return counted("cameraFine", "camerasFine", cameras);
  const [{ edge, camera }] = troubled;
  if (troubled.length === 1) return text("cameraTroubled", { camera: edges > 1 ? `${edge} / ${camera}` : camera });
  return text("camerasTroubled", { number: troubled.length.toLocaleString(locale), all: cameras.toLocaleString(locale) });
}
