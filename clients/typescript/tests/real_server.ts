// A real `threadline serve` on a folder and a port of its own: started, killed, started again.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PYTHON = process.env.THREADLINE_PYTHON ?? join(process.cwd(), "../../.venv/bin/python");
const START_MS_MAX = 120_000;

export class RealServer {
  readonly home = mkdtempSync(join(tmpdir(), "threadline-ts-"));
  key = "";
  #port = 0;
  #process: ChildProcess | null = null;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<this> {
    if (this.#port === 0) this.#port = await freePort();
    if (this.key === "") this.key = this.#run("keys", "create");
    const process = spawn(PYTHON, ["-m", "threadline", "serve", ...this.#data(), "--port", String(this.#port)], {
      env: this.#environment(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = process;
    await new Promise<void>((resolve, reject) => {
      let said = "";
      const timer = setTimeout(() => reject(new Error(`not ready in time: ${said}`)), START_MS_MAX);
      process.stderr.on("data", (piece: Buffer) => {
        said += piece.toString();
        if (said.includes("Threadline is ready at ")) resolve();
      });
      process.on("exit", () => reject(new Error(`it ended: ${said}`)));
      process.on("exit", () => clearTimeout(timer));
    });
    return this;
  }

  /** Pull the plug. */
  async kill9(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process === null || process.exitCode !== null) return;
    const gone = new Promise((resolve) => process.once("exit", resolve));
    process.kill("SIGKILL");
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill9();
    rmSync(this.home, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Ask it something without the client. */
  async ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.key}`, "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(this.url + path, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return JSON.parse((await response.text()) || "null");
  }

  #run(...words: string[]): string {
    const options = { env: this.#environment(), encoding: "utf8" } as const;
    const done = spawnSync(PYTHON, ["-m", "threadline", ...words, ...this.#data()], options);
    if (done.status !== 0) throw new Error(done.stderr);
    return done.stdout.trim();
  }

  #data(): string[] {
    return ["--data", join(this.home, "data")];
  }

  #environment(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      HOME: this.home,
      PYTHONUNBUFFERED: "1",
      THREADLINE_DEFAULT_MODEL: "demo/echo@max",
    };
  }
}

/**
 * Below the ports of outgoing connections, and of those that the tests in Python take: a server that is killed finds its port
 * free when it starts again.
 */
function freePort(): Promise<number> {
  const own = Number(process.env.VITEST_POOL_ID ?? 0) % 2;
  const port = 10_240 + 2 * Math.floor(Math.random() * 880) + own;
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(freePort()));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(port)));
  });
}
