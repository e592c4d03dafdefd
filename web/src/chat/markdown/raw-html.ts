// HTML in Markdown is text: it is shown as it was written. Stands in for `rehype-raw` as well (vite.config.ts), whose
// parser no page needs then.

interface Node {
  type: string;
  value?: string;
  children?: Node[];
}

export function rawHtmlIsText() {
  return (tree: unknown) => toText(tree as Node);
}

export default rawHtmlIsText;

function toText(node: Node): void {
  if (node.type === "raw") node.type = "text";
  for (const child of node.children ?? []) toText(child);
}
