/** Positions: what is held of a stream, by `x-stream`: holes, doubles, where to go on. It knows no socket and no time. */

import type { RequestSpec, Verdict } from "./channel.js";
import type { JsonObject, Way } from "./options.js";
import { isObject, read, write } from "./values.js";

/** A part of a key: what a way leads to; with `names` the name of the member there beside these. */
export interface KeyPart {
  readonly way: Way;
  readonly names: readonly string[] | null;
}

/** Where a message holds what; null: it doesn't. */
export interface Places {
  readonly kind: string;
  readonly key: readonly KeyPart[];
  readonly seq: Way | null;
  readonly prev: Way | null;
  readonly epoch: Way | null;
}

/** What tells subscriptions, or keys within a stream, apart. */
export type StreamKey = readonly unknown[];

/** Positions that can't be had, or may have been missed. */
export interface StreamGap {
  readonly channel: string;
  /** null: all of the stream. */
  readonly key: StreamKey | null;
  /** Whether the server said so; false: the client found it by itself. */
  readonly told: boolean;
  readonly epoch: string | null;
  /** The first position that is missing; null where that isn't known. */
  readonly from: number | null;
  /** The last position that is missing; null where that isn't known. */
  readonly to: number | null;
  /**
   * `gap` and `reset`: the server's own words. `not_resumed`: it did not go on from where it was asked to. `hole`: a
   * frame's `prev` is greater than what is held. `cut`: what came before a loss can't be joined to what comes after.
   */
  readonly reason: "gap" | "reset" | "not_resumed" | "hole" | "cut";
}

type Found = Omit<StreamGap, "channel">;

/** Where the roles of a stream stand in its messages. */
export interface Roles {
  /** The message that names the position at which the stream starts. */
  readonly start: Places;
  readonly frames: readonly Places[];
  readonly resume: { readonly seq: Way; readonly epoch: Way | null; readonly recovered: Way | null } | null;
  readonly gap: { readonly places: Places; readonly from: Way; readonly to: Way } | null;
  readonly reset: Places | null;
}

/** Return the parts of a message's key. */
export function keyIn(message: unknown, parts: readonly KeyPart[]): unknown[] {
  return parts.map((part) => {
    const found = read(message, part.way);
    const { names } = part;
    return names === null ? found : isObject(found) ? Object.keys(found).find((name) => !names.includes(name)) : undefined;
  });
}

/** Return a key as a text that no other key has. */
export function textOf(key: StreamKey): string {
  let text = "";
  for (const part of key) {
    text += typeof part === "string" ? `${part.length}:${part}` : `${JSON.stringify(part)};`;
  }
  return text;
}

function numberIn(message: unknown, way: Way | null): number | null {
  const found = way === null ? undefined : read(message, way);
  return typeof found === "number" ? found : null;
}

function textIn(message: unknown, way: Way | null): string | null {
  const found = way === null ? undefined : read(message, way);
  return typeof found === "string" ? found : null;
}

/** What is held of a subscription that a request opened. */
export interface Subscription {
  readonly key: StreamKey;
  /** The frame that opened it, without a position. */
  readonly frame: JsonObject;
  /** Whether it asks for more than the stream alone, such as what came before it. */
  readonly wantsMore: boolean;
  epoch: string | null;
  held: number;
  /** The position at which it was opened: what stood then may stand there. */
  start: number | null;
  /** Whether a frame has come since it was opened. */
  begun: boolean;
  /** Whether it was opened on this connection. */
  live: boolean;
  /** Whether it is being ended: it is not opened again. */
  leaving: boolean;
  /** What is to be told unless the server says it in its own words. */
  owed: Found | null;
}

/** The subscriptions of a stream that requests open. */
export class Subscriptions {
  readonly items = new Map<string, Subscription>();
  private readonly roles: Roles;
  private readonly counted: boolean;
  private readonly key: readonly KeyPart[];
  private readonly request: RequestSpec;
  private readonly tell: (gap: Found) => void;
  private readonly frames: ReadonlyMap<string, Places>;

  /** `request` opens one; `key`: where it holds the key. */
  constructor(roles: Roles, request: RequestSpec, key: readonly KeyPart[], tell: (gap: Found) => void) {
    this.roles = roles;
    this.key = key;
    this.request = request;
    this.tell = tell;
    this.frames = new Map(roles.frames.map((places) => [places.kind, places]));
    this.counted = roles.frames.some((places) => places.prev !== null);
  }

  /** Take the answer to the frame that asked for a subscription. One without a position is a refusal. */
  acknowledged(message: unknown, asked: JsonObject): void {
    const { start, resume } = this.roles;
    const seq = numberIn(message, start.seq);
    if (seq === null) {
      return;
    }
    const key = keyIn(message, start.key);
    const epoch = textIn(message, start.epoch);
    const from = resume === null ? null : numberIn(asked, resume.seq);
    const found = this.items.get(textOf(key)) ?? this.make(key, asked);
    if (found.live && from === null && found.epoch === epoch) {
      return; // it was asked for a second time, which changes nothing
    }
    if (from !== null && resume?.recovered != null && read(message, resume.recovered) === true) {
      found.held = from;
      found.epoch = epoch;
      found.start = null;
    } else {
      const before = from ?? (found.held >= 0 ? found.held : null);
      const isSame = found.epoch === epoch || found.epoch === null;
      if (before !== null && this.counted && (from !== null || !isSame || seq > before)) {
        found.owed = {
          key,
          told: from !== null,
          epoch,
          from: isSame ? before + 1 : null,
          to: seq,
          reason: from !== null ? "not_resumed" : "cut",
        };
        if (this.roles.reset === null || from === null) {
          this.settle(found);
        }
      }
      found.held = seq;
      found.start = seq;
      found.epoch = epoch;
      found.begun = false;
    }
    found.live = true;
    found.leaving = false;
    this.items.set(textOf(key), found);
  }

  /** Take a message of the stream; null where it is of no subscription. */
  take(kind: string, message: unknown): Verdict | null {
    const isReset = this.roles.reset?.kind === kind;
    const places = isReset ? this.roles.reset : this.frames.get(kind);
    if (places == null) {
      return null;
    }
    const found = this.items.get(textOf(keyIn(message, places.key)));
    if (found === undefined) {
      return "unasked";
    }
    const seq = numberIn(message, places.seq);
    found.begun ||= seq !== null; // what has no position, such as an error, may come before what stands
    const epoch = textIn(message, places.epoch) ?? found.epoch;
    if (isReset) {
      const { owed } = found;
      const from = owed !== null ? owed.from : epoch === found.epoch ? found.held + 1 : null;
      found.owed = null;
      this.tell({ key: found.key, told: true, epoch, from, to: seq, reason: "reset" });
      found.epoch = epoch;
      found.held = found.start = seq ?? found.held;
      return "take";
    }
    this.settle(found);
    const prev = numberIn(message, places.prev);
    if (seq === null || prev === null) {
      return "take";
    }
    if (epoch !== found.epoch) {
      this.tell({ key: found.key, told: false, epoch, from: null, to: prev, reason: "cut" });
      found.epoch = epoch;
      found.held = seq;
      return "take";
    }
    if (seq <= found.held) {
      return seq === found.start && found.held === seq ? "take" : "double";
    }
    if (prev > found.held) {
      this.tell({ key: found.key, told: false, epoch, from: found.held + 1, to: prev, reason: "hole" });
    }
    found.held = seq;
    return "take";
  }

  /** Return the frame that opens a subscription again, from where it stands. */
  renewal(found: Subscription): JsonObject {
    const { resume } = this.roles;
    // One that was cut before what it asked for beside the stream had come asks for all of it again.
    if (resume === null || (found.wantsMore && !found.begun) || (resume.epoch !== null && found.epoch === null)) {
      return found.frame;
    }
    const frame = write(found.frame, resume.seq, found.held);
    return resume.epoch === null ? frame : write(frame, resume.epoch, found.epoch);
  }

  /** Return the subscriptions that a request (or its answer) with such a key is about. */
  matching(message: unknown, parts: readonly KeyPart[]): Subscription[] {
    const key = keyIn(message, parts);
    return [...this.items.values()].filter((found) =>
      key.every((part, index) => part === undefined || JSON.stringify(part) === JSON.stringify(found.key[index])),
    );
  }

  /** Forget a subscription. */
  remove(found: Subscription): void {
    this.items.delete(textOf(found.key));
  }

  /** The connection is over. */
  cut(): void {
    for (const found of this.items.values()) {
      this.settle(found);
      found.live = false;
    }
  }

  private settle(found: Subscription): void {
    const { owed } = found;
    if (owed !== null) {
      found.owed = null;
      this.tell(owed);
    }
  }

  private make(key: StreamKey, asked: JsonObject): Subscription {
    const { resume } = this.roles;
    const known = [...leaves(this.request.fixed), ...this.key.map((part) => part.way)];
    let frame = this.request.id === null ? asked : write(asked, this.request.id.way, undefined);
    if (resume !== null) {
      frame = without(frame, resume.seq);
      frame = resume.epoch === null ? frame : without(frame, resume.epoch);
    }
    return {
      key,
      frame,
      wantsMore: leaves(frame).some((way) => !known.some((other) => sameWay(other, way))),
      epoch: null,
      held: -1,
      start: null,
      begun: false,
      live: false,
      leaving: false,
      owed: null,
    };
  }
}

/** What is held of a stream that an address opens. */
export class Position {
  private readonly roles: Roles;
  private readonly tell: (gap: Found) => void;
  private readonly frames: ReadonlyMap<string, Places>;
  private readonly counted: boolean;
  private readonly byKey = new Map<string, number>();
  private epoch: string | null = null;
  /** The greatest position that is held; null: none. */
  private seq: number | null = null;
  /** What is held of each key that isn't in `byKey`. */
  private floor: number | null = null;
  private start: number | null = null;
  private asked: { epoch: string | null; seq: number } | null = null;
  private stale = false;
  private owed: Found | null = null;
  /** Whether all of what stood when the stream was opened has come: before that it can't be resumed. */
  whole = false;

  constructor(roles: Roles, tell: (gap: Found) => void) {
    this.roles = roles;
    this.tell = tell;
    this.frames = new Map(roles.frames.map((places) => [places.kind, places]));
    this.counted = roles.frames.some((places) => places.prev !== null);
  }

  /** The kind of the message that names the start. */
  get startKind(): string {
    return this.roles.start.kind;
  }

  /** Return the parameters of the address that goes on from here. */
  resumption(): { [name: string]: unknown } {
    const { resume } = this.roles;
    this.asked = null;
    if (resume === null || this.seq === null || !this.whole || (resume.epoch !== null && this.epoch === null)) {
      return {};
    }
    this.asked = { epoch: this.epoch, seq: this.seq };
    const parameters: { [name: string]: unknown } = {};
    if (resume.epoch !== null) {
      parameters[resume.epoch.join("/")] = this.epoch;
    }
    parameters[resume.seq.join("/")] = this.seq;
    return parameters;
  }

  /** Take a message; null where it is none of the stream's. */
  take(kind: string, message: unknown): Verdict | null {
    const { start, gap, reset } = this.roles;
    if (kind === start.kind) {
      this.ready(message);
      return "take";
    }
    if (kind === gap?.places.kind) {
      const from = numberIn(message, gap.from);
      const to = numberIn(message, gap.to);
      this.moved(message, gap.places, from, to, "gap");
      return "take";
    }
    if (kind === reset?.kind) {
      this.moved(message, reset, null, numberIn(message, reset.seq), "reset");
      return "take";
    }
    this.settle();
    const places = this.frames.get(kind);
    return places === undefined ? null : this.frame(message, places);
  }

  /** The connection is over. */
  cut(): void {
    this.settle();
    this.stale = this.seq !== null;
  }

  private ready(message: unknown): void {
    const { start, resume } = this.roles;
    const seq = numberIn(message, start.seq);
    if (seq === null) {
      return;
    }
    const epoch = textIn(message, start.epoch);
    const { asked } = this;
    this.asked = null;
    this.stale = false;
    if (asked !== null && resume?.recovered != null && read(message, resume.recovered) === true) {
      this.byKey.clear();
      this.floor = this.seq;
      this.start = null;
      this.epoch = epoch ?? this.epoch;
      return;
    }
    const before = this.seq;
    const isSame = this.epoch === epoch;
    if (this.counted && before !== null && (asked !== null || !isSame || seq > before)) {
      this.owed = {
        key: null,
        told: asked !== null,
        epoch,
        from: isSame ? before + 1 : null,
        to: seq,
        reason: asked !== null ? "not_resumed" : "cut",
      };
      if (asked === null || (this.roles.gap === null && this.roles.reset === null)) {
        this.settle();
      }
    }
    this.byKey.clear();
    this.epoch = epoch;
    this.seq = this.floor = this.start = seq;
    this.whole = false;
  }

  private moved(message: unknown, places: Places, from: number | null, to: number | null, reason: "gap" | "reset"): void {
    const parts = keyIn(message, places.key);
    const isAll = parts.length === 0 || parts.some((part) => part === undefined || part === null);
    const epoch = textIn(message, places.epoch) ?? this.epoch;
    const { owed } = this;
    const after = epoch === this.epoch && this.seq !== null ? this.seq + 1 : null;
    const first = from ?? (owed !== null ? owed.from : after);
    this.owed = null;
    this.tell({ key: isAll ? null : parts, told: true, epoch, from: first, to, reason });
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.byKey.clear();
      this.seq = this.floor = to;
      return;
    }
    if (to === null) {
      return;
    }
    // What lies between here and where the stream was opened is still to come.
    const isOpening = this.start !== null && this.byKey.size === 0;
    if (!isAll) {
      this.seq = isOpening ? Math.min(this.seq ?? to, to) : this.seq;
      this.byKey.set(textOf(parts), Math.max(to, this.byKey.get(textOf(parts)) ?? to));
      return;
    }
    this.seq = isOpening ? to : Math.max(this.seq ?? to, to);
    this.floor = to;
    for (const [key, held] of this.byKey) {
      if (held <= to) {
        this.byKey.delete(key);
      }
    }
  }

  private frame(message: unknown, places: Places): Verdict {
    const seq = numberIn(message, places.seq);
    const prev = numberIn(message, places.prev);
    if (seq === null || prev === null) {
      return "take";
    }
    const parts = keyIn(message, places.key);
    const key = textOf(parts);
    if (this.stale) {
      // No word came on where the stream starts: what was held can't be joined to this.
      this.stale = false;
      this.byKey.clear();
      this.tell({ key: null, told: false, epoch: null, from: this.seq === null ? null : this.seq + 1, to: null, reason: "cut" });
      this.seq = this.floor = this.epoch = null;
    }
    const held = this.byKey.get(key) ?? this.floor;
    if (held !== null) {
      if (seq <= held) {
        return seq === this.start && held === seq ? "take" : "double";
      }
      if (prev > held) {
        this.tell({ key: parts, told: false, epoch: this.epoch, from: held + 1, to: prev, reason: "hole" });
      }
    }
    this.byKey.set(key, seq);
    this.seq = Math.max(this.seq ?? seq, seq);
    this.whole = true;
    return "take";
  }

  private settle(): void {
    const { owed } = this;
    if (owed !== null) {
      this.owed = null;
      this.tell(owed);
    }
  }
}

/** Return an object without what the way leads to, and without objects that are empty then. */
function without(target: JsonObject, way: Way): JsonObject {
  const result = write(target, way, undefined);
  const above = way.slice(0, -1);
  const left = above.length === 0 ? null : read(result, above);
  return isObject(left) && Object.keys(left).length === 0 ? without(result, above) : result;
}

function leaves(value: unknown, way: Way = []): Way[] {
  return isObject(value) ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...way, name])) : [way];
}

function sameWay(one: Way, other: Way): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}
