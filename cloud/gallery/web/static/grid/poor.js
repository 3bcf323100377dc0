// Visits without a good picture: folded until somebody asks.

import { byId } from "/static/dom.js";
import { counted, text } from "/static/text.js";

const REASONS = { dark: "dark", blurred: "blurred", turned: "turned", "eyes shut": "eyesShut", cut: "cut" };

export const poorLabel = (reason) => (Object.hasOwn(REASONS, reason) ? text(REASONS[reason]) : reason);

export function offerPoor() {
  byId("poor").addEventListener("click", () => {
    document.body.classList.toggle("show-poor");
    countPoor();
  });
}

export function countPoor() {
  const number = document.querySelectorAll("#days .poor").length;
  const names = document.body.classList.contains("show-poor") ? ["hideOnePoor", "hidePoor"] : ["showOnePoor", "showPoor"];
  byId("poor").hidden = !number;
  byId("poor").textContent = counted(...names, number);
}
