import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { transformFile } from '@swc/core';

const ROOT = path.join(import.meta.dirname, '../..');
const SOURCES = ['src', 'emulator', 'test/support'];
/** What the compiled program looks for beside its own folders. */
const NEIGHBOURS = ['node_modules', 'prisma', 'package.json'];

/**
 * Compiles the programs that tests start as processes of their own, laid out in `folder` as here. Done once for all of them: a start from the
 * sources, as Jest's workers have it, takes twice as long.
 */
export async function compile(folder) {
  const files = SOURCES.flatMap((source) =>
    readdirSync(path.join(ROOT, source), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
      .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name))),
  );
  await Promise.all(
    files.map(async (file) => {
      const to = path.join(folder, file);
      mkdirSync(path.dirname(to), { recursive: true });
      if (!file.endsWith('.ts')) return copyFileSync(path.join(ROOT, file), to);
      const { code } = await transformFile(path.join(ROOT, file), { sourceMaps: false });
      writeFileSync(to.replace(/ts$/, 'js'), code);
    }),
  );
  for (const name of NEIGHBOURS) symlinkSync(path.join(ROOT, name), path.join(folder, name));
}
