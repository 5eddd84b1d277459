/**
 * The text without the characters at its end that are among `characters`. A pattern such as `/[.,]+$/` takes quadratic time for
 * this, because it starts again at every character of every run that is not at the end.
 */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
