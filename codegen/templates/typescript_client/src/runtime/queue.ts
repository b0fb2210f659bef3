/** Queue: messages between the socket and whoever reads them. It is bounded, and what it loses it tells. */

import { ClientError, OverflowError } from "./errors.js";

interface Entry<T> {
  value: T | undefined;
  waits: boolean;
}

/**
 * A bounded queue for one reader.
 *
 * Nobody can stop a WebSocket that is read by events, so a full queue has to let go of something. A message that has a
 * `place` (its newest value is enough) takes the place of an older one that still waits. Any other one is lost:
 * the reader gets all that waits, then an OverflowError that says how many were lost, and may go on.
 */
export class Queue<T> {
  private entries: Entry<T>[] = [];
  private head = 0;
  private waiting = 0;
  private readonly places = new Map<string, Entry<T>>();
  private dropped = 0;
  private over: { error: Error | null } | null = null;
  private reader: (() => void) | null = null;
  private taken = false;
  private readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  /** How many messages wait. */
  get length(): number {
    return this.waiting;
  }

  /** Put a message in. `place`: what it is the newest value of, if it is of anything. */
  put(value: T, place: string | null): void {
    if (this.over !== null) {
      return;
    }
    if (this.dropped > 0 || this.waiting >= this.size) {
      const older = place === null ? undefined : this.places.get(place);
      if (this.dropped > 0 || older?.waits !== true) {
        this.dropped += 1;
        return;
      }
      older.waits = false;
      older.value = undefined;
      this.waiting -= 1;
    }
    const entry: Entry<T> = { value, waits: true };
    this.entries.push(entry);
    this.waiting += 1;
    if (place !== null) {
      this.places.set(place, entry);
    }
    if (this.entries.length - this.head > 2 * this.size + 16) {
      this.compact();
    }
    this.wake();
  }

  /** Let nothing in any more: the reader gets all that waits, and then the error, or the end. */
  end(error: Error | null): void {
    this.over ??= { error };
    this.wake();
  }

  /** Return the messages from here on. Throws a ClientError where there is a reader already. */
  async *read(signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
    if (this.taken) {
      throw new ClientError("These messages are being read already: one loop reads them, and may hand them on.");
    }
    this.taken = true;
    const wake = (): void => this.wake();
    signal?.addEventListener("abort", wake);
    try {
      for (;;) {
        if (signal?.aborted === true) {
          return;
        }
        const entry = this.next();
        if (entry !== null) {
          yield entry.value as T;
          continue;
        }
        if (this.dropped > 0) {
          const dropped = this.dropped;
          this.dropped = 0;
          throw new OverflowError(
            `${dropped} messages were lost: they came faster than they were read. Read faster, or raise queueSize.`,
            dropped,
          );
        }
        if (this.over !== null) {
          if (this.over.error !== null) {
            throw this.over.error;
          }
          return;
        }
        await new Promise<void>((resolve) => {
          this.reader = resolve;
        });
      }
    } finally {
      signal?.removeEventListener("abort", wake);
      this.taken = false;
    }
  }

  private next(): Entry<T> | null {
    while (this.head < this.entries.length) {
      const entry = this.entries[this.head] as Entry<T>;
      this.head += 1;
      if (this.head > 1024 && this.head * 2 > this.entries.length) {
        this.entries = this.entries.slice(this.head);
        this.head = 0;
      }
      if (entry.waits) {
        entry.waits = false;
        this.waiting -= 1;
        return entry;
      }
    }
    if (this.head > 0) {
      this.entries = [];
      this.head = 0;
      this.places.clear();
    }
    return null;
  }

  private compact(): void {
    this.entries = this.entries.slice(this.head).filter((entry) => entry.waits);
    this.head = 0;
    for (const [place, entry] of this.places) {
      if (!entry.waits) {
        this.places.delete(place);
      }
    }
  }

  private wake(): void {
    const reader = this.reader;
    this.reader = null;
    reader?.();
  }
}
