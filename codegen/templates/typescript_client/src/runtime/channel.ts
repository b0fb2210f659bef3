/** Channel: one address of the server over any number of connections: requests, messages, coming back. It knows no message. */

import { ClientError, ConnectionClosedError, ConnectionLostError, RefusedError, RequestTimeoutError } from "./errors.js";
import type { Carriage, ConnectionEvent, JsonObject, RequestOptions, Settings, UndeclaredFrame, Way, WebSocketLike } from "./options.js";
import { Queue } from "./queue.js";
import { isObject, read, write } from "./values.js";

/** What a frame is. */
export type Form = "json" | "text" | "binary";

/** A message that may come in. */
export interface Kind {
  readonly name: string;
  /** What a frame of it is: JSON, or a text or bytes as they stand. */
  readonly form: Form;
  readonly check: (value: unknown) => boolean;
  /** Whether it may come unasked; else it is an answer alone. */
  readonly pushed: boolean;
  /** Where it repeats a request's id. */
  readonly id: Way | null;
  /** Whether its newest value is enough: always, or where the boolean that the way leads to is this. */
  readonly latest: boolean | { readonly way: Way; readonly when: boolean };
  /** Where it says how long to wait before connecting again, in milliseconds. */
  readonly reconnectAfter: Way | null;
  /** Where it says how long to wait before the next request, in milliseconds. */
  readonly retryAfter: Way | null;
}

/** What a close code means. */
export interface CloseMeaning {
  readonly name: string;
  readonly text: string;
  readonly reconnect: boolean;
}

/** A channel of the document. */
export interface ChannelSpec {
  readonly id: string;
  readonly address: string;
  readonly subprotocols: readonly string[];
  /** Where a token may go; null: there is none. */
  readonly security: {
    readonly query: string | null;
    readonly subprotocol: boolean;
    readonly bearer: boolean;
    readonly header: string | null;
    readonly cookie: string | null;
    /** Whether a name and a password may stand there instead. */
    readonly basic: boolean;
  } | null;
  /** The member that tells the messages apart, if one does. */
  readonly tag: string | null;
  readonly kinds: readonly Kind[];
  readonly byTag: ReadonlyMap<string, readonly Kind[]>;
  readonly closeCodes: ReadonlyMap<number, CloseMeaning>;
  /** The request that asks whether the server is there. */
  readonly probe: RequestSpec | null;
}

/** A request that a client may send. */
export interface RequestSpec {
  readonly name: string;
  readonly form: Form;
  /** What each of its frames has: the tag. */
  readonly fixed: JsonObject;
  /** The member that holds what the caller gives; null: what he gives stands beside the tag. */
  readonly body: string | null;
  /** Where its id stands, and whether that may be an integer. */
  readonly id: { readonly way: Way; readonly integer: boolean } | null;
  /** The names of the messages that may answer it. */
  readonly replies: readonly string[];
}

/** Counts since the channel was made. */
export interface ChannelStats {
  /** Frames that came. */
  readonly frames: number;
  /** Of them those that the document doesn't know. */
  readonly undeclared: number;
  /** Connections that were opened. */
  readonly connections: number;
  /** Messages that wait to be read. */
  readonly waiting: number;
}

/** A request that waits for its answer. */
export interface Pending {
  readonly spec: RequestSpec;
  readonly frame: JsonObject;
  readonly id: unknown;
  /** An answer that comes after its time still belongs to it. */
  over: boolean;
  readonly settle: (answer: unknown, error: Error | null) => void;
}

/** What becomes of a message: it is taken, or dropped as one that came before, or that nobody asked for. */
export type Verdict = "take" | "double" | "unasked";

type State = "idle" | "connecting" | "open" | "waiting" | "closed";

/** What proxies and servers that go away send, connections that break, and servers that fail. */
const PASSING: ReadonlySet<number> = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015]);
const GOING_AWAY = 1001;
const BROKEN = 1006;
const FIRST_PRIVATE = 4000;
const FIRST_FINAL = 4500;
const LONGEST_MS = 2 ** 31 - 1; // of a timer: one that is longer rings at once

/** One address of the server. It connects when it is first used, and comes back by itself until it is closed. */
export class Channel<Message> {
  protected readonly $spec: ChannelSpec;
  protected readonly $settings: Settings;
  readonly #path: string;
  readonly #query: { readonly [name: string]: unknown };
  readonly #queue: Queue<Message>;
  #state: State = "idle";
  #socket: WebSocketLike | null = null;
  #token: string | null = null;
  #over: ConnectionClosedError | null = null;
  #attempt = 0;
  #openedAt = 0;
  #heardAt = 0;
  #toldMs: number | null = null;
  #nextId = 1;
  #retryTimer: unknown = null;
  #connectTimer: unknown = null;
  #idleTimer: unknown = null;
  #pending: Pending[] = [];
  readonly #timers = new Set<unknown>();
  #waiters: ((error: Error | null) => void)[] = [];
  #frames = 0;
  #undeclared = 0;
  #connections = 0;

  /** @internal */
  constructor(
    spec: ChannelSpec,
    settings: Settings,
    parameters: { readonly [name: string]: unknown },
    query: { readonly [name: string]: unknown },
  ) {
    this.$spec = spec;
    this.$settings = settings;
    this.#path = spec.address.replace(/\{([^{}]+)\}/g, (_, name: string) => encodeURIComponent(String(parameters[name])));
    this.#query = query;
    this.#queue = new Queue(settings.queueSize);
  }

  /** Whether it is over: `close` was called, or the server's close code says not to come back. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Counts since the channel was made. */
  get stats(): ChannelStats {
    return {
      frames: this.#frames,
      undeclared: this.#undeclared,
      connections: this.#connections,
      waiting: this.#queue.length,
    };
  }

  /**
   * Connect, and wait until the connection is open. Nobody has to call this: the first request does it too.
   *
   * Throws RequestTimeoutError, ConnectionClosedError, or the signal's reason.
   */
  async open(options: RequestOptions = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? this.$settings.requestTimeoutMs;
    await this.#whenOpen(this.$settings.clock.now() + timeoutMs, options.signal, "open");
  }

  /**
   * The messages that the server pushes, those included that came since the channel was first used. One loop reads them.
   *
   * It goes on over lost connections. It ends when the channel is closed or the signal is aborted, and throws
   * ConnectionClosedError when the server's close code says not to come back, OverflowError when messages were lost
   * because they were not read in time.
   */
  messages(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Message, void, undefined> {
    this.#start();
    return this.#queue.read(options.signal);
  }

  /** Close the connection for good. Requests that wait are rejected, and `messages` ends after what has come. */
  close(): void {
    this.#finish(new ConnectionClosedError("This channel was closed here. Make a new one.", 1000, ""), null);
  }

  /** Called when a connection is open, before anything waits on it. */
  protected $connected(): void {}

  /** Called when a connection is over. */
  protected $disconnected(): void {}

  /** Return the parameters that are to be added to the address. */
  protected $position(): { readonly [name: string]: unknown } {
    return {};
  }

  /** Called with each message before anybody gets it, and with the request that it answers. */
  protected $arrived(_kind: Kind, _message: unknown, _pending: Pending | null): Verdict {
    return "take";
  }

  /** Return what a message is the newest value of, beside its kind; null where that can't be told. */
  protected $keyOf(_kind: Kind, _message: unknown): string | null {
    return null;
  }

  /** The token of this connection. */
  protected get $currentToken(): string | null {
    return this.#token;
  }

  /** Say that something failed that the client goes on without. */
  protected $fault(error: unknown): void {
    this.#tell({ type: "fault", channel: this.$spec.id, error });
  }

  /** Ask the application for a token; null where it has none. Throws a ClientError where it takes too long. */
  protected async $askToken(): Promise<string | null> {
    const { clock, connectTimeoutMs, token: source } = this.$settings;
    if (source === undefined || typeof source === "string") {
      return source ?? null;
    }
    let timer: unknown = null;
    const late = new Promise<never>((_, reject) => {
      const text = `\`token\` gave none within ${connectTimeoutMs} ms. Raise connectTimeoutMs, or let it give up sooner.`;
      timer = clock.setTimeout(() => reject(new ClientError(text)), connectTimeoutMs);
    });
    try {
      return await Promise.race([source(), late]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  /** Send a request and return its answer. `given` is what the caller gave. */
  protected async $ask(spec: RequestSpec, given: unknown, options: RequestOptions = {}): Promise<unknown> {
    return await this.$exchange(spec, frameOf(spec, given), options);
  }

  /** Send the frame of a request and return its answer. */
  protected async $exchange(spec: RequestSpec, bare: JsonObject, options: RequestOptions): Promise<unknown> {
    const { clock } = this.$settings;
    const timeoutMs = options.timeoutMs ?? this.$settings.requestTimeoutMs;
    const deadline = clock.now() + timeoutMs;
    await this.#whenOpen(deadline, options.signal, spec.name);
    const { frame, id } = this.#withId(spec, bare);
    if (spec.replies.length === 0) {
      this.#transmit(spec, frame);
      return undefined;
    }
    return await new Promise<unknown>((resolve, reject) => {
      const abort = (): void => pending.settle(undefined, reasonOf(options.signal));
      const timer = clock.setTimeout(
        () => {
          const text = `No answer to ${spec.name} came within ${timeoutMs} ms. Ask again, or raise timeoutMs.`;
          pending.settle(undefined, new RequestTimeoutError(text));
        },
        Math.min(timeoutMs, Math.max(0, deadline - clock.now())), // a clock that is set back gives no more time
      );
      const pending: Pending = {
        spec,
        frame,
        id,
        over: false,
        settle: (answer, error) => {
          if (pending.over) {
            return;
          }
          pending.over = true;
          clock.clearTimeout(timer);
          options.signal?.removeEventListener("abort", abort);
          if (error === null) {
            this.#forget(pending);
            resolve(answer);
          } else {
            // Where answers come by their order alone, a late one would be taken for the next one's: wait for it a while.
            if (id === undefined && this.#state === "open") {
              this.$after(Math.max(timeoutMs, this.$settings.requestTimeoutMs), () => this.#forget(pending));
            } else {
              this.#forget(pending);
            }
            reject(error);
          }
        },
      };
      options.signal?.addEventListener("abort", abort);
      this.#pending.push(pending);
      this.#transmit(spec, frame);
    });
  }

  #withId(spec: RequestSpec, bare: JsonObject): { frame: JsonObject; id: unknown } {
    if (spec.id === null || spec.replies.length === 0) {
      return { frame: bare, id: undefined };
    }
    const given = read(bare, spec.id.way);
    if (given !== undefined) {
      if (this.#pending.some((other) => other.id === given)) {
        throw new ClientError(`A request with the id ${JSON.stringify(given)} waits for its answer. Give each its own.`);
      }
      return { frame: bare, id: given };
    }
    const id = spec.id.integer ? this.#nextId : String(this.#nextId);
    this.#nextId += 1;
    return { frame: write(bare, spec.id.way, id), id };
  }

  /** Call something after so many milliseconds, unless the channel is closed until then. */
  protected $after(ms: number, callback: () => void): void {
    const { clock } = this.$settings;
    const timer = clock.setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }

  /** Drop the connection as a broken one, and come back. */
  protected $drop(reason: string): void {
    if (this.#state === "open" || this.#state === "connecting") {
      this.#lost(BROKEN, reason);
    }
  }

  #start(): void {
    if (this.#state === "idle") {
      this.#state = "connecting";
      void this.#connect();
    }
  }

  #whenOpen(deadline: number, signal: AbortSignal | undefined, name: string): Promise<void> {
    if (signal?.aborted === true) {
      return Promise.reject(reasonOf(signal));
    }
    if (this.#over !== null) {
      return Promise.reject(this.#over);
    }
    this.#start();
    if (this.#state === "open") {
      return Promise.resolve();
    }
    const { clock } = this.$settings;
    return new Promise((resolve, reject) => {
      const done = (error: Error | null): void => {
        clock.clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#waiters = this.#waiters.filter((waiter) => waiter !== done);
        if (error === null) {
          resolve();
        } else {
          reject(error);
        }
      };
      const abort = (): void => done(reasonOf(signal));
      const timer = clock.setTimeout(
        () => done(new RequestTimeoutError(`${name}: no connection to ${this.$settings.url} came about in time.`)),
        Math.max(0, deadline - clock.now()),
      );
      signal?.addEventListener("abort", abort);
      this.#waiters.push(done);
    });
  }

  async #connect(): Promise<void> {
    const settings = this.$settings;
    const begun = settings.clock.now();
    let socket: WebSocketLike;
    try {
      const token = await this.$askToken();
      if (this.#state !== "connecting") {
        return;
      }
      this.#token = token;
      socket = this.#makeSocket(token);
    } catch (error) {
      if (this.#state === "connecting") {
        this.$fault(error);
        this.#lost(BROKEN, "the connection could not be made");
      }
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (socket === this.#socket) {
        this.#opened();
      }
    };
    socket.onmessage = (event: { data: unknown }) => {
      if (socket === this.#socket) {
        this.#receive(event.data);
      }
    };
    socket.onerror = () => undefined; // the close that follows it says more
    socket.onclose = (event: { code: number; reason: string }) => {
      if (socket === this.#socket) {
        this.#lost(event.code, event.reason);
      }
    };
    const spent = Math.max(0, settings.clock.now() - begun); // on the token
    this.#connectTimer = settings.clock.setTimeout(() => {
      this.#lost(BROKEN, `no connection within ${settings.connectTimeoutMs} ms`);
    }, Math.max(0, settings.connectTimeoutMs - spent));
  }

  #makeSocket(token: string | null): WebSocketLike {
    const spec = this.$spec;
    const settings = this.$settings;
    const protocols = [...spec.subprotocols];
    const headers: { [name: string]: string } = { ...settings.headers };
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...this.#query, ...this.$position() })) {
      if (value !== undefined) {
        parameters.set(name, String(value));
      }
    }
    if (token !== null && spec.security !== null && takesToken(spec.security)) {
      const carriage: Carriage = settings.carriage ?? carriageOf(spec.security, token);
      if (carriage === "query") {
        parameters.set(spec.security.query ?? "token", token);
      } else if (carriage === "subprotocol") {
        protocols.push(`bearer.${token}`);
      } else if (carriage === "header") {
        this.#needHeaders("the token in a header");
        headers[spec.security.header ?? "Authorization"] = spec.security.bearer ? `Bearer ${token}` : token;
      } else if (carriage === "cookie") {
        this.#needHeaders("the token in a cookie");
        if (!COOKIE.test(token)) {
          throw new ClientError("The token holds characters that no cookie can.");
        }
        headers["Cookie"] = `${spec.security.cookie ?? "token"}=${token}`;
      }
    } else if (settings.basic !== undefined && spec.security !== null && spec.security.basic) {
      this.#needHeaders("a name and a password in a header");
      const { name, password } = settings.basic;
      const bytes = new TextEncoder().encode(`${name}:${password}`);
      headers["Authorization"] = `Basic ${btoa(String.fromCharCode(...bytes))}`;
    }
    const query = parameters.toString();
    const url = `${settings.url}${this.#path}${query === "" ? "" : `${this.#path.includes("?") ? "&" : "?"}${query}`}`;
    const make = settings.WebSocket ?? (globalThis as { WebSocket?: Settings["WebSocket"] }).WebSocket;
    if (make === undefined) {
      throw new ClientError("There is no WebSocket here. Use Node 22 or newer, or give one (the package ws).");
    }
    if (settings.WebSocket === undefined) {
      // Node's own takes headers beside the subprotocols; a browser's has no place for them.
      return new make(url, isNode() ? ({ protocols, headers } as unknown as string[]) : protocols);
    }
    return new make(url, protocols, { headers });
  }

  /** Throw a ClientError where no header can be sent. */
  #needHeaders(what: string): void {
    if (this.$settings.WebSocket === undefined && !isNode()) {
      throw new ClientError(
        `This server takes ${what}, which a browser's WebSocket can't send. ` +
          "Give a `WebSocket` that can, another `carriage`, or `carriage: \"none\"` where the browser has it as a cookie.",
      );
    }
  }

  #opened(): void {
    const { clock } = this.$settings;
    clock.clearTimeout(this.#connectTimer);
    this.#state = "open";
    this.#connections += 1;
    this.#openedAt = this.#heardAt = clock.now();
    this.#toldMs = null;
    this.#tell({ type: "open", channel: this.$spec.id });
    if (this.closed) {
      return; // by who was told
    }
    this.$connected();
    this.#watch();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      waiter(null);
    }
  }

  /** Ask a server that has said nothing for a while whether it is there; drop one that doesn't answer. */
  #watch(): void {
    const { clock, idleMs } = this.$settings;
    const { probe } = this.$spec;
    clock.clearTimeout(this.#idleTimer);
    if (probe === null) {
      return;
    }
    this.#heardAt = Math.min(this.#heardAt, clock.now()); // it may have been set back
    const left = this.#heardAt + idleMs - clock.now();
    this.#idleTimer = clock.setTimeout(
      () => {
        if (this.#state !== "open") {
          return;
        }
        if (clock.now() >= this.#heardAt && clock.now() < this.#heardAt + idleMs) {
          this.#watch();
          return;
        }
        const socket = this.#socket;
        const frames = this.#frames;
        this.$ask(probe, {}).then(
          () => this.#watch(),
          (error: unknown) => {
            if (socket === this.#socket && error instanceof RequestTimeoutError && frames === this.#frames) {
              this.$drop("the server has fallen silent");
            } else if (socket === this.#socket) {
              this.#watch();
            }
          },
        );
      },
      Math.max(1, left),
    );
  }

  #lost(code: number, reason: string): void {
    const { clock } = this.$settings;
    if (this.#mayReturn(code)) {
      const lived = this.#state === "open" && clock.now() - this.#openedAt >= this.$settings.stableMs;
      this.#attempt = lived ? 0 : this.#attempt;
      const bound = Math.min(this.$settings.capMs, this.$settings.baseMs * 2 ** Math.min(this.#attempt, 52));
      const retryMs = Math.min(LONGEST_MS, this.#toldMs ?? this.$settings.random() * bound);
      this.#attempt += 1;
      this.#toldMs = null;
      this.#leave();
      this.#state = "waiting";
      this.#abandon(new ConnectionLostError(`The connection was lost (${code}) before the answer came. Ask again.`));
      this.#retryTimer = clock.setTimeout(() => {
        this.#state = "connecting";
        void this.#connect();
      }, retryMs);
      this.#tell({ type: "closed", channel: this.$spec.id, code, reason, retryMs });
      return;
    }
    const text = this.$spec.closeCodes.get(code)?.text ?? "The server has closed the connection for good.";
    const said = reason === "" ? "" : ` (${reason})`;
    const error = new ConnectionClosedError(`${code}${said}: ${text}`, code, reason);
    this.#finish(error, error);
    this.#tell({ type: "closed", channel: this.$spec.id, code, reason, retryMs: null });
  }

  /** Tell whether to come back after a close code. 1001 that was not ours is a proxy's or a server's that goes away. */
  #mayReturn(code: number): boolean {
    const declared = code === GOING_AWAY ? undefined : this.$spec.closeCodes.get(code)?.reconnect;
    return declared ?? (PASSING.has(code) || (code >= FIRST_PRIVATE && code < FIRST_FINAL));
  }

  #finish(error: ConnectionClosedError, told: Error | null): void {
    if (this.#state === "closed") {
      return;
    }
    this.$settings.clock.clearTimeout(this.#retryTimer);
    for (const timer of this.#timers) {
      this.$settings.clock.clearTimeout(timer);
    }
    this.#leave();
    this.#state = "closed";
    this.#over = error;
    this.#abandon(error);
    for (const waiter of [...this.#waiters]) {
      waiter(error);
    }
    this.#queue.end(told);
  }

  /** Let go of the socket. */
  #leave(): void {
    const { clock } = this.$settings;
    const socket = this.#socket;
    clock.clearTimeout(this.#connectTimer);
    clock.clearTimeout(this.#idleTimer);
    this.#socket = null;
    if (socket !== null) {
      try {
        socket.close(1000);
      } catch {
        // It was never open.
      }
    }
    this.$disconnected();
  }

  #abandon(error: Error): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const request of pending) {
      request.settle(undefined, error);
    }
  }

  #forget(pending: Pending): void {
    const index = this.#pending.indexOf(pending);
    if (index >= 0) {
      this.#pending.splice(index, 1);
    }
  }

  #transmit(spec: RequestSpec, frame: JsonObject): void {
    const isJson = spec.form === "json";
    this.#socket?.send(isJson ? JSON.stringify(frame) : (frame as unknown as string | Uint8Array<ArrayBuffer>));
  }

  #receive(data: unknown): void {
    this.#frames += 1;
    this.#heardAt = this.$settings.clock.now();
    if (typeof data !== "string") {
      const bytes = new Uint8Array(data as ArrayBuffer);
      const binary = this.$spec.kinds.find((kind) => kind.form === "binary");
      if (binary !== undefined) {
        this.#deliver(binary, bytes, "");
        return;
      }
    }
    const text = typeof data === "string" ? data : decoder.decode(data as ArrayBuffer);
    let message: unknown;
    let kind: Kind | undefined;
    let reason: UndeclaredFrame["reason"] = "not_json";
    try {
      message = JSON.parse(text);
      reason = "unknown";
      const candidates = this.#candidates(message);
      if (candidates !== undefined) {
        reason = this.$spec.tag === null ? "unknown" : "malformed";
        kind = this.#kindOf(candidates, message);
      }
    } catch {
      // No JSON, or nested more deeply than a check can follow.
    }
    if (kind !== undefined) {
      this.#deliver(kind, message, text);
      return;
    }
    const plain = this.$spec.kinds.find((found) => found.form === "text" && found.check(text));
    if (plain !== undefined) {
      this.#deliver(plain, text, text);
    } else {
      this.#unknown(reason, text);
    }
  }

  #kindOf(candidates: readonly Kind[], message: unknown): Kind | undefined {
    if (candidates.length > 1 && this.#pending.length > 0) {
      const answers = (kind: Kind): boolean => this.#pending.some((pending) => pending.spec.replies.includes(kind.name));
      const answer = candidates.find((kind) => kind.form === "json" && answers(kind) && kind.check(message));
      if (answer !== undefined) {
        return answer;
      }
    }
    const found = candidates.find((kind) => kind.form === "json" && kind.check(message));
    if (found === undefined || found.pushed || candidates.length === 1) {
      return found;
    }
    // Nobody waits for it: if it may be something that comes unasked, it is that.
    return candidates.find((kind) => kind.form === "json" && kind.pushed && kind.check(message)) ?? found;
  }

  #candidates(message: unknown): readonly Kind[] | undefined {
    if (this.$spec.tag === null) {
      return this.$spec.kinds;
    }
    const tag = isObject(message) ? message[this.$spec.tag] : undefined;
    return typeof tag === "string" ? this.$spec.byTag.get(tag) : undefined;
  }

  #deliver(kind: Kind, message: unknown, text: string): void {
    if (kind.reconnectAfter !== null) {
      const told = read(message, kind.reconnectAfter);
      this.#toldMs = typeof told === "number" && told >= 0 ? told : null;
    }
    const pending = this.#pending.length === 0 ? null : this.#asked(kind, message);
    if (pending !== null && pending.over) {
      this.#forget(pending); // the answer came too late, and nobody waits for it
      return;
    }
    const verdict = this.$arrived(kind, message, pending);
    if (verdict !== "take") {
      if (verdict === "unasked") {
        this.#unknown("unasked", text);
      }
      return;
    }
    if (pending !== null) {
      const answers = pending.spec.replies.includes(kind.name);
      const refusal = `${pending.spec.name} was answered by ${kind.name}: ${text.slice(0, 200)}`;
      const retry = kind.retryAfter === null ? undefined : read(message, kind.retryAfter);
      const retryMs = typeof retry === "number" ? retry : null;
      pending.settle(message, answers ? null : new RefusedError(refusal, message, retryMs));
    } else if (kind.pushed) {
      this.#hand(kind, message);
    } else {
      this.#unknown("unasked", text);
    }
  }

  #hand(kind: Kind, message: unknown): void {
    const latest = typeof kind.latest === "boolean" ? kind.latest : read(message, kind.latest.way) === kind.latest.when;
    const key = latest ? this.$keyOf(kind, message) : null;
    this.#queue.put(message as Message, key === null ? null : `${kind.name} ${key}`);
  }

  /** Return the request that a message answers. */
  #asked(kind: Kind, message: unknown): Pending | null {
    const id = kind.id === null ? undefined : read(message, kind.id);
    if (id !== undefined) {
      return this.#pending.find((pending) => pending.id === id) ?? null;
    }
    return this.#pending.find((pending) => pending.spec.replies.includes(kind.name)) ?? null;
  }

  #unknown(reason: UndeclaredFrame["reason"], text: string): void {
    this.#undeclared += 1;
    try {
      this.$settings.onUndeclared?.({ channel: this.$spec.id, reason, text });
    } catch (error) {
      this.$fault(error);
    }
  }

  #tell(event: ConnectionEvent): void {
    try {
      this.$settings.onConnection?.(event);
    } catch (error) {
      if (event.type !== "fault") {
        this.$fault(error);
      }
    }
  }
}

const decoder = new TextDecoder();

/** Return the frame of a request, without an id of ours. */
export function frameOf(spec: RequestSpec, given: unknown): JsonObject {
  if (spec.body === null && !isObject(given)) {
    return given as JsonObject; // a message that is no object is sent as it stands
  }
  if (spec.form !== "json") {
    return given as JsonObject;
  }
  const body = isObject(given) ? given : {};
  return { ...spec.fixed, ...(spec.body === null ? body : { [spec.body]: body }) };
}

/** What a subprotocol may be made of. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What the value of a cookie may be made of. */
const COOKIE = /^[!#-+\--:<-[\]-~]+$/;

function isNode(): boolean {
  const found = globalThis as { process?: { versions?: { node?: string } } };
  return found.process?.versions?.node !== undefined;
}

function takesToken(security: NonNullable<ChannelSpec["security"]>): boolean {
  return security.bearer || security.header !== null || security.query !== null || security.cookie !== null;
}

/** Return where a token goes by default: addresses end up in logs, so the query comes after the subprotocol. */
function carriageOf(security: NonNullable<ChannelSpec["security"]>, token: string): Carriage {
  if (security.subprotocol && NAME.test(token)) {
    return "subprotocol";
  }
  if (security.query !== null) {
    return "query";
  }
  return security.bearer || security.header !== null || security.cookie === null ? "header" : "cookie";
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new ClientError("The request was aborted.");
}
