// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './schedule/schedule.suite.js';
import './schedule/discovery.suite.js';
import './schedule/changed-accounts.suite.js';
import './schedule/upkeep.suite.js';
