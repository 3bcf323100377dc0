// How many visits each edge and camera has: of the chosen day, or of the days of the strip.

import { requestJson } from "/static/api.js";
import { delay, pageVisible } from "/static/dom.js";
import { amount, stripSpan } from "./calendar.js";
import { addressQuery, chosenSpan, setCounts } from "./filters.js";
import { picturesShown } from "./first.js";

const PAUSE_MS = 1000;
const MAX_ANSWERS = 20;

let asked = "";

export async function showFilterCounts() {
  const [from, to] = addressQuery().get("day") ? chosenSpan() : stripSpan();
  const query = String(new URLSearchParams({ from: from.toISOString(), to: to.toISOString() }));
  if (asked === query) return;
  asked = query;
  for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
    await Promise.all([pageVisible(), picturesShown()]);
    const found = await requestJson(`/api/camera-counts?${query}`).catch(() => null);
    if (asked !== query) return;
    if (found) setCounts(found.cameras, amountOf);
    if (found?.complete) return;
    await delay(PAUSE_MS);
  }
}

// Of several cameras together.
function amountOf(counts) {
  const sum = (name) => counts.reduce((total, each) => total + each[name], 0);
  const visits = counts.some((each) => each.visits === null) ? null : sum("visits");
  return amount({ captures: sum("captures"), visits });
}
