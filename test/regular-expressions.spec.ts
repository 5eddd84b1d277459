import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { check } from 'recheck';
import ts from 'typescript';
import { z } from 'zod';
import { patternOf } from '../src/settings/redact.js';

const ROOT = path.join(import.meta.dirname, '..');

/**
 * Every pattern of src/ that is built at run time, by its file, with examples of what it becomes. Literals are checked by the
 * linter (redos/no-vulnerable in eslint.config.mjs).
 */
const BUILT: Record<string, (RegExp | null)[][]> = {
  'src/settings/redact.ts': [
    [
      patternOf(['0123456789abcdef']),
      patternOf(['a.*(b+)+$', 'aaaaaaaaaaaaaaaa', 'aaaaaaaa', '"quoted" \\ secret', 'https://user:pw@host/?a=b&c=d']),
    ],
  ],
};

/** What zod builds for the schemas of /v1. */
const ZODS = { uuid: z.regexes.uuid(), date: z.regexes.date, datetime: z.regexes.datetime({ offset: true }) };

it('every pattern that src/ builds at run time is listed here', () => {
  const built = sourceFiles().flatMap((file) => Array.from({ length: builtIn(file) }, () => file));
  expect(built).toEqual(Object.entries(BUILT).flatMap(([file, patterns]) => patterns.map(() => file)));
});

it.each(
  [...Object.entries(BUILT), ...Object.entries(ZODS)].flatMap(([name, patterns]) =>
    [patterns].flat(2).map((pattern): [string, RegExp | null] => [name, pattern]),
  ),
)('%s builds %s, which takes linear time', async (_, pattern) => {
  const { status } = await check(pattern?.source ?? '', pattern?.flags ?? '', { timeout: 120_000 });
  expect(status).toBe('safe');
});

function sourceFiles(): string[] {
  return readdirSync(path.join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.startsWith('src/generated/'))
    .sort();
}

/** How often the file calls `RegExp`, with or without `new`. */
function builtIn(file: string): number {
  let count = 0;
  const visit = (node: ts.Node): void => {
    const isBuilt = (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp';
    if (isBuilt) count++;
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(path.join(ROOT, file), 'utf8'), ts.ScriptTarget.ES2023, true));
  return count;
}
