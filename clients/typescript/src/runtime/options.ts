// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Options: what a client may be told, each with its default. */

/** A way into a JSON value: the names of the members that it leads through. */
export type Way = readonly string[];

/** A member of a JSON object, in the order of `Object.keys`. */
export interface JsonObject {
  [name: string]: unknown;
}

/** The part of a WebSocket that the client uses. The browser's, Node's and that of the package `ws` all have it. */
export interface WebSocketLike {
  readonly readyState: number;
  binaryType: string;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** What makes a WebSocket. `options` is for those that can send headers, such as that of `ws`; others ignore it. */
export type WebSocketConstructor = new (
  url: string,
  protocols?: string[],
  options?: { headers: { [name: string]: string } },
) => WebSocketLike;

/** Time, as the client sees it: give another one to tests. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** A token, or what gives one: it is asked before each connection, and before the token expires. */
export type TokenSource = string | (() => string | Promise<string>);

/**
 * Where the token goes: `query` (`?token=`), `subprotocol` (`bearer.<token>` beside the others), `header` and `cookie`
 * (Node, or a `WebSocket` that can send headers; no browser can), or `none`: the application sends it itself, or the
 * browser has it as a cookie.
 */
export type Carriage = "query" | "subprotocol" | "header" | "cookie" | "none";

/** A frame that the document doesn't know. It was counted and dropped; the connection lives. */
export interface UndeclaredFrame {
  readonly channel: string;
  /**
   * `not_json`; `unknown`: no message of the document has this tag, or this form; `malformed`: the tag is known,
   * but the content is not as the document says; `unasked`: an answer, or a frame of a subscription, that nobody asked for.
   */
  readonly reason: "not_json" | "unknown" | "malformed" | "unasked";
  /** The frame as it came. */
  readonly text: string;
}

/** What happens to a connection. */
export type ConnectionEvent =
  | { readonly type: "open"; readonly channel: string }
  | {
      readonly type: "closed";
      readonly channel: string;
      /** 1006: the connection broke, or never came about. */
      readonly code: number;
      readonly reason: string;
      /** How long until the next attempt, in milliseconds; null: there is none. */
      readonly retryMs: number | null;
    }
  | {
      /** Something failed that the client goes on without: a callback, the token's source, a refresh. */
      readonly type: "fault";
      readonly channel: string;
      readonly error: unknown;
    };

/** What a client may be told. Times are in milliseconds. */
export interface ClientOptions {
  /** The server's address without a channel's: `wss://example.com`. */
  readonly url?: string;
  readonly token?: TokenSource;
  /** A name and a password, for a server that takes them in the Authorization header. They are sent where no token is. */
  readonly basic?: { readonly name: string; readonly password: string };
  /** Default: the first of subprotocol, query, header, cookie that the document allows. */
  readonly carriage?: Carriage;
  /** Default: the environment's own. */
  readonly WebSocket?: WebSocketConstructor;
  /** Headers of the handshake: in Node, or for a `WebSocket` that can send them. */
  readonly headers?: { readonly [name: string]: string };
  /** How long a request may take, the time until the connection is open included. Default: 10000. */
  readonly requestTimeoutMs?: number;
  /** How long opening a connection may take, and of that the token's source. Default: 10000. */
  readonly connectTimeoutMs?: number;
  /** After so long without a frame the server is asked whether it is there, where the document has a way to. Default: 20000. */
  readonly idleMs?: number;
  /** The n-th attempt waits a random time below `min(capMs, baseMs * 2^n)`. Default: 500 and 30000. */
  readonly backoff?: { readonly baseMs?: number; readonly capMs?: number };
  /** A connection that lived so long was a good one: attempts are counted anew. Default: 5000. */
  readonly stableMs?: number;
  /** How many messages of a channel may wait to be read. Default: 10000. */
  readonly queueSize?: number;
  /** Gives numbers from 0 up to 1. Default: `Math.random`. */
  readonly random?: () => number;
  readonly clock?: Clock;
  readonly onUndeclared?: (frame: UndeclaredFrame) => void;
  readonly onConnection?: (event: ConnectionEvent) => void;
}

/** What one request may be told. */
export interface RequestOptions {
  /** Default: the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Gives up waiting. What was sent stays sent. */
  readonly signal?: AbortSignal;
}

/** The options with each default filled in. */
export interface Settings extends ClientOptions {
  readonly url: string;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly idleMs: number;
  readonly stableMs: number;
  readonly queueSize: number;
  readonly baseMs: number;
  readonly capMs: number;
  readonly random: () => number;
  readonly clock: Clock;
}

const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as Parameters<typeof clearTimeout>[0]),
};

/** Fill in the defaults. Throws a TypeError for what can't be. */
export function settle(options: ClientOptions, url: string | undefined): Settings {
  const chosen = options.url ?? url;
  if (chosen === undefined) {
    throw new TypeError("The document names no server. Give `url`, such as ws://127.0.0.1:8000.");
  }
  if (options.basic?.name.includes(":") === true) {
    throw new TypeError("A name that is sent with a password can't have a colon in it.");
  }
  if (!/^wss?:\/\//.test(chosen)) {
    throw new TypeError(`url must begin with ws:// or wss://, not as ${JSON.stringify(chosen)} does.`);
  }
  return {
    ...options,
    url: chosen.replace(/\/+$/, ""),
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    idleMs: options.idleMs ?? 20_000,
    stableMs: options.stableMs ?? 5_000,
    queueSize: options.queueSize ?? 10_000,
    baseMs: options.backoff?.baseMs ?? 500,
    capMs: options.backoff?.capMs ?? 30_000,
    random: options.random ?? Math.random,
    clock: options.clock ?? SYSTEM_CLOCK,
  };
}
