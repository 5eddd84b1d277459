// Runs `npm run replay` from its sources.
import { register } from 'node:module';

register('./typescript-loader.mjs', import.meta.url);
await import('../../src/replay.ts');
