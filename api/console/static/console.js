// What every page does beyond reading: times that keep going, copying, forms that cannot be sent twice.

import { relative, span } from "./times.js";

function keepTimes() {
  for (const time of document.querySelectorAll("time[data-time]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const said = time.dataset.time === "until" ? span(seconds) : relative(seconds);
    if (time.textContent !== said) time.textContent = said;
  }
}

async function copy(button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy it";
  }
  setTimeout(() => (button.textContent = before), 2000);
}

function sentOnce(event) {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter ?? form.querySelector("button");
  if (!button) return;
  button.setAttribute("aria-disabled", "true");
  if (button.dataset.busy) {
    button.dataset.said = button.textContent;
    button.textContent = button.dataset.busy;
  }
}

function forgetSent() {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
      if (button.dataset.said) button.textContent = button.dataset.said;
    }
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  for (const menu of document.querySelectorAll(".who[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".who[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("submit", sentOnce);
// A page that the browser kept shows again as it was left.
window.addEventListener("pageshow", (event) => event.persisted && forgetSent());
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
// A page that waits for a moment is read anew when it has come; one that lies behind this clock already is not.
const moments = [...document.querySelectorAll("[data-reload] time")].map((time) => Date.parse(time.dateTime));
const left = Math.min(...moments) - Date.now();
if (left > 0 && left < 86400000) setTimeout(() => location.reload(), left + 1000);
keepTimes();
setInterval(keepTimes, 1000);
