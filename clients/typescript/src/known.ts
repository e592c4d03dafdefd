// What is worked out once for a value that never changes, and forgotten with it.

export function once<From extends object, Value>(work: (from: From) => Value): (from: From) => Value {
  const known = new WeakMap<From, Value>();
  return (from) => {
    let found = known.get(from);
    if (found === undefined) {
      found = work(from);
      known.set(from, found);
    }
    return found;
  };
}
