/** Errors: what a client throws. Each says what to do about it. */

/** The base of everything that a client throws by itself. */
export class ClientError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** No answer came in time. Whether the server has handled the request is not known. */
export class RequestTimeoutError extends ClientError {}

/** The connection was lost while a request waited for its answer. The client reconnects; ask again. */
export class ConnectionLostError extends ClientError {}

/** The connection is over, and the client does not reconnect: the server's close code says not to, or it was closed here. */
export class ConnectionClosedError extends ClientError {
  /** The close code; 1000 where it was closed here. */
  readonly code: number;
  readonly reason: string;

  constructor(message: string, code: number, reason: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/** The server answered a request with a message that the document doesn't list as its reply, such as an error. */
export class RefusedError extends ClientError {
  /** The message as it came. */
  readonly answer: unknown;
  /** How long to wait before asking again, in milliseconds, where the answer says so. */
  readonly retryAfterMs: number | null;

  constructor(message: string, answer: unknown, retryAfterMs: number | null) {
    super(message);
    this.answer = answer;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Messages came faster than they were read, and the queue is full: those that came after are lost. A loop that goes on
 * with `messages()` gets what comes from now on.
 */
export class OverflowError extends ClientError {
  /** How many messages were lost. */
  readonly dropped: number;

  constructor(message: string, dropped: number) {
    super(message);
    this.dropped = dropped;
  }
}
