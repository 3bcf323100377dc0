// Boxes around faces, as they are drawn over the picture.

import { text } from "/static/text.js";
import { reasonLabel } from "./labels.js";

const SVG = "http://www.w3.org/2000/svg";

export function faceBox(face, imageWidth) {
  const [x, y, width, height] = face.box;
  const size = imageWidth / 40;
  const label = svgElement("text", { x, y: y > 1.5 * size ? y - size / 3 : y + height + size, "font-size": size });
  label.textContent = face.rejected ? reasonLabel(face.rejected) : text("percent", { number: Math.round(100 * face.quality) });
  const kind = face.rejected ? "poor" : "good";
  return [svgElement("rect", { x, y, width, height, rx: size / 4, class: kind }), label];
}

export function svgElement(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
