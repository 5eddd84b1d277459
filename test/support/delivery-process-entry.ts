// One life of a sender of deliveries, as a process that can be killed: its argument is a `Life` as JSON.
import { live, type Life } from './delivery-process.js';

live(JSON.parse(process.argv[2] ?? '') as Life);
