// What this month's captures cost so far, by edge.

import { requestJson } from "/static/api.js";
import { byId, delay, element } from "/static/dom.js";
import { exactClock, locale, text } from "/static/text.js";

const RETRY_MS = 1000;

export function offerCost() {
  byId("cost-button").addEventListener("click", showCost);
}

async function showCost() {
  show(paragraph(text("counting")));
  byId("cost").showModal();
  while (byId("cost").open) {
    try {
      const cost = await requestJson("/api/cost");
      if (!cost.possible) return show(paragraph(text("costNotPossible")));
      if (cost.counted) return show(paragraph(cost.month), table(cost), paragraph(explanation(cost)));
    } catch (error) {
      show(element("p", { textContent: error.message }));
    }
    await delay(RETRY_MS);
  }
}

const show = (...children) => byId("cost-details").replaceChildren(...children);
const paragraph = (sentence) => element("p", { className: "soft", textContent: sentence });

function table({ edges }) {
  const sum = (name) => edges.reduce((total, edge) => total + edge[name], 0);
  const head = element("tr", {}, ...["edge", "puts", "stored", "price"].map((name) => element("th", { textContent: text(name), scope: "col" })));
  const rows = edges.map((edge) => row(edge.edge || text("unknown"), edge.puts, edge.bytes, edge.price));
  const total = row(text("total"), sum("puts"), sum("bytes"), sum("price"));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows, total));
}

function row(name, puts, bytes, price) {
  const cells = [name, puts.toLocaleString(locale), size(bytes), money(price)];
  return element("tr", {}, ...cells.map((cell) => element("td", { textContent: cell })));
}

const size = (bytes) => (bytes >= 1e9 ? text("gigabytes", { number: (bytes / 1e9).toFixed(2) }) : text("megabytes", { number: (bytes / 1e6).toFixed(1) }));
const money = (price) => price.toLocaleString(locale, { minimumFractionDigits: 2, maximumFractionDigits: price < 0.1 ? 4 : 2 });

function explanation({ complete, at, prices }) {
  return [
    complete ? "" : text("atLeast"),
    text("costCounted", { time: exactClock(at) }),
    text("costPrices", { puts: prices.per_1000_puts, gigabytes: prices.per_gb_month }),
    text("costStorage"),
  ].join("");
}
