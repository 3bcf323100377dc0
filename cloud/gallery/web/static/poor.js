// Pictures that are no good ones: folded until somebody asks. Their keys do not tell, so that it is known a moment later.

import { requestJson } from "/static/api.js";
import { byId } from "/static/dom.js";
import { text } from "/static/text.js";

const REASONS = { dark: "dark", blurred: "blurred", turned: "turned", "eyes shut": "eyesShut", cut: "cut" };

export const poorLabel = (reason) => (Object.hasOwn(REASONS, reason) ? text(REASONS[reason]) : reason);

export function offerPoor() {
  byId("poor").addEventListener("click", () => {
    document.body.classList.toggle("show-poor");
    countPoor();
  });
}

// Marks the poor ones of a page; `tileOf` finds the tile of a key, if it is there.
export async function markPoor(query, tileOf) {
  try {
    const { poor } = await requestJson(`/api/poor?${query}`);
    for (const [key, reason] of Object.entries(poor)) mark(tileOf(key), reason);
  } catch {
    // then they stay in view
  }
  countPoor();
}

export function countPoor() {
  const number = document.querySelectorAll("#days .poor").length;
  const names = document.body.classList.contains("show-poor") ? ["hideOnePoor", "hidePoor"] : ["showOnePoor", "showPoor"];
  byId("poor").hidden = !number;
  byId("poor").textContent = text(names[number === 1 ? 0 : 1], { number });
}

function mark(tile, reason) {
  if (!tile || tile.classList.contains("poor")) return;
  tile.classList.add("poor");
  tile.querySelector(".caption").append(` · ${poorLabel(reason)}`);
}
