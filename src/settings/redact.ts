/** Shorter "secrets" would blot out ordinary text. */
const SHORTEST = 6;

/** A function that puts `***` in the place of every one of `secrets`, also where they stand JSON-escaped or URL-encoded. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const pattern = patternOf(secrets);
  return pattern === null ? (text) => text : (text) => text.replace(pattern, '***');
}

/** Matches every form of the secrets; null when there is nothing to hide. */
export function patternOf(secrets: readonly string[]): RegExp | null {
  const forms = new Set(
    secrets
      .filter((secret) => secret.length >= SHORTEST)
      .flatMap((secret) => {
        const json = JSON.stringify(secret).slice(1, -1);
        return [secret, json, JSON.stringify(json).slice(1, -1), encodeURIComponent(secret)];
      }),
  );
  if (forms.size === 0) return null;
  // Longest first: a secret may begin with another one.
  const alternatives = [...forms]
    .sort((a, b) => b.length - a.length)
    .map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(alternatives.join('|'), 'g');
}

/** The text without secrets; JSON stays JSON, also where a secret is made of digits and stands inside a number. */
export function redacted(text: string, redact: (text: string) => string): string {
  const hidden = redact(text);
  if (hidden === text || isJson(hidden) || !isJson(text)) return hidden;
  return JSON.stringify(JSON.parse(text), (_key, value: unknown) => {
    if (typeof value === 'string') return redact(value);
    if (typeof value === 'number' && redact(String(value)) !== String(value)) return null;
    return value;
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
