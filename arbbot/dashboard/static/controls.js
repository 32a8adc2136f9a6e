// What a person may command: halt, pause, resume. A refusal is shown where it was asked, with the way round it.
import { $, put, show } from "./dom.js";
import { plain } from "./format.js";
import { command } from "./session.js";
import { limitName } from "./words.js";

const SAID_MS = 5000;

export class Controls {
  /** `onLost()` when the daemon knows this session no more; it resolves once somebody has logged in. `aside(send)` sends
   * with a socket to spare. */
  constructor(onLost, aside) {
    this.phrase = "";
    this.saidAt = 0;
    this.onLost = onLost;
    this.aside = aside;
    for (const verb of ["halt", "pause", "resume"]) this.prepare(verb);
    const typed = $("ask-resume").querySelector("[name=phrase]");
    typed.addEventListener("input", () => this.checkPhrase());
  }

  prepare(verb) {
    const dialog = $(`ask-${verb}`);
    const form = dialog.querySelector("form");
    $(verb).addEventListener("click", () => {
      put(dialog.querySelector(".error"), "");
      form.reset();
      if (verb === "resume") this.checkPhrase();
      dialog.showModal();
    });
    dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(verb, dialog, Object.fromEntries(new FormData(form)));
    });
  }

  checkPhrase() {
    const form = $("ask-resume").querySelector("form");
    form.querySelector("[type=submit]").disabled = form.phrase.value !== this.phrase || this.phrase === "";
  }

  async send(verb, dialog, words) {
    const submit = dialog.querySelector("[type=submit]");
    const failed = dialog.querySelector(".error");
    submit.disabled = true;
    put(failed, "");
    try {
      const outcome = await this.aside(() => command(verb, words));
      put($("said"), `${verb.toUpperCase()} accepted: the daemon is ${outcome.state}. ${outcome.said.join(" ")}`);
      this.saidAt = performance.now();
      show($("said"), true);
      dialog.close();
    } catch (error) {
      const done = error.status > 0 ? "Not done" : "It may have been done"; // only the daemon can say that it was not
      put(failed, `${done}: ${error.message}. In a terminal: arbbot ${verb} --reason TEXT`);
      if (error.status === 401) this.lost(verb, dialog, words);
    } finally {
      submit.disabled = false;
      if (verb === "resume") this.checkPhrase();
    }
  }

  /** The question stays open over the login. A halt is sent after it; anything else wants to be asked again. */
  async lost(verb, dialog, words) {
    put(dialog.querySelector(".error"), verb === "halt" ? "Not sent yet: it is sent once you have logged in." : "Not done: log in and ask again.");
    await this.onLost();
    if (verb === "halt" && dialog.open) this.send(verb, dialog, words);
  }

  /** What may be pressed follows the state; HALT always may. What a command led to stays until frames tell more. */
  see({ status }) {
    if (performance.now() - this.saidAt > SAID_MS) show($("said"), false);
    $("pause").disabled = status.state !== "active" || status.stopping !== null;
    $("resume").disabled = status.state === "active";
    const tripped = status.limits.tripped.map((trip) => `${limitName(trip.name)} (${plain(trip.measured)} of ${plain(trip.limit)})`);
    const cleared = tripped.length ? ` Resuming also clears: ${tripped.join(", ")}.` : "";
    put($("resume-about"), `It is ${status.state}${status.state_reason ? `: ${status.state_reason}` : ""}.${cleared}`);
  }

  know(about) {
    this.phrase = about.resume_phrase;
    put($("resume-phrase"), about.resume_phrase);
  }
}
