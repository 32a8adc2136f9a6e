// The page: who is asking, what the stream tells, and who draws which part of it.
import { drawAnswers } from "./answers.js";
import { drawAge, drawBanner } from "./banner.js";
import { Charts } from "./charts.js";
import { Controls } from "./controls.js";
import { $, put } from "./dom.js";
import { drawEdge } from "./edge.js";
import { drawFlat } from "./flat.js";
import { drawAfterHalt } from "./halted.js";
import { drawHealth } from "./health.js";
import { Hedges } from "./hedges.js";
import { drawLimits, drawNearest, drawRefusals } from "./limits.js";
import { drawNotes } from "./notes.js";
import { drawBridge, drawDays, drawPnl, drawRates, hedgeCounts } from "./pnl.js";
import { drawRadar } from "./radar.js";
import { drawRamp } from "./ramp.js";
import { Series } from "./series.js";
import { login, logout, session, tokenInAddress } from "./session.js";
import { Stream } from "./stream.js";
import { refreshTimeline, setUpTimeline } from "./timeline.js";

const AGE_EVERY_MS = 100;
const AGAIN_MS = 2000;
const HIDDEN_EVERY_MS = 3600e3;
/** A page out of sight takes no frames, and keeps its session all the same. */
const FORGOTTEN = "The daemon does not know this page any more; it may have been restarted.";

/** Tells the other pages of this browser that somebody has logged in. */
const door = new BroadcastChannel("door");
const waiting = [];
const series = new Series();
const charts = new Charts(series);
const controls = new Controls(() => askToken(FORGOTTEN), (send) => stream.aside(send));
const hedges = new Hedges((all, changed) => {
  series.seeHedges(all);
  refreshTimeline(changed);
}, drawDays);
const stream = new Stream({ onFrame: draw, onOpen: connected, onRefused: enter });

/** What must be right first stands first; a fault in one part takes no other part with it. */
const PARTS = [
  drawBanner, drawAfterHalt, (now) => controls.see(now), drawAnswers, drawFlat, drawEdge, drawPnl,
  (now) => drawHealth(now, stream), drawNearest, drawLimits, drawRamp, drawRefusals, drawRates, drawBridge, drawNotes, drawRadar,
  (now) => put($("hedge-counts"), hedgeCounts(now.report)), (now) => hedges.see(now), (now) => series.see(now), (now) => charts.see(now),
];
const faults = new Set();

function draw(snapshot) {
  for (const part of PARTS) {
    try {
      part(snapshot);
    } catch (error) {
      const fault = `${part.name || "a part"}: ${error.message}`;
      if (!faults.has(fault)) console.error(fault, error);
      faults.add(fault);
      put($("announce"), `This page has a fault, ${fault}. Ask in a terminal: arbbot status`);
      $("announce").className = "strip alarm";
    }
  }
}

async function connected() {
  try {
    know(await session());
    hedges.forget();
    await series.read();
  } catch (error) {
    if (error.status === 401) askToken(FORGOTTEN);
  }
}

/** The daemon knows us: whatever waited for that goes on. */
function know(about) {
  controls.know(about);
  $("ask-token").close();
  for (const goOn of waiting.splice(0)) goOn();
}

/** Log in where the address carries a token, then listen; ask for the token where nobody is logged in. */
async function enter() {
  const token = tokenInAddress();
  stream.asksSince ??= Date.now();
  try {
    if (token) await knock(token);
    const about = await session();
    know(about);
    charts.load(about.charts);
    stream.open();
  } catch (error) {
    if (error.status === 401 || error.status === 403) askToken(token ? `The link's token was refused: ${error.message}.` : stream.frames ? FORGOTTEN : "");
    else {
      put($("state-detail"), `${error.message}; trying again`);
      setTimeout(enter, AGAIN_MS);
    }
  }
}

async function knock(token) {
  await login(token);
  door.postMessage("open");
}

/** Resolves once somebody has logged in, here or in another page of this browser. */
function askToken(said) {
  const dialog = $("ask-token");
  put(dialog.querySelector(".error"), said);
  if (!dialog.open) dialog.showModal();
  if (!stream.frames) stream.asksSince = null; // the question says what is missing
  return new Promise((goOn) => waiting.push(goOn));
}

function setUpLogin() {
  const dialog = $("ask-token");
  const form = dialog.querySelector("form");
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await knock(form.token.value.trim());
      form.reset();
      enter();
    } catch (error) {
      put(dialog.querySelector(".error"), `${error.message}.`);
    }
  });
}

/** Whatever came of it: without a session the page asks for the token. */
$("logout").addEventListener("click", () => logout().catch(() => {}).then(() => location.reload()));

setUpLogin();
setUpTimeline();
addEventListener("hashchange", enter);
door.addEventListener("message", () => $("ask-token").open && enter());
setInterval(() => document.hidden && session().catch(() => {}), HIDDEN_EVERY_MS);
setInterval(() => drawAge(stream), AGE_EVERY_MS);
enter();
