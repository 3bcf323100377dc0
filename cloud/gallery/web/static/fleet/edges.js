// All edges and their cameras: who is online, who sees, what waits. Rows that did not change are left alone.

import { requestJson } from "/static/api.js";
import { byId, delay, element, pageVisible } from "/static/dom.js";
import { fillTexts, locale, text } from "/static/text.js";

const POLL_MS = 1500;
const SLOW_POLL_MS = 4000; // for many edges
const MANY_EDGES = 300;
const DAY_MS = 86_400_000;
const TOKEN_SOON_DAYS = 30;
const SKEW_SECONDS = 5;

const BLIND = {
  covered: "blindCovered",
  defocused: "blindDefocused",
  turned: "blindTurned",
  frozen: "blindFrozen",
  dark: "blindDark",
};

const NAMED = ["edgesLast", "edgesWaiting", "edgesVersion", "edgesClock", "edgesToken"]; // columns after the state
const rows = new Map(); // by edge: what is shown, and its rows

async function follow() {
  for (;;) {
    await pageVisible();
    let count = 0;
    try {
      const found = await requestJson("/api/edges");
      count = found.edges.length;
      show(found);
      showProblem(found.listening ? "" : text("edgesNoBroker"));
    } catch (error) {
      showProblem(text("edgesLost", { reason: error.message }));
    }
    await delay(count > MANY_EDGES ? SLOW_POLL_MS : POLL_MS);
  }
}

function showProblem(problem) {
  const shown = byId("problem");
  if (shown.textContent !== problem) shown.textContent = problem;
  shown.hidden = !problem;
  byId("edges").classList.toggle("stale", Boolean(problem)); // what is shown may no longer be so
  for (const row of problem ? byId("edges").rows : []) row.classList.remove("ok");
  if (problem) for (const shownEdge of rows.values()) shownEdge.signature = "";
}

function show({ edges, at }) {
  const names = new Set(edges.map((edge) => edge.name));
  for (const [name, shown] of rows) {
    if (names.has(name)) continue;
    shown.rows.forEach((row) => row.remove());
    rows.delete(name);
  }
  let before = null;
  for (const edge of edges) before = place(edge, Date.parse(at), before);
  byId("none").hidden = edges.length > 0;
  byId("none").textContent = text("edgesNone");
  byId("summary").textContent = summary(edges);
  filter();
}

// Puts an edge's rows after those of the one before; returns the last of them.
function place(edge, now, before) {
  const signature = JSON.stringify({ ...edge, last_seen_at: edge.online ? "" : edge.last_seen_at, cameras: edge.cameras.map((camera) => ({ ...camera, last_seen_at: "" })) });
  let shown = rows.get(edge.name);
  if (!shown || shown.signature !== signature) {
    const made = rowsOf(edge, now);
    shown?.rows.forEach((row) => row.remove());
    if (before) before.after(...made);
    else byId("edges").prepend(...made);
    shown = { signature, rows: made, failing: made.some((row) => row.classList.contains("bad")) };
    rows.set(edge.name, shown);
  }
  return shown.rows.at(-1);
}

function rowsOf(edge, now) {
  const cameras = edge.cameras.length ? edge.cameras : [null];
  return cameras.map((camera, index) => rowOf(edge, camera, now, index === 0));
}

function rowOf(edge, camera, now, isFirst) {
  const [state, kind] = stateOf(edge, camera);
  const row = element("tr", { className: kind });
  const cells = [
    isFirst ? edge.name : "", camera?.name ?? "", state, lastPicture(edge, camera),
    isFirst ? edge.waiting ?? "" : "", isFirst ? edge.version ?? "" : "",
    isFirst ? skew(edge.skew_seconds) : "", isFirst ? tokenEnds(edge.token_ends) : "",
  ];
  row.append(...cells.map((content) => element("td", {}, content)));
  NAMED.forEach((name, place) => (row.cells[place + 3].dataset.name = text(name))); // a phone shows no heads of columns
  row.classList.toggle("more", !isFirst);
  row.cells[2].classList.add("state");
  row.cells[6].classList.toggle("late", isFirst && Math.abs(edge.skew_seconds ?? 0) > SKEW_SECONDS);
  row.cells[7].classList.toggle("late", isFirst && edge.token_ends && Date.parse(edge.token_ends) - now < TOKEN_SOON_DAYS * DAY_MS);
  row.dataset.words = `${edge.name} ${camera?.name ?? ""}`.toLowerCase();
  return row;
}

function stateOf(edge, camera) {
  if (!edge.last_seen_at) return [text("edgesNeverSeen"), "new"];
  if (!edge.online) return [text("edgesGone", { time: timeOf(edge.last_seen_at) }), "bad"];
  if (!camera) return [text("edgesOnline"), "ok"];
  if (!camera.online) return [text("edgesCameraGone", { time: timeOf(camera.last_seen_at) }), "bad"];
  if (camera.blind) return [text("edgesBlind", { why: text(BLIND[camera.blind] ?? camera.blind), time: timeOf(camera.blind_since) }), "bad"];
  if (camera.problem) return [camera.problem, "bad"];
  if (camera.state === "paused") return [text("edgesPaused"), "paused"];
  return [text("edgesOnline"), "ok"];
}

function lastPicture(edge, camera) {
  if (!camera?.last_captured_at) return "";
  const address = `/?${new URLSearchParams({ edge: edge.name, camera: camera.name })}`;
  return element("a", { href: address, textContent: timeOf(camera.last_captured_at) });
}

function summary(edges) {
  const online = edges.filter((edge) => edge.online).length;
  const blind = edges.flatMap((edge) => edge.cameras).filter((camera) => camera.blind).length;
  const counts = { online: online.toLocaleString(locale), all: edges.length.toLocaleString(locale), blind };
  return blind ? text("edgesSummaryBlind", counts) : text("edgesSummary", counts);
}

const timeOf = (at) => (at ? new Date(at).toLocaleString(locale, { dateStyle: "short", timeStyle: "medium" }) : text("unknown"));
const tokenEnds = (at) => (at ? new Date(at).toLocaleDateString(locale) : "");
const skew = (seconds) => (seconds === null ? "" : text("edgesSeconds", { number: seconds.toFixed(1) }));

function filter() {
  const words = byId("search").value.trim().toLowerCase();
  const failing = byId("failing").checked;
  for (const { rows: shown, failing: isFailing } of rows.values()) {
    for (const row of shown) row.hidden = (failing && !isFailing) || !row.dataset.words.includes(words);
  }
}

fillTexts(document);
document.title = text("edgesTitle");
byId("search").addEventListener("input", filter);
byId("failing").addEventListener("change", filter);
byId("choice").addEventListener("submit", (event) => event.preventDefault());
follow();
