// The delivery path, stage by stage, and its summary at the top of the page.

import { byId, element } from "/static/dom.js";
import { text } from "/static/text.js";

const WORST_FIRST = ["error", "warning", "paused", "unknown", "ok"];
const SUMMARIES = { error: "summaryError", warning: "summaryWarning", unknown: "summaryUnknown", paused: "summaryPaused", ok: "summaryOk" };

let shown = "";

export function showPipeline(stages) {
  const read = JSON.stringify(stages);
  if (read === shown) return;
  shown = read;
  byId("pipeline").className = "";
  byId("pipeline").replaceChildren(...stages.map(stageItem));
  const worst = WORST_FIRST.find((level) => stages.some((stage) => stage.level === level));
  const names = stages.filter((stage) => stage.level === worst).map((stage) => stage.stage).join(", ");
  const summary = text(SUMMARIES[worst]);
  const needsAction = worst === "error" || worst === "warning";
  showSummary(worst, needsAction ? text("summaryOf", { summary, stages: names }) : summary);
}

// Nobody knows how the stages are now.
export function showUnreachable() {
  shown = "";
  byId("pipeline").className = "lost";
  showSummary("error", text("unreachable"));
}

function stageItem({ stage, level, message }) {
  const name = element("b", { textContent: stage });
  return element("li", { className: level }, name, element("span", { textContent: message }));
}

function showSummary(level, sentence) {
  const summary = byId("summary");
  summary.className = level;
  if (summary.textContent !== sentence) summary.textContent = sentence;
  document.title = level === "error" ? "✕ usbcam" : "usbcam";
}
