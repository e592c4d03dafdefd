// The package under its own name, for the tests and the example.

import { fileURLToPath } from "node:url";

export const aliases = [
  { find: /^@threadline\/client\/react$/, replacement: fileURLToPath(new URL("src/react/index.ts", import.meta.url)) },
  { find: /^@threadline\/client$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) },
];
