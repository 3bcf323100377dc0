// The live page: reads the state once a second while somebody sees the page, and hands it to the parts below.

import { request } from "/static/api.js";
import { byId, delay, pageVisible } from "/static/dom.js";
import { fillTexts, text } from "/static/text.js";
import { offerCommand, showBanner, showLost } from "./banner.js";
import { CameraCard } from "./camera/camera-card.js";
import { showCaptures } from "./captures.js";
import { showPipeline, showUnreachable } from "./pipeline.js";

const STATE_INTERVAL_MS = 1000;
const TIMEOUT_MS = 8000;

const cards = new Map(); // by camera

async function followState() {
  for (;;) {
    await pageVisible();
    try {
      const response = await request("/state.json", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.ok) show(await response.json());
    } catch {
      showUnreachable();
      showLost();
      for (const card of cards.values()) card.showUnreachable();
    }
    await delay(STATE_INTERVAL_MS);
  }
}

function show(state) {
  byId("logout").hidden = !state.password_required;
  byId("gallery").hidden = !state.gallery_url;
  if (state.gallery_url) byId("gallery").href = state.gallery_url;
  showPipeline(state.pipeline);
  showBanner(state);
  byId("cameras").classList.toggle("many", state.cameras.length > 1);
  for (const camera of state.cameras) cardOf(camera.name).show(camera);
  showCaptures(state.captures);
  byId("process").textContent = processText(state);
}

function cardOf(name) {
  if (!cards.has(name)) cards.set(name, new CameraCard(name));
  return cards.get(name);
}

function processText({ cpu_percent: cpu, memory_mb: memory, uptime_seconds: uptime }) {
  return text("process", { cpu: cpu.toFixed(0), memory: memory.toFixed(0), time: duration(uptime) });
}

function duration(seconds) {
  const units = [["days", 86400], ["hours", 3600], ["minutes", 60]];
  const [unit, length] = units.find(([, length]) => seconds >= 2 * length) ?? ["seconds", 1];
  return text(unit, { number: unit === "seconds" ? seconds : Math.floor(seconds / length) });
}

fillTexts(document);
fillTexts(byId("camera").content);
offerCommand();
followState();
