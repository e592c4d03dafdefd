// Texts that are made to be slow, and not to be read. Pure.

/** Quotes and lists in each other, as the server's pages have it; each further one costs a parser more than the last. */
const NESTING_MAX = 20;
const OPENED = new RegExp(`^[ \\t]*(?:(?:>|[-+*]|\\d{1,9}[.)])[ \\t]*){${NESTING_MAX + 1}}`, "m");
const INDENT = new RegExp(`^[ \\t]{${NESTING_MAX * 4}}[ \\t]*(?:[-+*]|\\d{1,9}[.)])[ \\t]`, "m");
/** Nothing of this is a word: brackets and stars that never close. */
const OPEN_MARKS = /(?:[[<]\s*|(?:\*\*?|__?|~~)\w{0,8}\s){1000}/;

export function isTooDeep(text: string): boolean {
  return (
    OPENED.test(text.replace(/^[ \t]*([-*_])(?:[ \t]*\1)+[ \t]*$/gm, "")) || INDENT.test(text) || OPEN_MARKS.test(text)
  );
}
