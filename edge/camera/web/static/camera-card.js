// One camera: its live image with boxes around faces, its counters, and the button that pauses it.

import { request } from "/static/api.js";
import { byId, definitions, delay, element, pageVisible } from "/static/dom.js";
import { text } from "/static/text.js";
import { reasonLabel } from "./labels.js";

const IMAGE_INTERVAL_MS = 200;
const TIMEOUT_MS = 8000;
const AFTER_COMMAND_MS = 400;
const SVG = "http://www.w3.org/2000/svg";

export class CameraCard {
  constructor(name) {
    this.url = `/cameras/${encodeURIComponent(name)}`;
    this.card = byId("camera").content.firstElementChild.cloneNode(true);
    this.screen = this.card.querySelector(".screen");
    this.image = this.card.querySelector("img");
    this.boxes = this.card.querySelector("svg");
    this.veil = this.card.querySelector(".veil");
    this.button = this.card.querySelector(".pause");
    this.card.querySelector("h2").textContent = name;
    this.image.alt = text("whatTheCameraSees", { camera: name });
    this.button.addEventListener("click", () => this.sendCommand());
    this.still = this.card.querySelector(".still");
    this.still.querySelector("button").addEventListener("click", () => this.sendMask());
    this.etag = "";
    this.hasImage = false; // whether there is anything to fetch
    byId("cameras").append(this.card);
    this.followImages();
  }

  show(camera) {
    this.command = nextCommand(camera);
    this.button.textContent = text(this.command);
    this.hasImage = !(camera.problem || ["paused", "ended"].includes(camera.state));
    this.showVeil(veilText(camera));
    if (camera.state === "paused") this.forgetImage();
    this.card.querySelector(".counts").replaceChildren(...definitions(counters(camera)));
    this.showReasons(camera.rejected);
  }

  showUnreachable() {
    this.showVeil(text("noAnswer"));
  }

  showVeil(sentence) {
    this.veil.hidden = !sentence;
    this.veil.textContent = sentence;
    this.screen.classList.toggle("stale", Boolean(sentence));
    if (sentence) this.boxes.replaceChildren();
  }

  showReasons(rejected) {
    const reasons = Object.entries(rejected).sort((one, other) => other[1] - one[1]);
    this.card.querySelector(".reasons").hidden = !reasons.length;
    this.card.querySelector(".reasons ul").replaceChildren(...reasons.map(([reason, count]) => element("li", {},
      element("span", { textContent: reasonLabel(reason) }), element("span", { textContent: count.toLocaleString() }))));
  }

  // Whoever pauses does not want to be seen, not even as of a moment ago.
  forgetImage() {
    if (this.image.src) URL.revokeObjectURL(this.image.src);
    this.image.removeAttribute("src");
    this.etag = "";
  }

  async sendCommand() {
    this.button.disabled = true;
    try {
      await request(`${this.url}/${this.command}`, { method: "POST", signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      // the next state shows whether it worked
    }
    await delay(AFTER_COMMAND_MS);
    this.button.disabled = false;
  }

  // What never moves, as long as it is in view: a poster, a photograph.
  showStill(faces) {
    const count = faces.filter((face) => face.rejected === "still").length;
    this.still.hidden = !count;
    this.still.querySelector("span").textContent = text(count === 1 ? "oneStill" : "manyStill", { number: count });
  }

  async sendMask() {
    try {
      await request(`${this.url}/mask`, { method: "POST", signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      // the next image shows whether it worked
    }
  }

  async followImages() {
    for (;;) {
      await pageVisible();
      if (this.hasImage) await this.fetchImage().catch(() => {}); // the next one follows
      await delay(IMAGE_INTERVAL_MS);
    }
  }

  async fetchImage() {
    const headers = this.etag ? { "If-None-Match": this.etag } : {};
    const options = { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
    const response = await request(`${this.url}/preview.jpg`, options);
    if (response.status !== 200) return;
    const image = await response.blob();
    if (!this.hasImage) return;
    const previous = this.image.src;
    this.image.src = URL.createObjectURL(image);
    await this.image.decode();
    if (previous) URL.revokeObjectURL(previous);
    this.etag = response.headers.get("etag");
    this.drawBoxes(JSON.parse(response.headers.get("x-faces")));
  }

  drawBoxes({ width, height, faces }) {
    this.showStill(faces);
    this.screen.style.aspectRatio = `${width} / ${height}`;
    this.boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.boxes.replaceChildren(...(this.hasImage ? faces.flatMap((face) => faceBox(face, width)) : []));
  }
}

function nextCommand(camera) {
  if (camera.state !== "paused") return "pause";
  return camera.pause_reason === "schedule" ? "run" : "schedule";
}

function veilText(camera) {
  if (camera.state === "paused") return text(camera.pause_reason === "schedule" ? "outsideItsSchedule" : "paused");
  return camera.problem || (camera.state === "ended" ? text("fileEnded") : "");
}

function counters(camera) {
  const still = camera.frames_processed ? Math.round((100 * camera.no_motion) / camera.frames_processed) : null;
  const always = [
    ["framesPerSecond", camera.frames_per_second.toFixed(1)],
    ["noMotion", still === null ? "–" : text("percent", { number: still })],
    ["faces", camera.faces.toLocaleString()],
    ["visits", camera.visits.toLocaleString()],
    ["captured", camera.captured.toLocaleString()],
  ];
  const ifAny = [
    ["framesSkipped", camera.frames_skipped],
    ["framesDropped", camera.frames_dropped],
    ["framesDamaged", camera.frames_damaged],
    ["refused", camera.refused],
  ];
  const some = ifAny.filter(([, count]) => count).map(([name, count]) => [name, count.toLocaleString()]);
  return [...always, ...some].map(([name, count]) => [text(name), count]);
}

function faceBox(face, imageWidth) {
  const [x, y, width, height] = face.box;
  const size = imageWidth / 40;
  const label = svgElement("text", { x, y: y > 1.5 * size ? y - size / 3 : y + height + size, "font-size": size });
  label.textContent = face.rejected ? reasonLabel(face.rejected) : text("percent", { number: Math.round(100 * face.quality) });
  const kind = face.rejected ? "poor" : "good";
  return [svgElement("rect", { x, y, width, height, rx: size / 4, class: kind }), label];
}

function svgElement(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
