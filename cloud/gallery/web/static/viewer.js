// One capture, large, with its metadata and its visit. The address names it, so that Back closes it.
// Events: "show" (another capture is shown) and "describe" (what is known about it has arrived).

import { requestJson } from "/static/api.js";
import { byId, definitions, element } from "/static/dom.js";
import { text } from "/static/text.js";
import { addressQuery, changeAddress } from "./overview/filters.js";
import { keyQuery } from "./grid.js";
import { poorLabel } from "./poor.js";

const SWIPE_PIXELS = 50;
const PRELOAD = 5; // captures before the end of the grid
const SHOTS = ["first", "better", "dwell", "stay", "last"]; // "more" needs no word

export class Viewer extends EventTarget {
  constructor(grid) {
    super();
    this.grid = grid;
    this.key = null; // of the capture that is shown
    this.visitKeys = [];
    grid.addEventListener("open", ({ detail }) => this.open(detail));
    grid.addEventListener("change", () => this.key && this.showNeighbours());
    this.followInput();
  }

  open(key) {
    changeAddress({ key }, this.key ? "replaceState" : "pushState"); // Back closes it, however many were opened
    this.showAddress();
  }

  close() {
    changeAddress({ key: "" });
    this.showAddress();
  }

  async showAddress() {
    const key = addressQuery().get("key");
    if (!key) return this.hide();
    this.reset(key);
    if (!byId("viewer").open) byId("viewer").showModal();
    try {
      const capture = await requestJson(`/api/capture?${keyQuery(key)}`);
      if (this.key === key) this.describe(capture);
    } catch (error) {
      if (this.key === key) this.showError(error);
    }
  }

  hide() {
    if (byId("viewer").open) byId("viewer").close();
    this.key = null;
  }

  reset(key) {
    this.key = key;
    this.visitKeys = [];
    byId("large").src = `/image?${keyQuery(key)}`;
    byId("large").alt = text("theCapture", { key });
    byId("download").href = `/image?${keyQuery(key)}&download`;
    byId("captured-at").textContent = "";
    byId("facts").replaceChildren();
    byId("visit").hidden = true;
    this.showNeighbours();
    this.dispatchEvent(new Event("show"));
  }

  describe(capture) {
    const at = new Date(capture.at);
    const isVisit = capture.visit.length > 1;
    this.visitKeys = capture.visit.map((shot) => shot.key);
    byId("captured-at").textContent = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });
    byId("facts").replaceChildren(...definitions(facts(capture)));
    byId("visit").hidden = !isVisit;
    byId("shots").replaceChildren(...capture.visit.map((shot) => this.shotItem(shot)));
    this.dispatchEvent(new Event("describe"));
  }

  showError(error) {
    byId("captured-at").textContent = error.message;
  }

  shotItem(shot) {
    const image = element("img", { src: `/thumbnail?${keyQuery(shot.key)}`, alt: "" });
    const label = shotLabel(shot.shot);
    const button = element("button", { type: "button", ariaLabel: text("shotOfVisit", { shot: label }) }, image, element("span", { textContent: label }));
    button.setAttribute("aria-current", String(shot.key === this.key));
    button.addEventListener("click", () => this.open(shot.key));
    return element("li", {}, button);
  }

  showNeighbours() {
    const place = this.grid.indexOf(this.key);
    byId("newer").disabled = place <= 0;
    byId("older").disabled = place < 0 || place === this.grid.captures.length - 1;
  }

  // -1: the newer neighbour, 1: the older one.
  step(direction) {
    const place = this.grid.indexOf(this.key);
    const next = place + direction;
    if (place < 0 || next < 0) return;
    if (next >= this.grid.captures.length - PRELOAD) this.grid.loadMore();
    if (this.grid.captures[next]) this.open(this.grid.captures[next].key);
  }

  followInput() {
    const dialog = byId("viewer");
    byId("close").addEventListener("click", () => this.close());
    byId("newer").addEventListener("click", () => this.step(-1));
    byId("older").addEventListener("click", () => this.step(1));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && this.close());
    dialog.addEventListener("keydown", (event) => {
      if (event.target.matches("input, select")) return;
      if (event.key === "ArrowLeft") this.step(-1);
      if (event.key === "ArrowRight") this.step(1);
    });
    this.followSwipes(byId("large"));
  }

  followSwipes(image) {
    let start = null;
    image.addEventListener("touchstart", (event) => (start = event.touches[0].clientX), { passive: true });
    image.addEventListener("touchend", (event) => {
      const moved = event.changedTouches[0].clientX - start;
      if (Math.abs(moved) > SWIPE_PIXELS) this.step(moved > 0 ? -1 : 1);
    });
  }
}

function facts({ at, edge, camera, key, metadata }) {
  return [
    [text("utc"), at.replace("T", " ").replace("+00:00", "")],
    [text("edge"), edge],
    [text("camera"), metadata.camera || camera],
    [text("quality"), percent(metadata.quality)],
    [text("score"), percent(metadata.score)],
    [text("face"), metadata.box && text("faceBox", metadata)],
    [text("shot"), shotLabel(metadata.shot)],
    [text("poor"), metadata.poor && poorLabel(metadata.poor)],
    [text("brightened"), metadata.brightened && text("times", { number: metadata.brightened })],
    [text("visit"), metadata.track],
    [text("key"), key],
  ];
}

const shotLabel = (shot) => (SHOTS.includes(shot) ? text(shot) : shot === "more" ? "" : shot ?? "");
const percent = (share) => (share && !Number.isNaN(Number(share)) ? text("percent", { number: Math.round(100 * share) }) : share);
