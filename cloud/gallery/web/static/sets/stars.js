// Stars: what has one is kept when its time is over.

import { requestJson } from "/static/api.js";
import { byId } from "/static/dom.js";
import { text } from "/static/text.js";
import { showProblem } from "../grid/grid.js";

const MAX_STARRED = 200; // by one request

// Stars captures, or takes that back; resolves to what must be said about it.
async function setStars(grid, keys, starred) {
  let kept = true;
  for (let first = 0; first < keys.length; first += MAX_STARRED) {
    const part = keys.slice(first, first + MAX_STARRED);
    const answer = await requestJson("/api/star", { method: "POST", body: JSON.stringify({ keys: part, starred }) });
    kept &&= answer.kept !== false;
    grid.showStars(part, starred);
  }
  return kept ? "" : text("notKept");
}

export function offerStar(viewer, grid) {
  const show = (starred) => {
    byId("star").ariaPressed = String(starred);
    byId("star").textContent = text(starred ? "unstar" : "star");
  };
  const say = (sentence) => {
    byId("star-note").textContent = sentence;
    byId("star-note").hidden = !sentence;
  };
  viewer.addEventListener("show", () => {
    byId("star").disabled = true;
    say("");
  });
  viewer.addEventListener("describe", () => {
    byId("star").disabled = false;
    show(viewer.starred);
  });
  byId("star").addEventListener("click", async () => {
    const { key } = viewer;
    const starred = byId("star").ariaPressed !== "true";
    byId("star").disabled = true;
    try {
      const sentence = await setStars(grid, [key], starred);
      if (viewer.key !== key) return;
      show(starred);
      say(sentence || (starred ? text("isKept") : ""));
    } catch (error) {
      if (viewer.key === key) say(error.message);
    }
    byId("star").disabled = false;
    byId("star").focus();
  });
}

// Stars what is chosen; whatever has one already keeps it.
export async function starChosen(grid, keys) {
  try {
    showProblem(await setStars(grid, keys, true));
  } catch (error) {
    showProblem(error.message);
  }
}
