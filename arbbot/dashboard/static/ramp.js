// How much of target and capital one hedge may use, the evidence so far, and what was decided last.
import { $, lines, pairs, short, show } from "./dom.js";
import { clock, day, rounded, spaced } from "./format.js";

export function drawRamp({ ramp }) {
  show($("ramp"), ramp.enabled);
  if (!ramp.enabled) return;
  const { evidence, asked } = ramp;
  const bps = (value, bound) => (node) => short(node, value, (text) => `${rounded(text, 1)} bps, ${bound}`);
  const share = (value, most) => (node) => short(node, value, (text) => `${rounded(text, 2)} %, at most ${most} %`);
  pairs($("ramp-lines"), [
    ["weight", `${ramp.weight_percent} %, at most ${asked.max_weight_percent} %`],
    ["hedges since", `${evidence.hedges}, wants ${asked.min_hedges}`],
    ["settled", `${evidence.edge_hedges}, wants ${asked.min_edge_hedges}`],
    ["half the size or more", `${evidence.full_hedges}, wants ${asked.min_edge_hedges}`],
    ["realised edge", bps(evidence.realised_bps, `expected ${evidence.expected_bps === null ? "" : rounded(evidence.expected_bps, 1)}`)],
    ["slippage", bps(evidence.slippage_bps, `at most ${asked.max_slippage_bps}`)],
    ["one-sided", share(evidence.one_sided_percent, asked.max_one_sided_percent)],
    ["told to wait", share(evidence.rate_limited_percent, asked.max_rate_limited_percent)],
    ["against it", ramp.against.map(spaced).join(", ") || "nothing"],
    ["lacks", ramp.lacking.map(spaced).join(", ") || "nothing"],
    ...(ramp.drill.enabled ? [["drills", `${ramp.drill.drills}, lost today ${rounded(ramp.drill.lost_today, 2)} of ${ramp.drill.budget}`]] : []),
  ]);
  lines($("ramp-decisions"), ramp.decisions.map(told), "none");
}

function told(decision) {
  const step = `${decision.before_percent} % to ${decision.weight_percent} %`;
  const why = decision.verdict === "set" ? `by ${decision.who}: ${decision.reason}` : [...decision.against, ...decision.lacking.map((name) => `lacks ${name}`)].map(spaced).join(", ");
  return `${day(decision.utc_us)} ${clock(decision.utc_us)} UTC ${decision.verdict}, ${step}${why ? `; ${why}` : ""}`;
}
