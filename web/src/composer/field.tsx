// The field that one writes in: it grows with its words.

import { type ComponentProps, useEffect, useRef } from "react";

// Older browsers cannot do it by themselves.
const growsByItself = CSS.supports("field-sizing", "content");

export function Field({ value, ref, ...props }: ComponentProps<"textarea"> & { readonly value: string }) {
  const own = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: its height follows its words
  useEffect(() => {
    const field = own.current;
    if (growsByItself || field === null) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }, [value]);
  return (
    <textarea
      ref={(field) => {
        own.current = field;
        if (typeof ref === "function") ref(field);
        else if (ref) ref.current = field;
      }}
      value={value}
      rows={1}
      dir="auto"
      className="field-sizing-content block max-h-[40dvh] min-h-11 w-full min-w-0 resize-none bg-transparent px-4 pt-3 pb-1 outline-none placeholder:text-soft"
      {...props}
    />
  );
}
