// Shows what has come since the page was opened; without it, reloading does.
(() => {
  "use strict";
  const follow = async () => {
    try {
      const text = await (await fetch(location.href)).text();
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
      const shown = document.getElementById("live");
      if (fresh !== null && shown !== null && fresh.innerHTML !== shown.innerHTML && !shown.contains(document.activeElement)) {
        shown.replaceWith(fresh);
      }
    } catch {
      // The simulator is not there just now; what is shown stays.
    }
    setTimeout(follow, 1500);
  };
  setTimeout(follow, 1500);
})();
