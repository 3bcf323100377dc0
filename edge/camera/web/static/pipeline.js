// The delivery path, stage by stage, and its summary at the top of the page.

import { byId, element } from "/static/dom.js";

const WORST_FIRST = ["error", "warning", "unknown", "ok"];
const SUMMARIES = { error: "Something is wrong", warning: "Needs attention", unknown: "Starting", ok: "Everything works" };

let shown = "";

export function showPipeline(stages) {
  const text = JSON.stringify(stages);
  if (text === shown) return;
  shown = text;
  byId("pipeline").replaceChildren(...stages.map(stageItem));
  const worst = WORST_FIRST.find((level) => stages.some((stage) => stage.level === level));
  const names = stages.filter((stage) => stage.level === worst).map((stage) => stage.stage).join(", ");
  const needsAction = worst === "error" || worst === "warning";
  showSummary(worst, needsAction ? `${SUMMARIES[worst]}: ${names}` : SUMMARIES[worst]);
}

export function showUnreachable() {
  shown = "";
  showSummary("error", "The camera does not answer. Trying again ...");
}

function stageItem({ stage, level, message }) {
  const name = element("b", { textContent: stage });
  return element("li", { className: level }, name, element("span", { textContent: message }));
}

function showSummary(level, text) {
  const summary = byId("summary");
  summary.className = level;
  if (summary.textContent !== text) summary.textContent = text;
  document.title = level === "error" ? "✕ usbcam" : "usbcam";
}
