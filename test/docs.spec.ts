import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

describe('docs/vendors.md', () => {
  // `test/callbacks.e2e.spec.ts`: "answers exactly 200 …"
  const named = [...read('docs/vendors.md').matchAll(/`([\w/.-]+\.spec\.ts)`: "([^"]+)"/g)].map(
    ([, file = '', test = '']) => [file, test] as const,
  );

  it('names tests', () => {
    expect(named.length).toBeGreaterThan(20);
  });

  it.each(named)('%s has the test "%s"', (file, test) => {
    const source = read(file).replaceAll("\\'", "'");
    expect(source).toContain(`${test}`);
  });
});

describe('the pages', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(path.join(ROOT, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`),
  ];

  it.each(pages)('%s links to files that are there', (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target = '']) => target);
    for (const target of targets) {
      expect(() => readFileSync(path.join(ROOT, path.dirname(page), target))).not.toThrow(/ENOENT/);
    }
  });
});
