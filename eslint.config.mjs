import { readdirSync } from 'node:fs';
import { defineConfig } from 'eslint/config';
import redos from 'eslint-plugin-redos';
import tseslint from 'typescript-eslint';

/** docs/architecture.md, "The house": a file imports from its own folder or a lower floor. */
const FLOORS = {
  domain: 0,
  vendors: 1,
  settings: 2,
  database: 2,
  queue: 3,
  loops: 2,
  metrics: 2,
  tracking: 4,
  delivery: 4,
  access: 5,
  callbacks: 5,
  polling: 5,
  alerts: 5,
  webhooks: 5,
  jobs: 6,
  outbox: 6,
  operations: 6,
  openapi: 7,
};
/** Prisma's output serves every floor from the database upwards. */
const GENERATED_FLOOR = 1;
/** Below and above nobody: main.ts and the tests start it. */
const APART = 'embedded';

const rooms = readdirSync(new URL('src/', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'generated')
  .map((entry) => entry.name);
const homeless = rooms.filter((room) => room !== APART && !(room in FLOORS));
if (homeless.length > 0) throw new Error(`Give src/${homeless.join(', src/')} a floor in eslint.config.mjs`);

const forbid = (folders, message) => ({ regex: `^(\\.\\./)+(${folders.join('|')})/`, message });

/** What a file of the room may not import, `depth` folders below src/. */
function forbiddenImports(room, depth) {
  const others = Object.entries({ ...FLOORS, generated: GENERATED_FLOOR }).filter(([name]) => name !== room);
  const patterns = [
    {
      regex: `^(\\.\\./){${depth}}[^/]+$`,
      message: 'Files directly in src/ put the rooms together; no room imports them.',
    },
    forbid(['emulator', 'bench', 'test'], 'src/ stands without the emulator, the benchmarks and the tests.'),
  ];
  if (room === APART) {
    patterns.push(
      forbid(
        others.map(([name]) => name),
        'embedded/ knows nothing of the rest of src/.',
      ),
    );
  } else {
    patterns.push(
      forbid([APART], 'Only main.ts, replay.ts and tests start the embedded Postgres; take a database URL.'),
    );
    for (const [name, floor] of others.filter(([, floor]) => floor >= FLOORS[room])) {
      const where = floor === FLOORS[room] ? 'on the same floor as' : 'above';
      const message = `A file imports from its own folder or a lower floor: ${name} (${floor}) is ${where} ${room} (${FLOORS[room]}).`;
      patterns.push(forbid([name], message));
    }
  }
  return patterns;
}

const ENVIRONMENT =
  'The environment is read in main.ts, replay.ts and settings/ alone; take the setting you need as an argument.';

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'src/generated/', '.callsheet/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // An async method without await keeps its promise to an interface.
      '@typescript-eslint/require-await': 'off',
      // `'name' | string` is written for the reader.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // What a test reads from an answer is any; the expectation is what checks it.
    files: ['**/*.spec.ts', 'test/**/*.ts', 'emulator/support/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  ...rooms.flatMap((room) =>
    [1, 2, 3].map((depth) => ({
      files: [`src/${room}/${'*/'.repeat(depth - 1)}*.ts`],
      ignores: ['**/*.spec.ts'],
      rules: { 'no-restricted-imports': ['error', { patterns: forbiddenImports(room, depth) }] },
    })),
  ),
  {
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts', 'src/replay.ts', 'src/settings/**', '**/*.spec.ts'],
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: ENVIRONMENT }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ImportDeclaration[source.value=/^(node:)?process$/]', message: ENVIRONMENT },
      ],
    },
  },
  {
    // Every regular expression can meet text from outside sooner or later, and one that takes quadratic time stops the process.
    // Patterns that are built at run time are listed in test/regular-expressions.spec.ts.
    files: ['src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    plugins: { redos },
    // A pattern that cannot be checked within the timeout is an error too; the limit allows for a busy machine.
    rules: { 'redos/no-vulnerable': ['error', { ignoreErrors: false, timeout: 120_000 }] },
  },
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.base],
    rules: {
      'no-unused-vars': 'error',
      'no-undef': 'off',
      'prefer-const': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
);
