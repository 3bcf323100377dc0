// The live page: asks for the state once a second and for pictures one after the other, while somebody looks.
"use strict";

const STATE_MS = 1000;
const PICTURE_MS = 200;
const REASONS = {
  small: "too small",
  blurred: "blurred",
  dark: "too dark or too bright",
  cut: "cut off",
  turned: "turned away",
  "too many": "too many at once",
};
const STATES = {
  spooled: ["on disk", "going"],
  sent: ["on its way", "going"],
  "in S3": ["in S3", "good"],
  rejected: ["rejected", "bad"],
  "taken by the broker": ["with the broker", "good"],
};
const SHOTS = { first: "first of the visit", better: "a better one", stay: "still there", last: "best at the end", more: "" };
const WORST = ["red", "amber", "grey", "green"];

const $ = (id) => document.getElementById(id);
const cameras = new Map();
let shownCaptures = "";
let captures = [];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function looking() {
  return new Promise((done) => {
    if (!document.hidden) return done();
    document.addEventListener("visibilitychange", () => done(), { once: true });
  });
}

async function ask(address, options = {}) {
  const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(8000), ...options });
  if (answer.status === 401) location.assign("/login");
  return answer;
}

// ---- the state

async function followState() {
  for (;;) {
    await looking();
    try {
      const answer = await ask("/state.json");
      if (answer.ok) show(await answer.json());
    } catch {
      summarise("red", "The camera does not answer. Trying again ...");
      for (const camera of cameras.values()) camera.veil("No answer");
    }
    await later(STATE_MS);
  }
}

function show(state) {
  $("logout").hidden = !state.has_lock;
  showLights(state.lights);
  for (const camera of state.cameras) cameraCard(camera.name).show(camera);
  captures = state.captures;
  showCaptures();
  const load = `${state.cpu_percent.toFixed(0)} % of a core, ${state.memory_mb.toFixed(0)} MB, running for ${span(state.running_seconds)}`;
  $("load").textContent = load;
}

function showLights(lights) {
  const list = $("lights");
  const text = JSON.stringify(lights);
  if (list.dataset.text === text) return;
  list.dataset.text = text;
  list.replaceChildren(...lights.map((light) =>
    element("li", { className: light.colour }, element("b", { textContent: light.part }), element("span", { textContent: light.words }))));
  const worst = WORST.find((colour) => lights.some((light) => light.colour === colour));
  const words = { red: "Something is wrong", amber: "Look here", grey: "Starting", green: "All is well" }[worst];
  const parts = lights.filter((light) => light.colour === worst).map((light) => light.part).join(", ");
  summarise(worst, worst === "red" || worst === "amber" ? `${words}: ${parts}` : words);
}

function summarise(colour, words) {
  const summary = $("summary");
  summary.className = colour;
  if (summary.textContent !== words) summary.textContent = words;
  document.title = colour === "red" ? `✕ usbcam` : "usbcam";
}

function span(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  const unit = units.find(([, length]) => seconds >= 2 * length);
  return unit ? `${Math.floor(seconds / unit[1])} ${unit[0]}` : `${seconds} s`;
}

// ---- cameras

function cameraCard(name) {
  if (!cameras.has(name)) cameras.set(name, new CameraCard(name));
  return cameras.get(name);
}

class CameraCard {
  constructor(name) {
    this.name = name;
    this.card = $("camera").content.firstElementChild.cloneNode(true);
    this.screen = this.card.querySelector(".screen");
    this.image = this.card.querySelector("img");
    this.boxes = this.card.querySelector("svg");
    this.words = this.card.querySelector(".veil");
    this.button = this.card.querySelector("button");
    this.card.querySelector("h2").textContent = name;
    this.image.alt = `What the camera ${name} sees`;
    this.button.addEventListener("click", () => this.press());
    this.tag = "";
    this.blank = true;
    $("cameras").append(this.card);
    this.followPictures();
  }

  show(camera) {
    this.command = !camera.paused ? "pause" : camera.paused_by === "schedule" ? "run" : "schedule";
    this.button.textContent = { pause: "Pause", run: "Look now", schedule: "Resume" }[this.command];
    this.blank = camera.paused || Boolean(camera.trouble) || camera.ended;
    this.veil(camera.paused ? (camera.paused_by === "schedule" ? "Outside of its hours" : "Paused") : camera.trouble || (camera.ended ? "The file has ended" : ""));
    if (camera.paused) this.forget();
    const still = camera.looked_at ? `${Math.round((100 * camera.still) / camera.looked_at)} %` : "–";
    const facts = [
      ["Frames looked at, a second", camera.frames_per_second.toFixed(1)],
      ["Nothing moved", still],
      ["Faces in frames", camera.faces],
      ["Visits", camera.visits],
      ["Captures", camera.captured],
    ];
    for (const [words, count] of [["Passed over", camera.passed_over], ["Lost on the way", camera.dropped], ["Damaged", camera.damaged], ["Refused", camera.refused]]) {
      if (count) facts.push([words, count]);
    }
    this.card.querySelector(".counts").replaceChildren(
      ...facts.flatMap(([words, value]) => [element("dt", { textContent: words }), element("dd", { textContent: value.toLocaleString() })]));
    const reasons = Object.entries(camera.rejected).sort((one, other) => other[1] - one[1]);
    this.card.querySelector(".reasons").hidden = !reasons.length;
    this.card.querySelector(".reasons ul").replaceChildren(
      ...reasons.map(([reason, count]) => element("li", {},
        element("span", { textContent: REASONS[reason] ?? reason }), element("span", { textContent: count.toLocaleString() }))));
  }

  veil(words) {
    this.words.hidden = !words;
    this.words.textContent = words;
    this.screen.classList.toggle("stale", Boolean(words));
    if (words) this.boxes.replaceChildren();
  }

  // Whoever pauses does not want to be seen, not even as of a moment ago.
  forget() {
    if (this.image.src) URL.revokeObjectURL(this.image.src);
    this.image.removeAttribute("src");
    this.tag = "";
  }

  async press() {
    this.button.disabled = true;
    try {
      await ask(`/cameras/${encodeURIComponent(this.name)}/${this.command}`, { method: "POST" });
    } catch {
      // the state tells
    }
    await later(400);
    this.button.disabled = false;
  }

  async followPictures() {
    for (;;) {
      await looking();
      if (!this.blank) await this.nextPicture();
      await later(PICTURE_MS);
    }
  }

  async nextPicture() {
    try {
      const headers = this.tag ? { "If-None-Match": this.tag } : {};
      const answer = await ask(`/cameras/${encodeURIComponent(this.name)}/picture.jpg`, { headers });
      if (answer.status !== 200) return;
      const picture = await answer.blob();
      if (this.blank) return;
      const address = URL.createObjectURL(picture);
      const before = this.image.src;
      this.image.src = address;
      await this.image.decode();
      if (before) URL.revokeObjectURL(before);
      this.tag = answer.headers.get("etag");
      this.draw(JSON.parse(answer.headers.get("x-faces")));
    } catch {
      // the next one follows
    }
  }

  draw(view) {
    this.screen.style.aspectRatio = `${view.width} / ${view.height}`;
    this.boxes.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`);
    this.boxes.replaceChildren(...(this.blank ? [] : view.faces.flatMap((face) => box(face, view))));
  }
}

function box(face, view) {
  const [x, y, width, height] = face.box;
  const drawn = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const size = view.width / 40;
  const words = drawn("text", { x, y: y > 1.5 * size ? y - size / 3 : y + height + size, "font-size": size });
  words.textContent = face.rejected ? REASONS[face.rejected] ?? face.rejected : `${Math.round(100 * face.quality)} %`;
  return [drawn("rect", { x, y, width, height, rx: size / 4, class: face.rejected ? "poor" : "good" }), words];
}

// ---- captures

function showCaptures() {
  const text = JSON.stringify(captures);
  if (text === shownCaptures) return;
  shownCaptures = text;
  $("no-captures").hidden = captures.length > 0;
  const focused = document.activeElement?.dataset?.id;
  const there = new Map([...$("captures").children].map((item) => [item.dataset.id, item]));
  $("captures").replaceChildren(...captures.map((capture) => captureItem(capture, there.get(capture.id))));
  if (focused) document.querySelector(`#captures [data-id="${CSS.escape(focused)}"] button`)?.focus();
}

function captureItem(capture, item) {
  const text = JSON.stringify(capture);
  if (item?.dataset.text === text) return item;
  const picture = capture.picture
    ? element("img", { src: `/captures/${capture.id}`, alt: `A face at ${capture.camera}`, loading: "lazy" })
    : element("span", { className: "gone", textContent: "no longer here" });
  const words = element("span", { className: "words" }, element("b", { textContent: timeOf(capture) }), `${capture.camera} `, stateOf(capture));
  const button = element("button", { type: "button" }, picture, words);
  button.dataset.id = capture.id;
  button.addEventListener("click", () => look(capture.id));
  const made = element("li", {}, button);
  made.dataset.id = capture.id;
  made.dataset.text = text;
  return made;
}

const timeOf = (capture) => capture.captured_at ? new Date(capture.captured_at).toLocaleTimeString() : "";

function stateOf(capture) {
  const [words, kind] = STATES[capture.state] ?? [capture.state, ""];
  return element("span", { className: `state ${kind}`, textContent: words });
}

function look(id) {
  const capture = captures.find((other) => other.id === id);
  if (!capture?.picture) return;
  $("viewer-picture").src = `/captures/${id}`;
  $("viewer-picture").alt = `A face at ${capture.camera}`;
  $("viewer-title").textContent = capture.camera;
  const facts = [
    ["When", new Date(capture.captured_at).toLocaleString()],
    ["State", STATES[capture.state]?.[0] ?? capture.state],
    [capture.state === "rejected" ? "Reason" : "Key in the bucket", capture.note],
    ["From sending to receipt", capture.seconds === null ? "" : `${capture.seconds.toFixed(2)} s`],
    ["Quality", `${Math.round(100 * capture.quality)} %`],
    ["Shot", SHOTS[capture.shot] ?? capture.shot],
    ["Id", capture.id],
  ];
  $("viewer-facts").replaceChildren(...facts.filter(([, value]) => value).flatMap(([name, value]) =>
    [element("dt", { textContent: name }), element("dd", { textContent: value })]));
  $("viewer").showModal();
}

$("viewer").addEventListener("click", (event) => {
  if (event.target === $("viewer")) $("viewer").close();
});

followState();
