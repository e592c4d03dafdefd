// A page for React, and nothing of its network: requests stay those of Node.

import { Window } from "happy-dom";

const page = new Window();
const names = [
  "document",
  "HTMLElement",
  "HTMLIFrameElement",
  "Element",
  "Node",
  "MutationObserver",
  "FormData",
] as const;
const found = Object.fromEntries(names.map((name) => [name, page[name]]));
Object.assign(globalThis, found, { window: page, navigator: { userAgent: "test" }, IS_REACT_ACT_ENVIRONMENT: true });
