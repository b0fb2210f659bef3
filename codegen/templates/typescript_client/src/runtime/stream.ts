/** Stream: a channel with `x-stream`: it renews subscriptions, resumes, and sends new tokens. It knows no message. */

import { Channel, frameOf, type ChannelSpec, type ChannelStats, type Kind, type Pending, type RequestSpec, type Verdict } from "./channel.js";
import { ConnectionClosedError, ConnectionLostError, RefusedError } from "./errors.js";
import type { ClientOptions, RequestOptions, Settings, Way } from "./options.js";
import { keyIn, Position, Subscriptions, textOf, type StreamGap, type StreamKey, type KeyPart, type Roles, type Subscription } from "./positions.js";
import { write } from "./values.js";

/** A stream of the document. Without `subscribe` the address opens it. */
export interface StreamSpec extends Roles {
  readonly subscribe: { readonly request: RequestSpec; readonly key: readonly KeyPart[] } | null;
  readonly unsubscribe: { readonly request: RequestSpec; readonly key: readonly KeyPart[] } | null;
  readonly refresh: { readonly request: RequestSpec; readonly token: Way } | null;
}

/** What a client of streams may be told beside the rest. */
export interface StreamOptions extends ClientOptions {
  /** Called for each gap, when it is found: messages that came before it may still wait to be read. */
  readonly onGap?: (gap: StreamGap) => void;
  /** Called when a subscription could not be renewed after a loss. It is tried again until it succeeds or is ended. */
  readonly onRefused?: (refusal: { readonly channel: string; readonly key: StreamKey; readonly error: unknown }) => void;
  /** So long before a token expires a new one is sent, or after half of what is left of it. Default: 60000. */
  readonly refreshBeforeMs?: number;
  /** How many subscriptions are renewed at once after a loss, and how many in each second after those. Default: 50, 40. */
  readonly renewal?: { readonly burst?: number; readonly perSecond?: number };
}

/** The settings of a channel with streams. */
export type StreamSettings = Settings & StreamOptions;

/** Counts since the channel was made. */
export interface StreamStats extends ChannelStats {
  /** Frames that came a second time, and were dropped. */
  readonly doubled: number;
  /** Gaps that the server told. */
  readonly told: number;
  /** Gaps that the client found by itself. */
  readonly silent: number;
}

const LONGEST_MS = 2 ** 31 - 1; // of a timer
const SHORTEST_MS = 1000; // between two attempts at a new token

interface Requested {
  readonly spec: StreamSpec;
  readonly request: RequestSpec;
  readonly subscriptions: Subscriptions;
}

/** A channel whose messages make up streams. */
export class StreamChannel<Message> extends Channel<Message> {
  readonly #options: StreamOptions;
  readonly #requested: readonly Requested[];
  readonly #positions: readonly Position[];
  readonly #keys: ReadonlyMap<string, readonly KeyPart[]>;
  readonly #refreshes: StreamSpec["refresh"];
  #refreshTimer: unknown = null;
  #round = 0;
  #doubled = 0;
  #told = 0;
  #silent = 0;

  /** @internal */
  constructor(
    spec: ChannelSpec,
    streams: readonly StreamSpec[],
    settings: StreamSettings,
    parameters: { readonly [name: string]: unknown },
    query: { readonly [name: string]: unknown },
  ) {
    super(spec, settings, parameters, query);
    this.#options = settings;
    const tell = (gap: Omit<StreamGap, "channel">): void => this.#missed(gap);
    const requested: Requested[] = [];
    const positions: Position[] = [];
    for (const stream of streams) {
      if (stream.subscribe === null) {
        positions.push(new Position(stream, tell));
      } else {
        const { request, key } = stream.subscribe;
        const subscriptions = new Subscriptions(stream, request, key, tell);
        requested.push({ spec: stream, request, subscriptions });
      }
    }
    this.#requested = requested;
    this.#positions = positions;
    this.#keys = new Map(streams.flatMap((stream) => stream.frames.map((places) => [places.kind, places.key])));
    this.#refreshes = streams.find((stream) => stream.refresh !== null)?.refresh ?? null;
  }

  override get stats(): StreamStats {
    return { ...super.stats, doubled: this.#doubled, told: this.#told, silent: this.#silent };
  }

  /** The keys of the subscriptions that are held, over all connections. */
  get subscriptions(): readonly StreamKey[] {
    return this.#requested.flatMap(({ subscriptions }) => [...subscriptions.items.values()].map((found) => found.key));
  }

  /** Send a request that opens a stream. A lost connection doesn't end it: it is sent again until its time is over. */
  protected async $openStream(request: RequestSpec, given: unknown, options: RequestOptions = {}): Promise<unknown> {
    const { clock } = this.$settings;
    const timeoutMs = options.timeoutMs ?? this.$settings.requestTimeoutMs;
    const deadline = clock.now() + timeoutMs;
    for (;;) {
      try {
        const left = Math.min(timeoutMs, Math.max(0, deadline - clock.now()));
        return await this.$ask(request, given, { ...options, timeoutMs: left });
      } catch (error) {
        if (!(error instanceof ConnectionLostError)) {
          throw error;
        }
      }
    }
  }

  /** Send a request that ends a stream. From now on it is not renewed. */
  protected async $endStream(request: RequestSpec, given: unknown, options: RequestOptions = {}): Promise<unknown> {
    const frame = frameOf(request, given);
    const ending = this.#requested.flatMap(({ spec, subscriptions }) =>
      spec.unsubscribe?.request.name === request.name
        ? subscriptions.matching(frame, spec.unsubscribe.key).map((found) => ({ subscriptions, found }))
        : [],
    );
    for (const { found } of ending) {
      found.leaving = true;
    }
    try {
      return await this.$exchange(request, frame, options);
    } catch (error) {
      for (const { subscriptions, found } of ending) {
        if (error instanceof ConnectionLostError) {
          subscriptions.remove(found); // the connection has ended it
        } else if (error instanceof RefusedError) {
          found.leaving = false;
        }
      }
      throw error;
    }
  }

  protected override $position(): { readonly [name: string]: unknown } {
    return Object.assign({}, ...this.#positions.map((position) => position.resumption())) as { [name: string]: unknown };
  }

  protected override $connected(): void {
    this.#round += 1;
    this.#planRefresh(this.$currentToken);
    const burst = this.#options.renewal?.burst ?? 50;
    const perSecond = this.#options.renewal?.perSecond ?? 40;
    let index = 0;
    for (const item of this.#requested) {
      for (const found of item.subscriptions.items.values()) {
        const wait = index < burst ? 0 : ((index - burst + 1) * 1000) / perSecond;
        void this.#renew(item, found, wait, this.#round);
        index += 1;
      }
    }
  }

  protected override $disconnected(): void {
    this.#round += 1;
    this.$settings.clock.clearTimeout(this.#refreshTimer);
    for (const { subscriptions } of this.#requested) {
      subscriptions.cut();
    }
    for (const position of this.#positions) {
      position.cut();
    }
  }

  protected override $arrived(kind: Kind, message: unknown, pending: Pending | null): Verdict {
    let verdict: Verdict = "take";
    for (const { spec, request, subscriptions } of this.#requested) {
      if (pending !== null) {
        if (pending.spec.name === request.name && kind.name === spec.start.kind) {
          subscriptions.acknowledged(message, pending.frame);
        }
        if (pending.spec.name === spec.unsubscribe?.request.name && pending.spec.replies.includes(kind.name)) {
          for (const found of subscriptions.matching(pending.frame, spec.unsubscribe.key)) {
            subscriptions.remove(found);
          }
        }
        continue;
      }
      const found = subscriptions.take(kind.name, message);
      if (found === "take" || found === "double") {
        verdict = found;
        break;
      }
      verdict = found ?? verdict;
    }
    for (const position of this.#positions) {
      verdict = position.take(kind.name, message) ?? verdict;
      if (kind.name === position.startKind) {
        this.#awaitWhole(position);
      }
    }
    this.#doubled += verdict === "double" ? 1 : 0;
    return verdict;
  }

  protected override $keyOf(kind: Kind, message: unknown): string | null {
    const parts = this.#keys.get(kind.name);
    return parts === undefined ? null : textOf(keyIn(message, parts));
  }

  /** Find out when all of what stands has come: the answer to a question comes after it. */
  #awaitWhole(position: Position): void {
    const { probe } = this.$spec;
    const round = this.#round;
    if (probe === null) {
      return; // the first counted frame after what stands says so
    }
    this.$ask(probe, {}).then(
      () => {
        position.whole ||= round === this.#round;
      },
      () => undefined, // it can't be resumed before its first counted frame, then
    );
  }

  #missed(gap: Omit<StreamGap, "channel">): void {
    if (gap.told) {
      this.#told += 1;
    } else {
      this.#silent += 1;
    }
    try {
      this.#options.onGap?.({ channel: this.$spec.id, ...gap });
    } catch (error) {
      this.$fault(error);
    }
  }

  async #renew(item: Requested, found: Subscription, first: number, round: number): Promise<void> {
    const { random, baseMs, capMs } = this.$settings;
    let delay = first;
    for (let attempt = 0; ; attempt += 1) {
      if (delay > 0) {
        const wait = delay;
        await new Promise<void>((resolve) => this.$after(wait, resolve));
      }
      const isHeld = item.subscriptions.items.get(textOf(found.key)) === found;
      if (round !== this.#round || !isHeld || found.leaving || found.live) {
        return;
      }
      let refusal: unknown;
      try {
        refusal = await this.$exchange(item.request, item.subscriptions.renewal(found), {});
      } catch (error) {
        refusal = error;
      }
      if (found.live || round !== this.#round) {
        return; // a lost connection begins another round
      }
      this.#refused(found.key, refusal);
      const told = refusal instanceof RefusedError ? refusal.retryAfterMs : null;
      delay = (told ?? 0) + random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 52));
    }
  }

  #refused(key: StreamKey, error: unknown): void {
    try {
      this.#options.onRefused?.({ channel: this.$spec.id, key, error });
    } catch (fault) {
      this.$fault(fault);
    }
  }

  /** Plan to send a new token before this one expires. */
  #planRefresh(token: string | null): void {
    const { clock } = this.$settings;
    const refreshes = this.#refreshes;
    clock.clearTimeout(this.#refreshTimer);
    const expiresAt = token === null ? null : expiryOf(token);
    if (refreshes === null || expiresAt === null) {
      return;
    }
    const round = this.#round;
    const left = expiresAt - clock.now();
    if (left <= 0) {
      return; // the server, whose clock counts, closes the connection; the next one is made with a new token
    }
    const planned = left - Math.min(this.#options.refreshBeforeMs ?? 60_000, left / 2);
    const plan = (delay: number): void => {
      this.#refreshTimer = clock.setTimeout(() => {
        if (round !== this.#round) {
          return;
        }
        if (delay > LONGEST_MS) {
          plan(delay - LONGEST_MS);
          return;
        }
        this.#takeToken(refreshes, token, round).then(
          (next) => {
            if (round === this.#round) {
              this.#planRefresh(next);
            }
          },
          (error: unknown) => {
            if (round === this.#round && !(error instanceof ConnectionLostError || error instanceof ConnectionClosedError)) {
              this.$fault(error);
              plan(Math.max(SHORTEST_MS, (expiresAt - clock.now()) / 4));
            }
          },
        );
      }, Math.min(Math.max(0, delay), LONGEST_MS));
    };
    plan(planned);
  }

  async #takeToken(spec: NonNullable<StreamSpec["refresh"]>, old: string | null, round: number): Promise<string> {
    const token = await this.$askToken();
    if (token === null || token === old) {
      throw new TypeError("The token is about to expire, and `token` gave no other one. Give a function that does.");
    }
    if (round === this.#round) {
      await this.$exchange(spec.request, write(frameOf(spec.request, {}), spec.token, token), {});
    }
    return token;
  }
}

/** Return when a JWT expires, in milliseconds since the epoch; null for what says nothing of that. */
export function expiryOf(token: string): number | null {
  const part = token.split(".")[1];
  if (part === undefined) {
    return null;
  }
  try {
    const claims = JSON.parse(atob(part.replace(/-/g, "+").replace(/_/g, "/"))) as { exp?: unknown } | null;
    return typeof claims?.exp === "number" ? claims.exp * 1000 : null;
  } catch {
    return null;
  }
}
