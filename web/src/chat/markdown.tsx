// What a model says, as it is being said. It is untrusted: streamdown sanitises it.

import { memo } from "react";
import { Streamdown } from "streamdown";

export const Markdown = memo(function Markdown({ text }: { readonly text: string }) {
  return <Streamdown>{text}</Streamdown>;
});
