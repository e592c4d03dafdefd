import { defineConfig } from "vite";
import { aliases } from "../../aliases.ts";

export default defineConfig({
  esbuild: { jsx: "automatic" },
  resolve: { alias: aliases },
  server: { proxy: { "/v1": { target: process.env.THREADLINE_URL ?? "http://127.0.0.1:8400", ws: true } } },
});
