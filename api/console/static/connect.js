// The connect page: loads Facebook's SDK, opens its window within the click, and posts what comes of it at once.

import { Signup, bodyOf, isTrusted, readMessage, wordsFor } from "./signup.js";

const FRESH = 8000; // ms a "ready" stands before it is asked for again; a "not ready" less
const SOON = 1500;
const STALE = 30000; // ms after which the window is not opened on it
const CODE_LIFE = 25000; // ms within which posting a code makes sense
const SDK_WITHIN = 12000;

const page = document.getElementById("signup");
const go = document.getElementById("go");
const readiness = document.getElementById("readiness");
const outcomeBox = document.getElementById("outcome");
const { appId, configId, version, sdk, trusted, reconnects } = page.dataset;
const settingsMissing = !appId || !configId;

let server = { ready: false, says: "", at: 0 };
let sdkState = "loading"; // loading, ready, blocked
let signup = null;

const sdkHost = new URL(sdk).hostname;
const why = {
  settings: "Settings are missing.",
  loading: "Loading Facebook's part …",
  blocked:
    `Facebook's script (${sdkHost}) could not be loaded: a content blocker, a privacy setting of the browser or the ` +
    "network keeps it away. Allow it for this page and load the page again, or connect by redirect below.",
  asking: "Looking whether Holdfast can take the code …",
  open: "Facebook's window is open. Go on there; this page follows.",
  posting: "Facebook is done. Holdfast takes over …",
};

function show(words, { enabled = false, soft = true } = {}) {
  if (readiness.textContent !== words) readiness.textContent = words;
  readiness.classList.toggle("soft", soft);
  if (enabled) go.removeAttribute("aria-disabled");
  else go.setAttribute("aria-disabled", "true");
}

function settle() {
  if (signup) return;
  if (settingsMissing) show(why.settings);
  else if (sdkState === "blocked") show(why.blocked, { soft: false });
  else if (sdkState === "loading") show(why.loading);
  else if (!server.at) show(why.asking);
  else if (!server.ready) show(server.says, { soft: false });
  else show("Ready. Facebook opens in a window of its own.", { enabled: true });
}

let asking = null;

/** Asks whether Temporal and a worker can take a code; called often enough for the click to rely on the answer. */
function ask() {
  asking ??= (async () => {
    try {
      const answer = await fetch("/console/connect/ready", { redirect: "manual" });
      if (answer.type === "opaqueredirect") location.reload();
      server = { ...(await answer.json()), at: Date.now() };
    } catch {
      server = { ready: false, says: "Holdfast does not answer just now. It is asked again by itself.", at: Date.now() };
    } finally {
      asking = null;
    }
    settle();
  })();
  return asking;
}

const keepFresh = () => document.visibilityState === "visible" && Date.now() - server.at > (server.ready ? FRESH : SOON) && ask();

// --- Facebook's SDK -------------------------------------------------------------------------------------------------

function loadSdk() {
  const blocked = () => {
    if (sdkState === "loading") sdkState = "blocked";
    settle();
  };
  window.fbAsyncInit = () => {
    window.FB.init({ appId, autoLogAppEvents: true, xfbml: false, version });
    sdkState = "ready";
    settle();
  };
  const script = document.createElement("script");
  script.src = sdk;
  script.async = true;
  script.addEventListener("error", blocked);
  setTimeout(blocked, SDK_WITHIN);
  document.head.append(script);
}

/** Opens the login within the click; answers whether the browser let a window open, null when that cannot be told. */
function openLogin(callback) {
  const open = window.open;
  let opened = null;
  window.open = (...given) => {
    const popup = open.apply(window, given);
    opened = popup !== null;
    return popup;
  };
  try {
    window.FB.login((answer) => callback(answer?.authResponse?.code), {
      config_id: configId,
      response_type: "code",
      override_default_response_type: true,
      extras: extras(),
    });
  } finally {
    window.open = open;
  }
  return opened;
}

const coexists = () => document.getElementById("coexistence").checked;

function extras() {
  const chosen = { setup: {}, version: "v4", sessionInfoVersion: "3" };
  return coexists() ? { ...chosen, featureType: "whatsapp_business_app_onboarding" } : chosen;
}

// --- an attempt -----------------------------------------------------------------------------------------------------

function begin() {
  if (go.getAttribute("aria-disabled") === "true" || signup) return;
  if (!server.ready || Date.now() - server.at > STALE) {
    show(why.asking);
    ask();
    return;
  }
  outcomeBox.replaceChildren();
  const attempt = new Signup((outcome) => ended(outcome));
  signup = attempt;
  show(why.open);
  if (openLogin((code) => attempt.callback(code)) === false) {
    attempt.done = null;
    blockedPopup();
  }
}

async function ended(outcome) {
  if (outcome.kind === "code") {
    show(why.posting);
    await post(outcome);
    return;
  }
  again();
  tell(wordsFor(outcome));
}

function blockedPopup() {
  again();
  tell({
    title: "The browser did not let Facebook's window open.",
    todo: "Allow pop-ups for this page (the address bar shows a sign for it), then press the button again. Or connect by redirect below, which needs no window.",
  });
}

function again() {
  signup = null;
  ask();
  settle();
}

/** Posts the code while it lives: again when Holdfast says that nothing was stored. */
async function post(outcome) {
  const until = Date.now() + CODE_LIFE;
  const agentFlow = document.querySelector("input[name=agent_flow_id]:checked").value;
  const body = JSON.stringify(bodyOf(outcome, { agentFlow, coexistence: coexists(), reconnects }));
  const headers = {
    "Content-Type": "application/json",
    "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content,
  };
  for (;;) {
    const answer = await fetch("/api/v1/whatsapp/onboardings", { method: "POST", headers, body }).catch(() => null);
    if (answer?.ok) {
      location.assign(`/console/onboardings/${(await answer.json()).id}`);
      return;
    }
    const passes = answer === null || answer.status === 503;
    if (!passes || Date.now() > until) {
      again();
      tell(await refusal(answer));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function refusal(answer) {
  const problem = await answer?.json().catch(() => null);
  return {
    title: problem?.detail ?? "Holdfast could not be reached while Facebook's code was good (30 seconds).",
    todo: problem?.next_step ?? "Look at Onboardings whether it arrived all the same; if not, open the window again.",
  };
}

/** Says how an attempt ended, and moves the focus there. */
function tell({ title, todo, meta }) {
  const box = document.createElement("div");
  box.className = "banner wait";
  const words = document.createElement("div");
  words.className = "tight";
  words.append(line("strong", title), line("p", todo));
  if (meta?.message || meta?.code) words.append(fold(meta));
  box.append(words);
  outcomeBox.replaceChildren(box);
  outcomeBox.focus();
}

function line(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

function fold({ message, code }) {
  const details = document.createElement("details");
  details.className = "fold small";
  details.append(line("summary", "What Facebook said"));
  const said = [message, code && `(code ${code})`].filter(Boolean).join(" ");
  const copy = line("button", "Copy");
  copy.type = "button";
  copy.className = "copy";
  copy.dataset.copy = said;
  copy.setAttribute("aria-label", "Copy what Facebook said");
  const answer = line("p", `${said} `);
  answer.className = "answer";
  answer.append(copy);
  details.append(answer);
  return details;
}

// --- wiring ---------------------------------------------------------------------------------------------------------

if (go) {
  settle();
  if (!settingsMissing) {
    window.addEventListener("message", (event) => {
      const message = isTrusted(event.origin, trusted) ? readMessage(event.data) : null;
      if (message && signup) signup.told(message);
    });
    go.addEventListener("click", begin);
    for (const near of ["pointerenter", "focus"]) go.addEventListener(near, keepFresh);
    document.addEventListener("visibilitychange", keepFresh);
    setInterval(keepFresh, 2000);
    loadSdk();
    ask();
  }
}
