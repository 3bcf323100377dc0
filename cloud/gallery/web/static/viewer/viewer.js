// One capture, large, with its metadata and its visit. The address names it, so that Back closes it.
// Events: "show" (another capture is shown) and "describe" (what is known about it has arrived).

import { requestJson } from "/static/api.js";
import { byId, definitions, element } from "/static/dom.js";
import { fullTime, text } from "/static/text.js";
import { addressQuery, changeAddress } from "../overview/filters.js";
import { description, keyQuery } from "../grid/tile.js";
import { facts, shotLabel, timeAtCamera } from "./facts.js";
import { showPicture, zoomTo } from "./stage.js";

const SWIPE_PIXELS = 50;
const PRELOAD = 5; // visits before the end of the grid

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
    const key = this.key;
    this.key = null;
    if (byId("viewer").open) byId("viewer").close();
    if (key) this.grid.focus(key);
  }

  reset(key) {
    this.key = key;
    this.visitKeys = [];
    showPicture(key, [this.neighbour(1), this.neighbour(-1)]);
    byId("large").alt = text("theCapture", { key });
    byId("download").href = `/image?${keyQuery(key)}&download`;
    byId("captured-at").textContent = text("loading");
    byId("camera-time").textContent = byId("place").textContent = "";
    byId("facts").replaceChildren();
    byId("visit").hidden = true;
    this.showNeighbours();
    this.dispatchEvent(new Event("show"));
  }

  describe(capture) {
    this.starred = capture.starred;
    zoomTo(capture.metadata);
    this.visitKeys = capture.visit.map((shot) => shot.key);
    byId("large").alt = description(capture);
    byId("captured-at").textContent = fullTime(capture.at);
    byId("place").textContent = [capture.edge, capture.camera].filter(Boolean).join(" / ");
    byId("camera-time").textContent = timeAtCamera(capture);
    byId("facts").replaceChildren(...definitions(facts(capture)));
    byId("visit").hidden = capture.visit.length < 2;
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
    byId("newer").disabled = !this.neighbour(-1);
    byId("older").disabled = !this.neighbour(1);
  }

  // The key of the next visit's picture. -1: the newer one, 1: the older one.
  neighbour(direction) {
    const place = this.grid.visits.indexOf(this.grid.visitOfKey.get(this.key));
    return place < 0 ? undefined : this.grid.visits[place + direction]?.best.key;
  }

  step(direction) {
    const next = this.neighbour(direction);
    if (this.grid.visits.indexOf(this.grid.visitOfKey.get(this.key)) >= this.grid.visits.length - PRELOAD) this.grid.loadMore();
    if (next) this.open(next);
  }

  // Within the visit. -1: the shot before, 1: the one after.
  stepShot(direction) {
    const next = this.visitKeys[this.visitKeys.indexOf(this.key) + direction];
    if (next) this.open(next);
  }

  followInput() {
    const dialog = byId("viewer");
    const keys = { ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), ArrowUp: () => this.stepShot(-1), ArrowDown: () => this.stepShot(1), s: () => byId("star").click(), z: () => byId("zoom").click(), f: () => byId("full").click() };
    byId("close").addEventListener("click", () => this.close());
    byId("newer").addEventListener("click", () => this.step(-1));
    byId("older").addEventListener("click", () => this.step(1));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && this.close());
    dialog.addEventListener("keydown", (event) => {
      if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
      event.preventDefault();
      keys[event.key]();
    });
    this.followSwipes(byId("large"));
  }

  followSwipes(image) {
    let start = null;
    image.addEventListener("touchstart", (event) => (start = event.touches.length === 1 ? event.touches[0].clientX : null), { passive: true });
    image.addEventListener("touchend", (event) => {
      const moved = start === null || byId("stage").classList.contains("zoomed") ? 0 : event.changedTouches[0].clientX - start;
      if (Math.abs(moved) > SWIPE_PIXELS) this.step(moved > 0 ? -1 : 1);
    });
  }
}
