// Who we are to the daemon: the token becomes a cookie once, and commands carry what only this page was told.

let csrf = null;

/** As a status: it was sent, and whether it was done is not known. */
const UNANSWERED = -1;

class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const ANSWER_MS = 5000;

async function request(path, options = {}) {
  const lost = options.method === "POST" ? UNANSWERED : 0; // who cannot tell "refused" from "reset" claims neither
  let reply;
  try {
    reply = await fetch(path, { ...options, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    throw new Refused(error.name === "TimeoutError" ? `no answer within ${ANSWER_MS / 1000} s` : "no connection, or it broke before an answer", lost);
  }
  const answer = reply.status === 204 ? {} : await reply.json().catch(() => null);
  if (!reply.ok) throw new Refused(answer?.error ?? `answered with status ${reply.status}`, reply.status >= 500 ? lost || reply.status : reply.status);
  if (answer === null) throw new Refused("the answer was cut off", lost);
  return answer;
}

const posted = (path, body, headers = {}) =>
  request(path, { method: "POST", body: JSON.stringify(body), priority: "high", headers: { "Content-Type": "application/json", ...headers } });

export const ask = (path) => request(path);

/** The token behind # in the address, which is then wiped: neither history nor a screenshot keeps it. */
export function tokenInAddress() {
  const token = location.hash.slice(1);
  if (token) history.replaceState(null, "", location.pathname);
  return token;
}

export async function login(token) {
  csrf = (await posted("/api/login", { token })).csrf;
}

export const logout = () => posted("/api/logout", {}, { "X-CSRF": csrf ?? "" });

/** What the daemon is. Refused with status 401 where nobody has logged in. */
export async function session() {
  const about = await request("/api/session");
  csrf = about.csrf;
  return about;
}

/** Where another page of this browser has logged in anew, what we were told is told anew, and the command sent again. */
export async function command(verb, words) {
  const send = () => posted("/api/command", { verb, ...words }, { "X-CSRF": csrf ?? "" });
  try {
    return await send();
  } catch (error) {
    if (error.status !== 403) throw error;
    await session();
    return send();
  }
}
