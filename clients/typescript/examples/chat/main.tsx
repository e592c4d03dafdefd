import { Client } from "@threadline/client";
import { createRoot } from "react-dom/client";
import { App } from "./chat.tsx";

// For a try only: a page that others open gets short-lived tokens of its own from your server.
const token = location.hash.slice(1) || (prompt("A key, from `threadline keys create`:") ?? "");
const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App client={new Client({ token })} />);
