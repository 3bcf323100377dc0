// The gallery: pages of captures as one scrolls, new ones as they are stored, one of them large.
"use strict";

const RETRY_MS = 5000;
const SWIPE_PIXELS = 50;
const MOST_DELETED = 200; // by one request
const SHOTS = { first: "first", better: "better", dwell: "still there", stay: "still there", last: "last", more: "" };

const $ = (id) => document.getElementById(id);
const shownKeys = new Set();
const pictures = []; // in the order of the page, the newest first
let cursor = null;
let ended = false;
let loading = 0; // grows with each fresh start, so that late answers are dropped
let busy = false;
let edges = Object.create(null); // the cameras of each
let mayDelete = false;
let current = null; // of the viewer

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

async function ask(address, options = {}) {
  const answer = await fetch(address, options);
  if (answer.status === 401) location.assign("/login");
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  const content = isJson ? await answer.json() : { problem: (await answer.text()).trim() };
  if (!answer.ok) throw new Error(content.problem || `The gallery answered ${answer.status}.`);
  return content;
}

const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const about = (key) => new URLSearchParams({ key });

// ---- what is wanted: the address says it, so that it can be kept and sent

const wanted = () => new URLSearchParams(location.search);

let begunWith = null; // the filters of the grid

function want(changes, how = "pushState") {
  const query = wanted();
  for (const [name, value] of Object.entries(changes)) value ? query.set(name, value) : query.delete(name);
  const search = query.size ? `?${query}` : "";
  if (search !== location.search) history[how](null, "", search || location.pathname);
}

function filters() {
  const query = wanted();
  query.delete("key");
  return query;
}

// What the gallery is asked: a day here is a day where the browser is.
function question() {
  const query = filters();
  const day = query.get("day");
  query.delete("day");
  if (day) {
    const [year, month, date] = day.split("-").map(Number);
    query.set("from", new Date(year, month - 1, date).toISOString());
    query.set("to", new Date(year, month - 1, date + 1).toISOString());
  }
  return query;
}

function showFilters() {
  const query = wanted();
  fill($("edge"), Object.keys(edges).sort(), query.get("edge"));
  const cameras = query.get("edge") ? edges[query.get("edge")] ?? [] : Object.values(edges).flat();
  fill($("camera"), [...new Set(cameras)].sort(), query.get("camera"));
  $("day").value = query.get("day") ?? "";
  $("clear").hidden = !filters().size;
}

function fill(select, names, chosen) {
  const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
  select.replaceChildren(element("option", { value: "", textContent: "all" }),
    ...all.map((name) => element("option", { value: name, textContent: name })));
  select.value = chosen ?? "";
}

function choose() {
  want({ edge: $("edge").value, camera: $("camera").value, day: $("day").value, key: "" });
  begin();
}

// ---- the grid

async function begin() {
  loading += 1;
  begunWith = String(filters());
  pictures.length = 0;
  shownKeys.clear();
  cursor = null;
  ended = busy = false;
  $("days").replaceChildren();
  $("end").textContent = $("note").textContent = "";
  showFilters();
  await more();
}

async function more() {
  if (busy || ended) return;
  busy = true;
  const mine = loading;
  const query = question();
  if (cursor) query.set("cursor", cursor);
  try {
    const page = await ask(`/api/captures?${query}`);
    if (mine !== loading) return;
    say("");
    if (page.note) $("note").textContent = page.note; // of an earlier page it still holds
    $("note").hidden = !$("note").textContent;
    for (const picture of page.pictures) add(picture, false);
    cursor = page.cursor;
    ended = !cursor;
    if (ended) $("end").textContent = pictures.length ? "That is all." : filters().size ? "Nothing fits." : "No captures yet. The next face appears here by itself.";
  } catch (error) {
    if (mine !== loading) return;
    say(error.message);
    await later(RETRY_MS);
  } finally {
    if (mine === loading) busy = false;
  }
  if (mine === loading && nearEnd()) more();
}

const nearEnd = () => $("sentinel").getBoundingClientRect().top < innerHeight + 800;

function say(problem) {
  $("problem").hidden = !problem;
  $("problem").textContent = problem;
}

function dayOf(picture) {
  const at = new Date(picture.at);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

const order = (picture) => picture.at + picture.key;

function add(picture, isNew) {
  if (shownKeys.has(picture.key)) return;
  shownKeys.add(picture.key);
  learnPlace(picture);
  const place = isNew ? pictures.findIndex((other) => order(other) < order(picture)) : -1;
  const section = sectionOf(picture);
  const tile = tileOf(picture, isNew);
  const follower = place < 0 ? null : document.getElementById(idOf(pictures[place]));
  const grid = section.querySelector(".grid");
  grid.insertBefore(tile, follower?.parentElement === grid ? follower : null);
  pictures.splice(place < 0 ? pictures.length : place, 0, picture);
  if (current) showTurns();
}

const idOf = (picture) => `picture ${picture.key}`;

function sectionOf(picture) {
  const day = dayOf(picture);
  const there = document.getElementById(`day ${day}`);
  if (there) return there;
  const words = new Date(picture.at).toLocaleDateString(undefined, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
  const made = element("section", { className: "day", id: `day ${day}` }, element("h2", { textContent: words }), element("ol", { className: "grid" }));
  const before = [...$("days").children].find((other) => other.id < made.id);
  $("days").insertBefore(made, before ?? null);
  return made;
}

function tileOf(picture, isNew) {
  const image = element("img", { src: `/thumbnail?${about(picture.key)}`, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.classList.add("broken"));
  const time = new Date(picture.at).toLocaleTimeString();
  const where = [picture.edge, picture.camera].filter(Boolean).join(" / ");
  const words = element("span", { className: "caption" }, element("b", { textContent: time }), where);
  const button = element("button", { type: "button", className: "tile", title: picture.key, ariaLabel: `${where}, ${time}` }, image, words);
  button.addEventListener("click", () => open(picture.key));
  const tile = element("li", { id: idOf(picture) }, button);
  if (isNew) button.classList.add("new");
  return tile;
}

function remove(key) {
  const place = pictures.findIndex((picture) => picture.key === key);
  if (place < 0) return;
  const tile = document.getElementById(idOf(pictures[place]));
  const section = tile?.closest(".day");
  tile?.remove();
  if (section && !section.querySelector("li")) section.remove();
  pictures.splice(place, 1);
  shownKeys.delete(key);
}

// ---- what is stored now

function follow() {
  let opened = false;
  const events = new EventSource("/events");
  events.addEventListener("open", () => {
    if (opened) catchUp();
    opened = true;
  });
  events.addEventListener("error", () => live("off", "Live updates paused: the gallery does not answer"));
  events.addEventListener("broker", (event) =>
    JSON.parse(event.data) ? live("on", "Live") : live("off", "Live updates paused: the broker does not answer"));
  events.addEventListener("again", catchUp);
  events.addEventListener("stored", (event) => {
    const picture = JSON.parse(event.data);
    if (fits(picture)) {
      add(picture, true);
      if (ended) $("end").textContent = "That is all.";
    }
    learnPlace(picture);
  });
}

function live(state, words) {
  $("live").className = `soft ${state}`;
  $("live").textContent = words;
}

function fits(picture) {
  const query = wanted();
  const day = query.get("day");
  return (!query.get("edge") || query.get("edge") === picture.edge)
    && (!query.get("camera") || query.get("camera") === picture.camera)
    && (!day || day === dayOf(picture));
}

async function catchUp() {
  if (busy || !pictures.length) return;
  try {
    const page = await ask(`/api/captures?${question()}`);
    const missed = page.pictures.filter((picture) => order(picture) > order(pictures[0]));
    if (missed.length === page.pictures.length && missed.length) begin();
    else for (const picture of missed.reverse()) add(picture, true);
  } catch {
    // the next page says what is wrong
  }
}

// Keys of some templates lead to no list of edges and cameras: then those that were seen can be chosen.
function learnPlace(picture) {
  if (!picture.edge || !picture.camera || edges[picture.edge]?.includes(picture.camera)) return;
  (edges[picture.edge] ??= []).push(picture.camera);
  showFilters();
}

async function learnPlaces() {
  try {
    const found = await ask("/api/places");
    Object.assign(edges, found.edges);
    mayDelete = found.may_delete;
    $("logout").hidden = !found.has_lock;
    document.title = `${found.bucket} – usbcam`;
    showFilters();
  } catch (error) {
    say(error.message);
    await later(RETRY_MS);
    learnPlaces();
  }
}

// ---- one picture

function open(key) {
  want({ key }, current ? "replaceState" : "pushState"); // Back closes it, however many were looked at
  look();
}

async function look() {
  const key = wanted().get("key");
  if (!key) {
    if ($("viewer").open) $("viewer").close();
    current = null;
    return;
  }
  current = { key, visit: [] };
  $("large").src = `/image?${about(key)}`;
  $("large").alt = `The picture ${key}`;
  $("download").href = `/image?${about(key)}&download`;
  $("when").textContent = "";
  $("facts").replaceChildren();
  for (const id of ["visit", "sharing", "deleting", "shared"]) $(id).hidden = true;
  $("until").textContent = "";
  $("delete").hidden = !mayDelete;
  showTurns();
  if (!$("viewer").open) $("viewer").showModal();
  try {
    const picture = await ask(`/api/picture?${about(key)}`);
    if (current?.key === key) describe(picture);
  } catch (error) {
    if (current?.key === key) $("when").textContent = error.message;
  }
}

function describe(picture) {
  const at = new Date(picture.at);
  const said = picture.metadata;
  current.visit = picture.visit.map((shot) => shot.key);
  $("when").textContent = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });
  const percent = (text) => text && !Number.isNaN(Number(text)) ? `${Math.round(100 * text)} %` : text;
  const facts = [
    ["UTC", picture.at.replace("T", " ").replace("+00:00", "")],
    ["Edge", picture.edge],
    ["Camera", said.camera || picture.camera],
    ["Quality", percent(said.quality)],
    ["Score", percent(said.score)],
    ["Face", said.box && `${said.box} (x, y, width, height)`],
    ["Shot", SHOTS[said.shot] ?? said.shot],
    ["Visit", said.track],
    ["Key", picture.key],
  ];
  $("facts").replaceChildren(...facts.filter(([, value]) => value).flatMap(([name, value]) =>
    [element("dt", { textContent: name }), element("dd", { textContent: value })]));
  $("visit").hidden = picture.visit.length < 2;
  $("shots").replaceChildren(...picture.visit.map((shot) => shotOf(shot, picture.key)));
  $("delete-visit").hidden = picture.visit.length < 2;
}

function shotOf(shot, key) {
  const image = element("img", { src: `/thumbnail?${about(shot.key)}`, alt: "" });
  const words = SHOTS[shot.shot] ?? shot.shot ?? "";
  const button = element("button", { type: "button", ariaLabel: `Shot of the visit: ${words}` }, image, element("span", { textContent: words }));
  button.setAttribute("aria-current", String(shot.key === key));
  button.addEventListener("click", () => open(shot.key));
  return element("li", {}, button);
}

const placeOf = () => pictures.findIndex((picture) => picture.key === current?.key);

function showTurns() {
  const place = placeOf();
  $("newer").disabled = place <= 0;
  $("older").disabled = place < 0 || place === pictures.length - 1;
}

async function turn(step) {
  const place = placeOf() + step;
  if (placeOf() < 0 || place < 0) return;
  if (place >= pictures.length - 5) more();
  if (pictures[place]) open(pictures[place].key);
}

function close() {
  want({ key: "" });
  look();
}

// ---- links

async function makeLink(event) {
  event.preventDefault();
  $("until").textContent = "";
  try {
    const query = about(current.key);
    query.set("expires", $("expires").value);
    const link = await ask(`/api/link?${query}`, { method: "POST" });
    $("shared").hidden = false;
    $("url").value = link.url;
    $("url").select();
    const until = new Date(link.until).toLocaleString();
    $("until").textContent = `Whoever has this link sees the picture until ${until}.` + (link.note ? ` It is ${link.note}.` : "");
    $("until").scrollIntoView({ block: "nearest" });
  } catch (error) {
    $("until").textContent = error.message;
  }
}

async function copy() {
  $("url").select();
  try {
    await navigator.clipboard.writeText($("url").value);
  } catch {
    document.execCommand("copy"); // without TLS there is no clipboard to write to
  }
  $("copy").textContent = "Copied";
  await later(1500);
  $("copy").textContent = "Copy";
}

// ---- deletion, asked twice

async function destroy(event) {
  event.preventDefault();
  const keys = event.submitter.value === "visit" ? current.visit : [current.key];
  const words = keys.length > 1 ? `Delete all ${keys.length} pictures of this visit for good?` : "Delete this picture for good?";
  if (!confirm(words)) return;
  try {
    for (let first = 0; first < keys.length; first += MOST_DELETED) {
      const some = keys.slice(first, first + MOST_DELETED);
      await ask("/api/delete", { method: "POST", body: JSON.stringify({ keys: some }) });
      some.forEach(remove);
    }
    close();
  } catch (error) {
    $("deleting").hidden = true;
    $("until").textContent = "";
    $("when").textContent = error.message;
  }
}

// ---- cost

async function showCost() {
  $("cost-words").replaceChildren(element("p", { className: "soft", textContent: "Counting ..." }));
  $("cost").showModal();
  while ($("cost").open) {
    try {
      const cost = await ask("/api/cost");
      if (cost.counted || !cost.possible) {
        $("cost-words").replaceChildren(...costWords(cost));
        return;
      }
    } catch (error) {
      $("cost-words").replaceChildren(element("p", { textContent: error.message }));
    }
    await later(1000);
  }
}

function costWords(cost) {
  if (!cost.possible) return [element("p", { textContent: "S3_KEY_TEMPLATE has no folders by date, so counting a month would take a list of the whole bucket." })];
  const money = (price) => price.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: price < 0.1 ? 4 : 2 });
  const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);
  const line = (name, puts, bytes, price) => element("tr", {}, ...[name, puts.toLocaleString(), size(bytes), money(price)].map((text) => element("td", { textContent: text })));
  const sum = (name) => cost.edges.reduce((total, edge) => total + edge[name], 0);
  const head = element("tr", {}, ...["Edge", "PUTs", "Stored", "Price"].map((text) => element("th", { textContent: text, scope: "col" })));
  const lines = cost.edges.map((edge) => line(edge.edge || "unknown", edge.puts, edge.bytes, edge.price));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines, line("All", sum("puts"), sum("bytes"), sum("price"))));
  const prices = cost.prices;
  const words = `${cost.complete ? "" : "At least. "}Counted at ${new Date(cost.at).toLocaleTimeString()}, and what was stored since. `
    + `A thousand PUTs at ${prices.per_1000_puts}, a GB kept for a month at ${prices.per_gb_month} (PRICE_PER_1000_PUTS, PRICE_PER_GB_MONTH); storage of this month's pictures for one month.`;
  return [element("p", { className: "soft", textContent: cost.month }), table, element("p", { className: "soft", textContent: words })];
}

// ---- wiring

for (const id of ["edge", "camera", "day"]) $(id).addEventListener("change", () => {
  if (id === "edge") $("camera").value = "";
  choose();
});
$("filters").addEventListener("reset", (event) => {
  event.preventDefault();
  want({ edge: "", camera: "", day: "", key: "" });
  begin();
});
addEventListener("popstate", () => {
  if (String(filters()) !== begunWith) begin();
  look();
});
$("close").addEventListener("click", close);
$("viewer").addEventListener("cancel", (event) => {
  event.preventDefault();
  close();
});
$("viewer").addEventListener("click", (event) => {
  if (event.target === $("viewer")) close();
});
$("newer").addEventListener("click", () => turn(-1));
$("older").addEventListener("click", () => turn(1));
$("viewer").addEventListener("keydown", (event) => {
  if (event.target.matches("input, select")) return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
});
let touched = null;
$("large").addEventListener("touchstart", (event) => (touched = event.touches[0].clientX), { passive: true });
$("large").addEventListener("touchend", (event) => {
  const moved = event.changedTouches[0].clientX - touched;
  if (Math.abs(moved) > SWIPE_PIXELS) turn(moved > 0 ? -1 : 1);
});
$("share").addEventListener("click", () => {
  $("sharing").hidden = !$("sharing").hidden;
  $("deleting").hidden = true;
});
$("sharing").addEventListener("submit", makeLink);
$("copy").addEventListener("click", copy);
$("delete").addEventListener("click", () => {
  $("deleting").hidden = !$("deleting").hidden;
  $("sharing").hidden = true;
});
$("keep").addEventListener("click", () => ($("deleting").hidden = true));
$("deleting").addEventListener("submit", destroy);
$("cost-button").addEventListener("click", showCost);
$("cost-close").addEventListener("click", () => $("cost").close());
new IntersectionObserver(() => more(), { rootMargin: "800px" }).observe($("sentinel"));
addEventListener("scroll", () => nearEnd() && more(), { passive: true });

learnPlaces().then(() => look());
begin();
follow();
