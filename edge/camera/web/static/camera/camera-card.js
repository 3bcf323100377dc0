// One camera: its live image with boxes around faces, its counters, and the button that pauses it.

import { request } from "/static/api.js";
import { byId, definitions, delay, element, pageVisible } from "/static/dom.js";
import { clock, dayName, locale, text } from "/static/text.js";
import { blindLabel, reasonLabel } from "./labels.js";
import { faceBox } from "./boxes.js";
import { MaskEditor } from "./masks.js";

const IMAGE_INTERVAL_MS = 200;
const TIMEOUT_MS = 8000;
const AFTER_COMMAND_MS = 400;

export class CameraCard {
  constructor(name) {
    this.url = `/cameras/${encodeURIComponent(name)}`;
    this.card = byId("camera").content.firstElementChild.cloneNode(true);
    this.screen = this.card.querySelector(".screen");
    this.image = this.card.querySelector("img");
    this.boxes = this.card.querySelector(".boxes");
    this.veil = this.card.querySelector(".veil");
    this.button = this.card.querySelector(".pause");
    this.card.querySelector("h2").textContent = name;
    this.image.alt = text("whatTheCameraSees", { camera: name });
    this.button.addEventListener("click", () => this.sendCommand());
    this.blind = this.card.querySelector(".blind");
    this.still = this.card.querySelector(".still");
    this.still.querySelector("button").addEventListener("click", () => this.sendMask());
    this.enlarge = this.card.querySelector(".enlarge");
    for (const part of [this.enlarge, this.image]) part.addEventListener("click", () => this.setLarge(this.enlarge.ariaPressed !== "true"));
    new MaskEditor(this.url, this.card);
    this.etag = "";
    this.hasImage = false; // whether there is anything to fetch
    byId("cameras").append(this.card);
    this.followImages();
  }

  // One of several fills the row; another one gives way.
  setLarge(large) {
    for (const other of document.querySelectorAll(".camera.large .enlarge")) if (other !== this.enlarge) other.click();
    this.card.classList.toggle("large", large);
    this.enlarge.ariaPressed = String(large);
  }

  show(camera) {
    this.command = nextCommand(camera);
    this.button.textContent = text(this.command);
    this.hasImage = !(camera.problem || ["paused", "ended"].includes(camera.state));
    this.showVeil(veilText(camera));
    this.screen.classList.toggle("paused", camera.state === "paused");
    if (camera.state === "paused") this.forgetImage();
    this.card.querySelector(".counts").replaceChildren(...definitions(counters(camera)));
    this.showBlind(camera);
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

  showBlind({ blind, blind_since: since }) {
    const sentence = blind ? text("blindSince", { time: moment(since), why: blindLabel(blind) }) : "";
    this.blind.hidden = !sentence;
    if (this.blind.textContent !== sentence) this.blind.textContent = sentence;
  }

  showReasons(rejected) {
    const reasons = Object.entries(rejected).sort((one, other) => other[1] - one[1]);
    this.card.querySelector(".reasons").hidden = !reasons.length;
    this.card.querySelector(".reasons ul").replaceChildren(...reasons.map(([reason, count]) => element("li", {},
      element("span", { textContent: reasonLabel(reason) }), element("span", { textContent: count.toLocaleString(locale) }))));
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
  if (camera.state === "paused") {
    const reason = text(camera.pause_reason === "schedule" ? "outsideItsSchedule" : "paused");
    const span = [["since", camera.paused_since], ["until", camera.paused_until]].filter(([, at]) => at);
    return [reason, ...span.map(([name, at]) => text(name, { time: moment(at) }))].join("\n");
  }
  return camera.problem || (camera.state === "ended" ? text("fileEnded") : "");
}

function moment(at) {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return isToday ? clock(at) : text("dayAndTime", { day: dayName(at), time: clock(at) });
}

function counters(camera) {
  const still = camera.frames_processed ? Math.round((100 * camera.no_motion) / camera.frames_processed) : null;
  const always = [
    ["framesPerSecond", camera.frames_per_second.toFixed(1)],
    ["noMotion", still === null ? "–" : text("percent", { number: still })],
    ["faces", camera.faces.toLocaleString(locale)],
    ["visits", camera.visits.toLocaleString(locale)],
    ["captured", camera.captured.toLocaleString(locale)],
  ];
  const ifAny = [
    ["framesSkipped", camera.frames_skipped],
    ["framesDropped", camera.frames_dropped],
    ["framesDamaged", camera.frames_damaged],
    ["refused", camera.refused],
  ];
  const some = ifAny.filter(([, count]) => count).map(([name, count]) => [name, count.toLocaleString(locale)]);
  return [...always, ...some].map(([name, count]) => [text(name), count]);
}
