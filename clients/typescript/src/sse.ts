// Server-sent events: text in, frames out, without any I/O.
//
// Follows the WHATWG algorithm: LF, CR and CRLF end a line, comments carry nothing, several `data` lines make one text,
// and a frame that is not closed by an empty line before the stream ends never happened. That last rule is what makes
// resuming exact: a frame that was cut in the middle is not seen, and the next connection brings it whole.

export interface Frame {
  readonly event: string;
  readonly data: string;
}

/** A server that never ends a line must not eat the memory of its client. */
const FRAME_CHARS_MAX = 64 * 1024 * 1024;

/** Takes the body in pieces of any size and gives the frames that each piece completes. */
export class FrameParser {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #size = 0;

  feed(piece: string): Frame[] {
    const frames: Frame[] = [];
    for (const line of this.#lines(piece)) {
      if (line !== "") this.#take(line);
      else if (this.#data.length > 0) frames.push(this.#close());
      else this.#event = "";
    }
    return frames;
  }

  #lines(piece: string): string[] {
    if (!/[\r\n]/.test(piece) && !this.#rest.endsWith("\r")) return this.#hold(this.#rest + piece);
    const text = this.#rest + piece;
    // A CR at the end may be the first half of a CRLF: it waits for what follows.
    const held = text.endsWith("\r") ? "\r" : "";
    const lines = text.slice(0, text.length - held.length).split(/\r\n|\n|\r/);
    this.#hold((lines.pop() ?? "") + held);
    return lines;
  }

  // Held without looking at it: a long line in many pieces is searched once.
  #hold(rest: string): string[] {
    this.#rest = rest;
    if (this.#size + rest.length > FRAME_CHARS_MAX) throw new Error("A frame is too long.");
    return [];
  }

  #take(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "event") this.#event = value;
    if (name === "data") {
      this.#data.push(value);
      this.#size += value.length;
    }
  }

  #close(): Frame {
    const frame = { event: this.#event || "message", data: this.#data.join("\n") };
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    return frame;
  }
}
