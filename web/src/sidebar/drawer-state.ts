// Whether the list of conversations is open, where there is no room for it beside the page.

import { Signal } from "@threadline/client";

export const isDrawerOpen = new Signal(false);
