const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': '@swc/jest' },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  // More than there are cores, because a part of each test waits for a vendor, a loop or the database.
  maxWorkers: 3,
  // Generous, because a limit costs nothing as long as facts come, and a busy machine is the normal case.
  testTimeout: 300_000,
};

const COMMANDS = {
  /** `npm test`: every fact that needs no kill, no second Postgres and no browser. */
  test: {
    roots: ['<rootDir>/src', '<rootDir>/emulator', '<rootDir>/test'],
    testMatch: ['**/*.spec.ts'],
    testPathIgnorePatterns: ['<rootDir>/test/system/', '\\.pages\\.spec\\.ts$'],
  },
  /** `npm run test:system`: killed processes, replicas, embedded servers, Alertmanager, the demo. */
  system: { roots: ['<rootDir>/test/system'], testMatch: ['**/*.spec.ts'] },
  /** `npm run test:pages`: pages in a real Chromium. */
  pages: { roots: ['<rootDir>/test/pages'], testMatch: ['**/*.pages.spec.ts'] },
};

export default { ...base, ...COMMANDS[process.env.CALLSHEET_TESTS ?? 'test'] };
