// The edges that were there at each fee tier since the start, where the daemon looks for them.
import { $, each, put, row, short, show } from "./dom.js";
import { NONE, coarse, grouped, rounded } from "./format.js";

const CLASSES = ["", "", "", "w", "w", "", "w", "w"];

export function drawRadar({ radar }) {
  show($("panel-radar"), radar !== null);
  if (!radar) return;
  put($("radar-seen"), seen(radar));
  each($("radar"), radar.tiers, (tier) => tier.volume_usd, () => row(CLASSES.length, CLASSES), (node, tier) => {
    const cells = node.children;
    put(cells[0], `${rounded(tier.taker_pct, 2)} %`, `from ${grouped(String(tier.volume_usd))} in 30 days`);
    short(cells[1], tier.break_even_pct, (text) => `${rounded(text, 3)} %`);
    put(cells[2], grouped(String(tier.runs)));
    short(cells[3], tier.share_pct, (text) => `${rounded(text, 2)} %`);
    short(cells[4], tier.longest_s, (text) => `${rounded(text, 1)} s`);
    short(cells[5], tier.oldest_book_s, (text) => `${rounded(text, 1)} s`);
    short(cells[6], tier.best_net_bp, (text) => `${rounded(text, 1)} bp`);
    short(cells[7], tier.largest_size, (text) => rounded(text, 4));
    short(cells[8], tier.best_profit, (text) => rounded(text, 2));
  });
}

function seen({ observed_s: observed, gaps, left_out: leftOut }) {
  const words = Number(observed) ? `${coarse(Number(observed))} with all three books` : NONE;
  return [words, gaps ? `${gaps} gaps` : "", leftOut ? `${leftOut} changes not looked at` : ""].filter(Boolean).join(", ");
}
