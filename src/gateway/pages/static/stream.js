// Stream: one socket that is kept connected, by the meaning of each close code. It knows nothing of bars or of the page.

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 30_000;
const STABLE_MS = 5_000; // a connection that lasted this long starts the back-off over
const QUIET_MS = 20_000; // with nothing heard for this long, ask; browsers can't send WebSocket pings
const TICK_MS = 5_000;

/** Whether to come back after a close: 4000 to 4499 mean it, as do going away, an abnormal end, a fault, a restart. */
export function comesBack(code) {
  return (code >= 4000 && code <= 4499) || [1001, 1006, 1011, 1012].includes(code);
}

/** How long to wait before the attempt of this number (from 0), in ms: full jitter, so that clients spread. */
export function backoff(attempt, random = Math.random) {
  return Math.round(random() * Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** attempt));
}

/**
 * `onState({state, code, reason, delay})` tells of `connecting`, `open`, `waiting` (comes back in `delay` ms) and
 * `stopped`; `onMessage({type, payload})` of each frame that is an object with a type.
 */
export class Stream {
  #url;
  #onState;
  #onMessage;
  #socket = null;
  #attempt = 0;
  #shutdownDelay = null;
  #openedAt = 0;
  #heardAt = 0;
  #askedAt = null;
  #retry = null;

  constructor(url, { onState, onMessage }) {
    this.#url = url;
    this.#onState = onState;
    this.#onMessage = onMessage;
    setInterval(() => this.#listen(), TICK_MS);
  }

  /** Connect now, whatever was planned; harmless while connected or connecting. */
  connect() {
    if (this.#socket) return;
    clearTimeout(this.#retry);
    this.#shutdownDelay = null;
    this.#askedAt = null;
    this.#onState({ state: "connecting" });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#openedAt = this.#heardAt = performance.now();
      this.#onState({ state: "open" });
    };
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  send(type, payload) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, payload }));
  }

  #take(data) {
    this.#heardAt = performance.now();
    this.#askedAt = null;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof message?.type !== "string") return;
    const payload = message.payload ?? {};
    if (message.type === "shutdown" && payload.reconnect_after_ms >= 0) this.#shutdownDelay = payload.reconnect_after_ms;
    this.#onMessage({ type: message.type, payload });
  }

  #closed(code, reason) {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    this.#socket = null;
    if (this.#openedAt && performance.now() - this.#openedAt > STABLE_MS) this.#attempt = 0;
    this.#openedAt = 0;
    if (!comesBack(code)) {
      this.#onState({ state: "stopped", code, reason });
      return;
    }
    // The server chose the delay of a shutdown for this client; otherwise chance spreads the clients.
    const delay = this.#shutdownDelay ?? backoff(this.#attempt);
    this.#attempt += 1;
    this.#retry = setTimeout(() => this.connect(), delay);
    this.#onState({ state: "waiting", code, reason, delay });
  }

  #listen() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const now = performance.now();
    if (this.#askedAt !== null && now - this.#askedAt > QUIET_MS) {
      const socket = this.#socket;
      this.#closed(1006, "The server fell silent.");
      socket.close(); // its own close event may take minutes, and is no longer listened for
    } else if (this.#askedAt === null && now - this.#heardAt > QUIET_MS) {
      this.#askedAt = now;
      this.#socket.send('{"type":"ping"}');
    }
  }
}
