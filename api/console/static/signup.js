// Facebook's two halves of a finished signup: the login's callback with the code, and the WA_EMBEDDED_SIGNUP message
// with the ids. Either may come first, or alone; the code lives 30 seconds.

const FINISHES = /^FINISH/;
const FACEBOOK = /(^|\.)facebook\.com$/;

/** Whether a message's origin is Facebook's by its hostname, or exactly the one of the simulator that is set. */
export function isTrusted(origin, trusted) {
  if (trusted) return origin === trusted;
  try {
    const { protocol, hostname } = new URL(origin);
    return protocol === "https:" && FACEBOOK.test(hostname);
  } catch {
    return false;
  }
}

/** The signup's message in a MessageEvent's data; null for whatever else windows say to each other. */
export function readMessage(data) {
  try {
    const said = typeof data === "string" ? JSON.parse(data) : data;
    if (said?.type !== "WA_EMBEDDED_SIGNUP" || typeof said.event !== "string") return null;
    return { event: said.event, data: said.data && typeof said.data === "object" ? said.data : {} };
  } catch {
    return null;
  }
}

/**
 * Joins the two halves of one attempt. `done(outcome)` is called once, with
 * `{kind: "code", code, message}`, `{kind: "cancelled", step}`, `{kind: "reported", message}`,
 * `{kind: "error", message}` or `{kind: "closed"}`.
 */
export class Signup {
  constructor(done, { idsWithin = 2500, wordsWithin = 1500, callbackWithin = 4000 } = {}) {
    this.done = done;
    this.idsWithin = idsWithin;
    this.wordsWithin = wordsWithin;
    this.callbackWithin = callbackWithin;
    this.code = null;
    this.message = null;
    this.calledBack = false;
    this.timer = 0;
  }

  /** The login's callback: a code, or nothing. */
  callback(code) {
    if (this.calledBack) return;
    this.calledBack = true;
    this.code = code || null;
    // The popup closed on its last screen sends no message: the code alone is a success.
    if (this.message || !this.code) this.settle(this.code || this.message ? 0 : this.wordsWithin);
    else this.settle(this.idsWithin);
  }

  /** The signup's message. */
  told(message) {
    this.message = message;
    // A code may still come: a success, whatever the message said.
    this.settle(this.calledBack ? 0 : FINISHES.test(message.event) ? null : this.callbackWithin);
  }

  settle(milliseconds) {
    clearTimeout(this.timer);
    if (milliseconds === null) return;
    if (milliseconds === 0) this.end();
    else this.timer = setTimeout(() => this.end(), milliseconds);
  }

  end() {
    const done = this.done;
    if (!done) return;
    this.done = null;
    clearTimeout(this.timer);
    done(this.outcome());
  }

  outcome() {
    const message = this.message;
    if (this.code) return { kind: "code", code: this.code, message };
    if (!message) return { kind: "closed" };
    const told = message.data.error_message;
    if (message.event === "CANCEL" && told) return { kind: "reported", message: told, code: message.data.error_code };
    if (message.event === "CANCEL") return { kind: "cancelled", step: message.data.current_step };
    if (FINISHES.test(message.event)) return { kind: "no-code" };
    return { kind: "error", message: told, code: message.data.error_code ?? message.data.error_id };
  }
}

const isId = (value) => /^[0-9]{1,32}$/.test(String(value ?? ""));

/** The body for POST /api/v1/whatsapp/onboardings. */
export function bodyOf({ code, message }, { agentFlow, coexistence, reconnects }) {
  const body = { code, agent_flow_id: agentFlow, coexistence };
  if (reconnects) body.reconnects = reconnects;
  if (!message || !FINISHES.test(message.event)) return body;
  if (/^[A-Z0-9_]{1,64}$/.test(message.event)) body.event = message.event;
  for (const name of ["waba_id", "phone_number_id", "business_id"]) {
    if (isId(message.data[name])) body[name] = String(message.data[name]);
  }
  return body;
}

const STEPS = {
  BUSINESS_ACCOUNT_SELECTION: "the choice of the business",
  WABA_PHONE_PROFILE_PICKER: "the choice of the WhatsApp account",
  WHATSAPP_BUSINESS_PROFILE_SETUP: "the business profile",
  PHONE_NUMBER_SETUP: "the phone number",
  PHONE_NUMBER_VERIFICATION: "the number's verification",
  EMAIL_VERIFICATION: "the e-mail's verification",
  PERMISSIONS: "the permissions",
};

/** What an ending means: a title, what to do, and Meta's own words for the fold. */
export function wordsFor(outcome) {
  switch (outcome.kind) {
    case "cancelled": {
      const at = STEPS[outcome.step] ?? (outcome.step ? outcome.step.toLowerCase().replaceAll("_", " ") : "");
      const title = at ? `You left Facebook's window at ${at}.` : "You left Facebook's window before the end.";
      return { title, todo: "Nothing was changed here. Open it again whenever you like: Facebook remembers some of it." };
    }
    case "reported":
      return {
        title: "You reported a problem in Facebook's window and left it.",
        todo: "Nothing was changed here. What Facebook said stands below; once it is settled, open the window again.",
        meta: outcome,
      };
    case "error":
      return {
        title: "Facebook's window ended with an error.",
        todo: "Nothing was changed here. What Facebook said stands below; put it right there, then open the window again.",
        meta: outcome,
      };
    case "no-code":
      return {
        title: "Facebook finished the signup but gave no code.",
        todo: "Open the window again: Facebook remembers the signup, and this time it takes a moment.",
      };
    default:
      return {
        title: "Facebook's window was closed before the end.",
        todo: "Nothing was changed here. If it never opened, allow pop-ups for this page, or connect by redirect below.",
      };
  }
}
