// Whether the daemon is fit to trade, and the figures behind that.
import { $, lines, mark, pairs, put, short } from "./dom.js";
import { NONE, bytes, coarse, grouped, percent, plural, rounded } from "./format.js";
import { FEED_DEAD, LATCHED } from "./words.js";

function healthTone({ status, health }) {
  if (health.healthy) return "ok";
  return LATCHED.includes(status.state) || health.problems.includes(FEED_DEAD) ? "alarm" : "wait";
}

export function drawHealth(snapshot, stream) {
  const { health } = snapshot;
  const word = $("health-word");
  put(word, health.healthy ? "fit to trade" : plural(health.problems.length, "problem"));
  mark(word, "tone", healthTone(snapshot));
  lines($("problems"), [...health.problems, ...undelivered(health.alerts)]);
  mark($("problems"), "tone", healthTone(snapshot));
  pairs($("health-lines"), [...process(snapshot), ...figures(health, stream)]);
}

/** What the banner has no room for on a small screen. */
const process = ({ status }) => [["route", status.route], ["version", status.version], ["running for", coarse(Number(status.uptime_s))]];

const ms = (value) => (node) => short(node, value, (text) => `${rounded(text, 1)} ms`);
const full = (text, title) => (node) => put(node, text, title);

function figures({ feed, rest, page, ...machine }, stream) {
  const refused = Object.entries(page.refused).filter(([, count]) => count);
  const unused = Object.entries(page.refused).map(([name, count]) => `${name} ${count}`).join(", ");
  return [
    ["feed", feed.connection === null ? "not connected" : `connection ${feed.connection}`],
    ["reconnects", String(feed.reconnects)],
    ["REST p50", ms(rest.p50_ms)],
    ["REST p99", ms(rest.p99_ms)],
    ["requests", grouped(String(rest.requests))],
    ["rate budget", full(rest.budget_used === null ? NONE : `${percent(rest.budget_used)} used`, `${rest.rate_limit_hits} refusals for pace`)],
    ["loop lag, 10 s", ms(machine.loop_lag_ms)],
    ["disk free", bytes(machine.disk_free_bytes)],
    ["memory", bytes(machine.rss_bytes)],
    ["journal", bytes(machine.journal_bytes)],
    ["recording", recorded(machine.recording)],
    ["this page", full(`${plural(page.clients, "reader")}${stream.missed ? `, ${stream.missed} frames missed` : ""}`, `refused: ${unused}`)],
    ...(refused.length ? [["page refused", refused.map(([name, count]) => `${name} ${count}`).join(", ")]] : []),
  ];
}

/** Makes nothing unfit to trade, and nobody else tells it. */
function undelivered(alerts) {
  if (!alerts || !(alerts.trouble || alerts.dropped)) return [];
  const what = alerts.trouble ? `not delivered, the last request was ${alerts.trouble}` : "delivered again";
  return [`alerts: ${what}; ${alerts.waiting} waiting, ${alerts.dropped} lost`];
}

function recorded(recording) {
  if (!recording) return "off";
  if (recording.failed) return "FAILED";
  return recording.dropped ? `${recording.dropped} lines dropped` : "on";
}
