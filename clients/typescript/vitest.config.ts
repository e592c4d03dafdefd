import { defineConfig } from "vitest/config";
import { aliases } from "./aliases.ts";

export default defineConfig({
  esbuild: { jsx: "automatic" },
  resolve: { alias: aliases },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    // Processes, not threads: channels reach all threads of a process, and with them the clients of other files.
    pool: "forks",
    poolOptions: { forks: { maxForks: 2 } },
    sequence: { shuffle: true },
    // Whoever hangs is found; a busy machine is no fault.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
