// Tells the opener how the login ended, and closes the window. On the page of choices there is nothing to tell.
(() => {
  "use strict";
  const ended = document.getElementById("ended");
  if (ended === null) {
    for (const form of document.forms) {
      form.addEventListener("submit", () => document.body.classList.add("sent"));
    }
    return;
  }
  const posts = JSON.parse(ended.dataset.posts);
  if (window.opener === null) {
    document.getElementById("says").textContent = "The page that opened this window is gone. Close it and start again.";
    return;
  }
  // Message and callback are apart, as they are at Facebook, so that a page that joins them has something to wait for.
  posts.forEach((post, place) => setTimeout(() => window.opener?.postMessage(post, ended.dataset.origin), place * 150));
  setTimeout(() => window.close(), posts.length * 150 + 50);
})();
