// Where one is among the operator's pages.

export const SECTIONS = ["live", "usage", "threads", "tools", "agents", "keys"] as const;
export type Section = (typeof SECTIONS)[number];

export interface OperatorPlace {
  readonly section: Section;
  /** What of the section is shown, such as a thread; null for its list. */
  readonly id: string | null;
}

function isSection(name: string | undefined): name is Section {
  return SECTIONS.some((section) => section === name);
}

/** The place that a path under `/operator` names; an unknown one is the first. */
export function operatorPlaceOf(path: string): OperatorPlace {
  const [, , section, id] = path.split("/");
  if (!isSection(section)) return { section: "live", id: null };
  return { section, id: id ? decodeURIComponent(id) : null };
}

export function operatorPath(section: Section, id?: string): string {
  return id === undefined ? `/operator/${section}` : `/operator/${section}/${encodeURIComponent(id)}`;
}
