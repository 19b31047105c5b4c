// A stand-in for Facebook's JavaScript SDK: FB.init and FB.login, with a popup of the simulator's own.
(() => {
  "use strict";
  const self = document.currentScript ?? document.querySelector('script[src*="/sdk.js"]');
  const home = new URL(self.src).origin;
  const refused = () => ({ authResponse: null, status: "unknown" });
  let settings = null;

  function init(options) {
    if (!options?.appId || !options?.version) {
      console.error("FB.init: appId and version are required");
      return;
    }
    settings = options;
  }

  function dialogUrl(id, options) {
    const url = new URL(`/${settings.version}/dialog/oauth`, home);
    const fields = {
      client_id: settings.appId,
      config_id: options.config_id ?? "",
      response_type: options.override_default_response_type ? options.response_type : "token",
      display: "popup",
      extras: JSON.stringify(options.extras ?? {}),
      cb: id,
      origin: location.origin,
    };
    for (const [name, value] of Object.entries(fields)) {
      url.searchParams.set(name, value ?? "");
    }
    return url.href;
  }

  function login(callback, options = {}) {
    if (settings === null) {
      console.error("FB.login() called before FB.init().");
      return;
    }
    const id = `f${crypto.randomUUID().replaceAll("-", "")}`;
    const popup = window.open(dialogUrl(id, options), `login-${id}`, "popup,width=600,height=760");
    if (popup === null) {
      callback(refused());
      return;
    }
    let watch = 0;
    const end = (response) => {
      clearInterval(watch);
      window.removeEventListener("message", hear);
      callback(response);
    };
    // What the popup says to the SDK is no JSON, as at Facebook: a page must not stumble over it.
    const hear = (event) => {
      if (event.origin !== home || typeof event.data !== "string" || !event.data.startsWith("cb=")) {
        return;
      }
      const answer = new URLSearchParams(event.data);
      if (answer.get("cb") !== id) {
        return;
      }
      const code = answer.get("code");
      end(code ? { authResponse: { userID: null, expiresIn: null, code }, status: "connected" } : refused());
    };
    window.addEventListener("message", hear);
    watch = setInterval(() => popup.closed && end(refused()), 200);
  }

  window.FB = { init, login, getLoginStatus: (callback) => callback(refused()) };
  if (typeof window.fbAsyncInit === "function") {
    setTimeout(() => window.fbAsyncInit(), 0);
  }
})();
