// The program, with the loops of tests.
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import { TEST_INTERVALS } from './tracker.js';

Object.assign(DEFAULT_INTERVALS, TEST_INTERVALS);
await import('../../src/main.js');
