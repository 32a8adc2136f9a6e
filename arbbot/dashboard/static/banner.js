// The strip that is always in sight: mode, state, how fresh the page is.
import { $, mark, put, show } from "./dom.js";
import { clock, coarse, plain, span } from "./format.js";
import { MODES, STATES } from "./words.js";

let told = null;

export function drawBanner(snapshot) {
  const { status } = snapshot;
  const state = stateOf(status);
  mark(document.body, "mode", status.mode);
  mark(document.body, "tone", state.tone);
  put($("mode-word"), status.mode.toUpperCase());
  put($("mode-meaning"), status.demo ? "rehearsal, built-in exchange" : MODES[status.mode] ?? "");
  put($("state"), state.word);
  put($("state-detail"), stateDetail(snapshot, state.means), status.state_reason);
  put($("route"), status.route);
  put($("version"), status.version);
  put($("uptime"), coarse(Number(status.uptime_s)), `${plain(status.uptime_s)} s`);
  document.title = `${state.word} · ${status.mode} · arbbot`;
  announce(status, state.means);
}

/** Word, tone and meaning. What latched outranks that the daemon starts or stops. */
function stateOf(status) {
  const known = STATES[status.state] ?? { tone: "alarm", means: "" };
  const word = status.state.toUpperCase();
  if (known.tone === "alarm") return { word, ...known };
  if (status.stopping) return { word: "STOPPING", tone: "wait", means: status.stopping };
  if (!status.armed) return { word: "STARTING", tone: "wait", means: "reading the account; nothing is traded yet" };
  return { word, ...known };
}

function stateDetail(snapshot, means) {
  const { status } = snapshot;
  const since = status.state_since_us ? ` · since ${clock(status.state_since_us)} UTC` : "";
  if (status.stopping) return status.stopping;
  return `${status.state_reason || means}${since}`;
}

/** Said aloud once for each change. */
function announce(status, means) {
  const now = `${status.state}/${status.stopping ?? ""}`;
  if (told === now) return;
  if (told !== null) put($("announce"), `State: ${status.state}. ${status.stopping ?? (status.state_reason || means)}`);
  told = now;
}

/** Ten times a second, whatever the stream does. */
export function drawAge(stream) {
  const age = stream.ageMs();
  const stale = stream.isStale();
  document.body.classList.toggle("stale", stale);
  put($("age"), age === null ? "never" : `${(stale ? age / 1000 : Math.min(age, 999) / 1000).toFixed(1)} s ago`);
  show($("stale"), stale);
  if (!stale) return;
  const left = age === null ? "Nothing below is known." : "Everything below is old.";
  put($("stale-what"), age === null ? "NO DATA YET" : "NO UPDATES");
  put($("stale-for"), ` for ${span(stream.silentMs() / 1000)}`);
  put($("stale-why"), `: ${whyStale(stream)}. ${left} HALT still works if the daemon does.`);
  const before = document.hidden ? "not watching" : "STALE";
  document.title = `${before} · ${document.title.replace(/^(STALE|not watching) · /, "")}`;
}

function whyStale(stream) {
  if (stream.refusal) return `the daemon says "${stream.refusal}", trying again`;
  if (stream.lost) return "the connection to the daemon is lost, trying again";
  return stream.frames ? "the connection stands, but nothing new comes" : "no word from the daemon";
}
