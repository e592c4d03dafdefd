// Files on their way to the server, before the message that they belong to is sent.

import { Refusal, Signal, type File as StoredFile, Unreachable, type UploadOptions } from "@threadline/client";
import { strings } from "../strings.ts";
import type { KeptFile } from "./drafts.ts";

/** `waiting` is for the network: it goes on by itself. */
export interface Coming {
  readonly key: string;
  readonly name: string;
  readonly media_type: string;
  readonly size: number;
  readonly blob: Blob;
  readonly state: "uploading" | "waiting" | "failed";
  /** How much of it is there, from 0 to 1. */
  readonly share: number;
  /** Why it failed. */
  readonly words: string | null;
}

export interface UploadsOptions {
  readonly upload: (blob: Blob, options: UploadOptions) => Promise<StoredFile>;
  readonly onDone: (file: KeptFile, blob: Blob) => void;
}

const RETRY_MS = 3_000;
/** Of which nothing is heard for so long is on its way no more. */
const SILENCE_MS_MAX = 60_000;
/** At most so many at once: the browser has six connections to a server, and the conversation needs some. */
const AT_ONCE = 2;
/** What may go along in a message itself, in all: its outbox lies on this device, and a request has a bound. */
export const INLINE_BYTES_MAX = 4 * 1024 * 1024;

let made = 0;

export class Uploads {
  readonly coming = new Signal<readonly Coming[]>([]);
  readonly #options: UploadsOptions;
  readonly #going = new Map<string, AbortController>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  add(files: readonly Blob[]): void {
    const more = files.map((blob): Coming => {
      made += 1;
      const name = "name" in blob ? String(blob.name) : "";
      const media_type = blob.type || "application/octet-stream";
      return { key: `${made}`, name, media_type, size: blob.size, blob, state: "uploading", share: 0, words: null };
    });
    this.coming.set([...this.coming.get(), ...more]);
    this.#pump();
  }

  remove(key: string): void {
    this.#going.get(key)?.abort();
    this.#going.delete(key);
    this.coming.set(this.coming.get().filter((one) => one.key !== key));
    this.#pump();
  }

  retry(key: string): void {
    this.#change(key, { state: "uploading", share: 0, words: null });
    this.#pump();
  }

  /** The network may be back. */
  wake(): void {
    for (const one of this.coming.get()) if (one.state === "waiting") this.retry(one.key);
  }

  /** Take those that wait for the network, to send them within the message. */
  takeWaiting(): readonly Coming[] {
    const waiting = this.coming.get().filter((one) => one.state === "waiting");
    this.coming.set(this.coming.get().filter((one) => one.state !== "waiting"));
    return waiting;
  }

  #pump(): void {
    for (const one of this.coming.get()) {
      if (this.#going.size >= AT_ONCE) return;
      if (one.state === "uploading" && !this.#going.has(one.key)) void this.#upload(one);
    }
  }

  async #upload({ key, name, blob }: Coming): Promise<void> {
    const stop = new AbortController();
    this.#going.set(key, stop);
    const silence = new Silence(stop);
    try {
      const onProgress = (share: number) => {
        silence.broken();
        this.#change(key, { share });
      };
      const stored = await this.#options.upload(blob, { ...(name && { name }), onProgress, signal: stop.signal });
      if (stop.signal.aborted) return;
      const { id, media_type, size } = stored;
      this.#options.onDone({ file_id: id, name: stored.name ?? name, media_type, size }, blob);
      this.#going.delete(key);
      this.remove(key);
    } catch (error) {
      // Who has taken it away wants to hear no more of it.
      if (this.#going.get(key) !== stop) return;
      this.#going.delete(key);
      if (error instanceof Unreachable) this.#wait(key);
      else this.#change(key, failure(error));
      this.#pump();
    } finally {
      silence.end();
    }
  }

  // The conversation may be heard all the while: nothing else would say that the network is back.
  #wait(key: string): void {
    this.#change(key, { state: "waiting", share: 0 });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.wake();
    }, RETRY_MS);
  }

  #change(key: string, change: Partial<Coming>): void {
    this.coming.set(this.coming.get().map((one) => (one.key === key ? { ...one, ...change } : one)));
  }
}

/** Ends an upload of which nothing is heard any more. */
class Silence {
  readonly #stop: AbortController;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stop: AbortController) {
    this.#stop = stop;
    this.broken();
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stop.abort(new Unreachable()), SILENCE_MS_MAX);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function failure(error: unknown): Partial<Coming> {
  const words = error instanceof Refusal ? refusalWords(error) : strings.composer.uploadFailed;
  return { state: "failed", words };
}

function refusalWords({ problem }: Refusal): string {
  if (problem.status === 401) return strings.composer.signedOut;
  return problem.detail || problem.title || strings.composer.uploadFailed;
}

/** What keeps a message with these from being sent, in words; null where nothing does. */
export function obstacle(coming: readonly Coming[]): string | null {
  if (coming.some((one) => one.state === "failed")) return strings.composer.someFailed;
  if (coming.some((one) => one.state === "uploading")) return strings.composer.stillUploading;
  const bytes = coming.reduce((sum, one) => sum + one.size, 0);
  return bytes > INLINE_BYTES_MAX ? strings.composer.tooLargeOffline : null;
}
