// One life of a sender of deliveries, as a process that can be killed: node test/support/delivery-process-entry.mjs '<JSON of Life>'
import { register } from 'node:module';

register('./typescript-loader.mjs', import.meta.url);
const { live } = await import('./delivery-process.ts');
await live(JSON.parse(process.argv[2]));
