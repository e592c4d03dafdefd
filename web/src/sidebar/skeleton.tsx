// What stands where the list will be, for as long as nothing of it is known.

const WIDTHS = ["w-4/5", "w-3/5", "w-11/12", "w-2/3", "w-1/2", "w-3/4"];

export function Skeleton() {
  return (
    <div aria-hidden className="grid gap-4 pt-3">
      {WIDTHS.map((width) => (
        <div key={width} className={`h-3.5 animate-pulse rounded-full bg-line ${width}`} />
      ))}
    </div>
  );
}
