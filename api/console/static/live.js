// A page that follows what happens: at each event the server's own page is read anew, and the parts that changed take
// the place of the old ones. What somebody is typing into stays as long as its part's version does.

const page = document.querySelector("[data-events]");
let reading = false;
let again = false;

function exchange(fresh) {
  let focus = null;
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next || next.dataset.version === part.dataset.version) continue;
    const open = [...part.querySelectorAll("details[open][id]")].map((fold) => fold.id);
    const held = part.contains(document.activeElement);
    part.replaceChildren(...next.childNodes);
    part.dataset.version = next.dataset.version;
    for (const id of open) part.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    for (const button of part.querySelectorAll("[data-copy]")) button.hidden = false;
    focus ??= part.querySelector("[data-focus]") ?? (held ? part : null);
  }
  document.title = fresh.title;
  if (focus && !isBusyElsewhere(focus)) focus.focus();
}

/** Somebody is typing in another part, or has not come to the page yet: their place is theirs. */
function isBusyElsewhere(focus) {
  const active = document.activeElement;
  const typing = active?.matches("input, select, textarea") && active.isConnected;
  return typing && !focus.contains(active);
}

async function read() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") location.reload();
    if (answer.ok) exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The stream comes back by itself and begins with where things stand.
  } finally {
    reading = false;
  }
  if (again) {
    again = false;
    read();
  }
}

if (page) {
  // The field that is waited for, also where the answer came before the page was loaded.
  document.querySelector("input[data-focus]")?.focus();
  const events = new EventSource(page.dataset.events);
  const lost = document.querySelector("[data-lost]");
  events.addEventListener("open", () => lost && (lost.hidden = true));
  events.addEventListener("onboarding", read);
  events.addEventListener("end", () => {
    events.close();
    read();
  });
  events.addEventListener("error", () => {
    if (lost) lost.hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10000);
  });
  window.addEventListener("pagehide", () => events.close());
}
