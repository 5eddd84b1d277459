// Runs the real program from its sources: node test/support/program-entry.mjs --role=all
import { register } from 'node:module';

register('./typescript-loader.mjs', import.meta.url);
await import('../../src/main.ts');
