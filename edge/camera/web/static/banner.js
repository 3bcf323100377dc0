// What is wrong, what it means for the pictures, and one command that helps.

import { copySelected } from "/static/clipboard.js";
import { byId } from "/static/dom.js";
import { clock, counted, text } from "/static/text.js";
import { blindLabel } from "./camera/labels.js";

const HERE = "onThisHost";
const CLOUD = "onTheCloudHost";
// By stage and level: the text (none: what the server says), what it means without captures that wait, where, and the
// command; on this host it is one of those that the server names.
const ADVICE = {
  "camera error": [null, "noNewPictures", HERE, "doctor"],
  "blind error": [null, "nobodyIsSeen", HERE, "snapshot"],
  "disk error": [null, "notKept", HERE, "doctor"],
  "disk warning": ["diskFilling", "oldestGo", HERE, "doctor"],
  "broker error": ["brokerSilent", "keptHere", HERE, "startBroker"],
  "bridge warning": ["noToken", "keptHere", CLOUD, "./usbcam enroll NAME"],
  "bridge error": ["cloudUnreachable", "keptHere", HERE, "doctor"],
  "cloud warning": ["noReceipts", "keptHere", CLOUD, "./usbcam check"],
};
const ABOUT_PICTURES = ["keptHere"]; // then what waits is counted

let heardAt = null;
let commands = { startCamera: "./usbcam up" };

export function offerCommand() {
  byId("copy-command").addEventListener("click", copyCommand);
}

export function showBanner({ pipeline, spool, cameras, commands: typed }) {
  heardAt = new Date();
  commands = typed;
  const stage = blindness(worst(pipeline), cameras);
  if (!stage) return (byId("banner").hidden = true);
  const [wrong, meaning, where, command] = ADVICE[`${kind(stage)} ${stage.level}`] ?? [null, "keptHere", HERE, "doctor"];
  const waiting = spool.captures && ABOUT_PICTURES.includes(meaning);
  const means = waiting ? counted("oneWaits", "manyWait", spool.captures) : text(meaning);
  show(stage.level, wrong ? text(wrong) : stage.message, means, where, command);
}

// The page has lost its server.
export function showLost() {
  show("error", text("unreachable"), heardAt ? text("shownAsOf", { time: clock(heardAt) }) : "", HERE, "startCamera");
}

function worst(pipeline) {
  return pipeline.find((stage) => stage.level === "error") ?? pipeline.find((stage) => stage.level === "warning");
}

// A camera that gives pictures and sees nothing is told in the page's language.
function blindness(stage, cameras) {
  const blind = cameras.filter((camera) => camera.blind);
  if (!stage || kind(stage) !== "camera" || !blind.length || cameras.some((camera) => camera.problem)) return stage;
  const sentences = blind.map(({ name, blind: why }) => text("seesNothing", { camera: name, why: blindLabel(why) }));
  return { stage: "blind", level: "error", message: sentences.join(" ") };
}

const kind = ({ stage }) => stage.toLowerCase().replace(/s$/, "");

function show(level, wrong, meaning, where, command) {
  byId("banner").className = level;
  byId("banner").hidden = false;
  const shown = { wrong, meaning, "advice-where": text(where), command: commands[command] ?? command };
  for (const [id, sentence] of Object.entries(shown)) {
    if (byId(id).textContent !== sentence) byId(id).textContent = sentence;
  }
}

function copyCommand() {
  getSelection().selectAllChildren(byId("command"));
  return copySelected(byId("command").textContent, byId("copy-command"), text("copied"), text("copy"));
}
