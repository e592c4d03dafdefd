// What somebody has written once he pauses: each letter by itself is worth no question to the server.

import { useEffect, useState } from "react";

const PAUSE_MS = 250;

export function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
