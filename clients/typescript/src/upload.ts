// A file on its way up, and how much of it is there.

import { accepted, type Http, Unreachable, unlessAborted } from "./http.ts";
import type { File as StoredFile } from "./types.ts";

export interface UploadOptions {
  /** What it is called; a `File` has a name of its own. */
  readonly name?: string;
  readonly endUserId?: string | undefined;
  /** Hears of every step, from 0 to 1. Only a browser knows; elsewhere it is 1 at the end. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
}

/** Upload bytes. The same again is the same file. Throws what `Http.call` throws. */
export async function upload(http: Http, blob: Blob, options: UploadOptions = {}): Promise<StoredFile> {
  const name = options.name ?? ("name" in blob ? String(blob.name) : undefined);
  const address = http.address("/v1/files", { query: { name, end_user_id: options.endUserId } });
  const once = async (isStale: boolean) => {
    const headers = await http.headers(isStale);
    headers["content-type"] = blob.type || "application/octet-stream";
    // Only the older way tells how far it is.
    return http.fetch === undefined && typeof XMLHttpRequest !== "undefined"
      ? sendWatched(address, headers, blob, options)
      : sendPlain(http.fetch ?? fetch, address, { method: "POST", headers, body: blob }, options.signal);
  };
  let response = await once(false);
  if (response.status === 401 && http.hasFreshTokens) response = await once(true);
  const stored = (await (await accepted(response)).json()) as StoredFile;
  options.onProgress?.(1);
  return stored;
}

function sendWatched(address: string, headers: Record<string, string>, blob: Blob, options: UploadOptions) {
  const { signal, onProgress } = options;
  return new Promise<Response>((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open("POST", address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total === 0 ? 0 : loaded / total);
    request.onload = () => {
      const headers = { "retry-after": request.getResponseHeader("retry-after") ?? "" };
      resolve(new Response(request.responseText, { status: request.status, headers }));
    };
    request.onerror = () => reject(new Unreachable());
    signal?.addEventListener(
      "abort",
      () => {
        request.abort();
        reject(signal.reason);
      },
      { once: true },
    );
    request.send(blob);
  });
}

function sendPlain(ask: typeof fetch, address: string, init: RequestInit, signal: AbortSignal | undefined) {
  return unlessAborted(ask(address, { ...init, credentials: "same-origin", signal: signal ?? null }), signal);
}
