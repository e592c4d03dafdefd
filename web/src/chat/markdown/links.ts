// Where the words of a model may lead. Pure.

const PROTOCOLS = new Set(["http:", "https:", "mailto:"]);

/** The address as it may stand in a link; null for what leads into the app, or runs something. */
export function outside(href: string | undefined, own: string): string | null {
  if (href === undefined) return null;
  // A path, also `//host/…`, is no address without ours before it.
  const url = URL.canParse(href) ? new URL(href) : null;
  if (url === null || !PROTOCOLS.has(url.protocol)) return null;
  return url.origin === own ? null : url.href;
}
