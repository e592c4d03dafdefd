import { defineConfig } from "vitest/config";
import { aliases } from "./aliases.ts";

export default defineConfig({
  esbuild: { jsx: "automatic" },
  resolve: { alias: aliases },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    pool: "threads",
    poolOptions: { threads: { maxThreads: 2 } },
    sequence: { shuffle: true },
    // Whoever hangs is found; a busy machine is no fault.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
