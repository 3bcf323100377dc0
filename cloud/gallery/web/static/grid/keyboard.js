// Arrow keys in the grid, and ? for all keys.

import { byId } from "/static/dom.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

export function followKeys(selection) {
  byId("days").addEventListener("keydown", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = target(tile, event.key);
    if (next) {
      event.preventDefault();
      next.focus();
    }
    if (event.key === "x") selection.toggle(tile);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "?" && !event.target.matches("input, select, textarea")) byId("keys").showModal();
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) selection.end();
  });
  for (const id of ["keys", "cost"]) byId(`${id}-close`).addEventListener("click", () => byId(id).close());
}

function target(tile, key) {
  const tiles = [...document.querySelectorAll("#days .tile")].filter((other) => other.offsetParent);
  const place = tiles.indexOf(tile);
  if (key in STEPS) return tiles[place + STEPS[key]];
  if (key === "Home") return tiles[0];
  if (key === "End") return tiles.at(-1);
  const middle = centre(tile);
  const above = (other) => other.getBoundingClientRect().bottom <= tile.getBoundingClientRect().top + 1;
  const below = (other) => other.getBoundingClientRect().top >= tile.getBoundingClientRect().bottom - 1;
  if (key === "ArrowUp") return nearest(tiles.slice(0, place).filter(above).reverse(), middle);
  if (key === "ArrowDown") return nearest(tiles.slice(place + 1).filter(below), middle);
  return null;
}

// Of the nearest row, the one that is nearest sideways.
function nearest(tiles, middle) {
  const row = tiles.filter((tile) => tile.offsetParent && Math.abs(tile.getBoundingClientRect().top - tiles[0].getBoundingClientRect().top) < 2);
  return row.sort((one, other) => Math.abs(centre(one) - middle) - Math.abs(centre(other) - middle))[0];
}

const centre = (tile) => tile.getBoundingClientRect().left + tile.offsetWidth / 2;
