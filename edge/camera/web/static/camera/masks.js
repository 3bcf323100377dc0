// The mask editor: corners are set on the picture by clicks, or by arrow keys and Enter; a closed polygon applies at once.

import { requestJson } from "/static/api.js";
import { element } from "/static/dom.js";
import { text } from "/static/text.js";
import { svgElement } from "./boxes.js";

const MIN_CORNERS = 3;
const NEAR = 0.03; // of the picture: a click this near to the first corner closes the polygon
const STEP = 0.02;
const STEPS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

export class MaskEditor {
  constructor(url, card) {
    this.url = `${url}/masks`;
    this.button = card.querySelector(".draw");
    this.canvas = card.querySelector(".drawing");
    this.panel = card.querySelector(".masks");
    this.drawn = [];
    this.corners = []; // of the polygon that is being drawn
    this.cursor = [0.5, 0.5];
    this.canvas.ariaLabel = text("drawMasks");
    this.canvas.setAttribute("viewBox", "0 0 1 1");
    this.canvas.setAttribute("preserveAspectRatio", "none");
    this.button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    this.canvas.addEventListener("click", (event) => this.clicked(event));
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  async open() {
    this.corners = [];
    this.show(true);
    try {
      this.drawn = (await requestJson(this.url)).drawn;
      this.say("");
    } catch (error) {
      this.say(error.message);
    }
    this.draw();
    this.canvas.focus();
  }

  close() {
    this.show(false);
  }

  show(open) {
    this.panel.hidden = !open;
    this.canvas.toggleAttribute("hidden", !open);
    this.button.ariaPressed = String(open);
  }

  say(problem) {
    this.panel.querySelector(".problem").textContent = problem;
  }

  clicked(event) {
    const box = this.canvas.getBoundingClientRect();
    this.set([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map(within));
  }

  pressed(event) {
    if (event.key in STEPS) this.cursor = this.cursor.map((value, axis) => within(value + STEPS[event.key][axis]));
    else if (event.key === "Enter" || event.key === " ") this.set(this.cursor);
    else if (event.key === "Backspace") this.corners.pop();
    else if (event.key === "Escape" && this.corners.length) this.corners = [];
    else return;
    event.preventDefault();
    this.draw();
  }

  set(corner) {
    const [first] = this.corners;
    const closes = this.corners.length >= MIN_CORNERS && Math.hypot(corner[0] - first[0], corner[1] - first[1]) < NEAR;
    if (closes) return this.save([...this.drawn, this.corners]);
    this.cursor = corner;
    this.corners.push(corner);
    this.draw();
  }

  async save(polygons) {
    this.corners = [];
    try {
      await requestJson(this.url, { method: "POST", body: JSON.stringify({ polygons }) });
      this.drawn = polygons;
      this.say("");
    } catch (error) {
      this.say(error.message);
    }
    this.draw();
  }

  draw() {
    const points = (corners) => corners.map((corner) => corner.join()).join(" ");
    const [x, y] = this.cursor;
    const cross = [`M ${x - NEAR} ${y} H ${x + NEAR}`, `M ${x} ${y - NEAR} V ${y + NEAR}`].join(" ");
    this.canvas.replaceChildren(
      ...this.drawn.map((corners) => svgElement("polygon", { points: points(corners), class: "mask" })),
      svgElement("polyline", { points: points(this.corners), class: "open" }),
      ...this.corners.map(([cx, cy], place) => svgElement("ellipse", { cx, cy, rx: NEAR / 4, ry: NEAR / 3, class: place ? "corner" : "corner first" })),
      svgElement("path", { d: cross, class: "cross" }),
    );
    this.panel.querySelector("ol").replaceChildren(...this.drawn.map((_, place) => this.item(place)));
  }

  item(place) {
    const remove = element("button", { type: "button", className: "quiet", textContent: text("removeMask", { number: place + 1 }) });
    remove.addEventListener("click", () => this.save(this.drawn.filter((_, other) => other !== place)));
    return element("li", {}, remove);
  }
}

const within = (value) => Math.min(1, Math.max(0, Math.round(value * 10_000) / 10_000));
