// Instants and durations in words, as the server says them.

const UNITS = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Seconds from now: "5 minutes ago", "in 2 days", "just now". */
export function relative(seconds) {
  const distance = Math.abs(seconds);
  for (const [size, noun] of UNITS.slice(0, 3)) {
    if (distance < size) continue;
    const said = count(Math.floor(distance / size), noun);
    return seconds > 0 ? `in ${said}` : `${said} ago`;
  }
  return seconds <= 0 ? "just now" : "in under a minute";
}

/** What is left, by its two largest units: "2 days 3 hours". */
export function span(seconds) {
  let left = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [size, noun] of UNITS) {
    if (left < size) continue;
    parts.push(count(Math.floor(left / size), noun));
    left %= size;
  }
  return parts.slice(0, 2).join(" ") || "0 seconds";
}
