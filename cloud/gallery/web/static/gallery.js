// The gallery: puts its parts together and starts them.

import { requestJson } from "/static/api.js";
import { byId, delay } from "/static/dom.js";
import { fillTexts } from "/static/text.js";
import { Grid, showProblem } from "./grid/grid.js";
import { followKeys } from "./grid/keyboard.js";
import { followUpdates } from "./grid/live-updates.js";
import { rememberSeen } from "./grid/seen.js";
import { offerCalendar, showCalendar } from "./overview/calendar.js";
import { followCameras } from "./overview/cameras.js";
import { offerCost } from "./overview/cost.js";
import { showFilterCounts } from "./overview/filter-counts.js";
import { addEdges, followFilters } from "./overview/filters.js";
import { showFirst } from "./overview/first.js";
import { followToday } from "./overview/headline.js";
import { offerScrubber, showScrubber } from "./overview/scrubber.js";
import { offerUndo } from "./sets/deletion.js";
import { Selection } from "./sets/selection.js";
import { offerSetSharing } from "./sets/set-sharing.js";
import { offerStar } from "./sets/stars.js";
import { offerDeletion, offerSharing } from "./viewer/actions.js";
import { offerZoom } from "./viewer/stage.js";
import { Viewer } from "./viewer/viewer.js";

const RETRY_MS = 5000;

fillTexts(document);
const grid = new Grid();
const selection = new Selection(grid); // before the viewer: its clicks come first
const viewer = new Viewer(grid);

async function loadCameras() {
  try {
    const found = await requestJson("/api/cameras");
    byId("delete").hidden = byId("delete-chosen").hidden = !found.may_delete;
    byId("logout").hidden = !found.password_required;
    document.title = `${found.bucket} – usbcam`;
    addEdges(found.edges);
  } catch (error) {
    showProblem(error.message);
    await delay(RETRY_MS);
    await loadCameras();
  }
}

function showOthers() {
  selection.end();
  showFirst(grid.restart());
  showCalendar();
  showFilterCounts();
  showScrubber();
}

offerSharing(viewer);
offerStar(viewer, grid);
offerDeletion(viewer, grid);
offerSetSharing();
offerUndo();
offerZoom();
offerCost();
offerCalendar();
offerScrubber();
followKeys(selection);
followFilters(showOthers);
addEventListener("popstate", () => {
  grid.restartIfFiltersChanged();
  showCalendar();
  showFilterCounts();
  showScrubber();
  viewer.showAddress();
});
grid.followScrolling();
showOthers();
followUpdates(grid);
followCameras();
followToday((key) => viewer.open(key));
rememberSeen(grid);
loadCameras().then(() => viewer.showAddress());
